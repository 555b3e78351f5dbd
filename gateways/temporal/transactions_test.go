package temporal

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// withoutWorkers is a workflow engine on which no worker answers queries. It has the workflows of one merchant.
type withoutWorkers struct {
	client.Client

	merchant string // empty if there are no workflows
}

func (e withoutWorkers) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	if e.merchant == "" {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return nil, serviceerror.NewFailedPrecondition("no poller seen for task queue recently")
}

func (e withoutWorkers) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if e.merchant == "" {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	merchant, err := converter.GetDefaultDataConverter().ToPayload(e.merchant)
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{workflows.MerchantKey.GetName(): merchant}},
	}}, err
}

// emptyLedger shows no transactions.
type emptyLedger struct {
	Ledger
}

func (emptyLedger) Find(context.Context, identity.Merchants, string) (ledger.Entry, error) {
	return ledger.Entry{}, ledger.ErrNotFound
}

// Also while no worker answers, a transaction of another merchant is answered as one that does not exist.
func TestRecordWithoutWorkers(t *testing.T) {
	for merchant, want := range map[string]error{"": transaction.ErrNotFound, "beta": transaction.ErrNotFound, "acme": transaction.ErrUnavailable} {
		s := Transactions{Client: withoutWorkers{merchant: merchant}, Ledger: emptyLedger{}}
		_, err := s.Record(t.Context(), identity.OnlyMerchants("acme"), "01990000-0000-7000-8000-000000000001")
		require.Error(t, err)
		assert.ErrorIs(t, err, want, "a transaction of the merchant %q", merchant)
	}
}

// retrying is a workflow engine on which no worker answers, and activities are tried again.
type retrying struct {
	withoutWorkers

	next time.Time
}

func (e retrying) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	pending := func(name string, attempt int32, state enums.PendingActivityState, why string) *workflow.PendingActivityInfo {
		return &workflow.PendingActivityInfo{
			ActivityType: &common.ActivityType{Name: name}, Attempt: attempt, State: state, LastFailure: &failure.Failure{Message: why},
			NextAttemptScheduleTime: timestamppb.New(e.next),
		}
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{PendingActivities: []*workflow.PendingActivityInfo{
		pending("Capture", 4, enums.PENDING_ACTIVITY_STATE_SCHEDULED, "the gateway said 4111111111111111 and no more"),
		pending("Save", 2, enums.PENDING_ACTIVITY_STATE_STARTED, "disk full"),
		pending("CheckFraud", 1, enums.PENDING_ACTIVITY_STATE_SCHEDULED, ""),
	}}, nil
}

// oneEntry shows a transaction that began at a time.
type oneEntry struct {
	Ledger

	began time.Time
	ended *time.Time
}

func (l oneEntry) Find(context.Context, identity.Merchants, string) (ledger.Entry, error) {
	return ledger.Entry{Record: ledger.Record{StartTime: l.began, EndTime: l.ended}}, nil
}

// A running transaction has what is tried again, without card numbers. One that has ended, or has only just begun, has none.
func TestRetries(t *testing.T) {
	next := time.Now().Add(time.Minute).UTC()
	find := func(l oneEntry) []ledger.Retry {
		s := Transactions{Client: retrying{withoutWorkers{merchant: "acme"}, next}, Ledger: l}
		record, err := s.Record(t.Context(), identity.AllMerchants(), "01990000-0000-7000-8000-000000000001")
		require.NoError(t, err)
		return record.Retries
	}
	assert.Equal(t, []ledger.Retry{
		{Step: "Capture", Failed: 3, Next: &next, Failure: "the gateway said 411111******1111 and no more"},
		{Step: "Save", Failed: 1, Failure: "disk full"},
	}, find(oneEntry{began: next.Add(-time.Hour)}))
	assert.Empty(t, find(oneEntry{began: time.Now()}))
	assert.Empty(t, find(oneEntry{began: next.Add(-time.Hour), ended: &next}))
}
