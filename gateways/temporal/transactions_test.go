package temporal

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

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
