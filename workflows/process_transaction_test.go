package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
	"dummyorders/workflows"
)

const transactionID = "01930000-0000-7000-8000-000000000001"

// tooOften is how many attempts the test environment allows for an activity that may be retried without end.
const tooOften = 10

var (
	approved = fraud.Decision{Outcome: fraud.Approve, RiskLevel: fraud.NormalRisk, Source: fraud.AutomatedRule}
	declined = fraud.Decision{Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk, Source: fraud.AutomatedRule}
	reviewed = fraud.Decision{Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk, Source: fraud.AutomatedRule}
	held     = payment.Authorization{ID: "auth_1", Gateway: "amazonpay"}
)

func aTransaction() transaction.Transaction {
	amount := money.Money{Minor: 12300, Currency: "INR"}
	return transaction.Transaction{
		ID:            transactionID,
		Order:         transaction.Order{ID: "1234", Name: "avengers 4 spoilers book", Cost: amount},
		Receipt:       transaction.Receipt{Client: "acme/shop"},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.Details{FirstSix: "123456", LastFour: "4321", Length: 16, Fingerprint: "49df"}, Type: "wallet", Amount: amount,
		},
	}
}

// run is a ProcessTransaction under test, with the activities it may use.
type run struct {
	*testsuite.TestWorkflowEnvironment

	t      testing.TB
	answer *answer
	ledger *memoryLedger
	orders *workflows.Orders
}

// newEnvironment returns an environment that logs nothing, and does not take a slow machine for a stuck workflow.
func newEnvironment() *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	suite.SetMetricsHandler(opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: telemetry.Meter(), UseMonotonicCounters: true}))
	e := suite.NewTestWorkflowEnvironment()
	e.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}).SetTestTimeout(time.Minute)
	return e
}

func newRun(t testing.TB) *run {
	t.Helper()
	r := newBareRun(t)
	t.Cleanup(func() { r.AssertExpectations(t) })
	return r
}

// newBareRun returns a run that expects no calls of its activities.
func newBareRun(t testing.TB) *run {
	t.Helper()
	r := &run{TestWorkflowEnvironment: newEnvironment(), t: t, answer: &answer{}, ledger: &memoryLedger{}}
	r.orders = &workflows.Orders{
		FraudCheckDeadline: 15 * time.Minute, PaymentDeadline: 15 * time.Minute,
		Gateways:       payment.NewRegistry(newBank("amazonpay", nil), nil),
		ReviewDeadline: 24 * time.Hour, ReviewOnExpiry: review.Decline, WebUI: "http://localhost:8233/",
	}
	r.RegisterWorkflowWithOptions(r.orders.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
	r.RegisterActivity(&activities.Fraud{})
	r.RegisterActivity(&activities.Payment{})
	r.RegisterActivity(&activities.Alerts{})
	r.RegisterActivity(&activities.Ledger{Writer: r.ledger})
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(workflows.AnswerUpdate, workflows.AnswerUpdateID, r.answer)
	}, 0)
	return r
}

// execute runs a transaction to its end. It checks that, whatever happens, the caller is answered, the transaction only
// moves forward, and the ledger knows what the workflow knows.
func (r *run) execute() {
	r.t.Helper()
	r.ExecuteWorkflow(workflows.ProcessTransactionType, aTransaction())
	require.True(r.t, r.IsWorkflowCompleted())
	require.True(r.t, r.answer.complete, "the caller was never answered")
	record := r.record()
	require.NotNil(r.t, record.EndTime)
	for i, step := range record.Steps[1:] {
		require.True(r.t, record.Steps[i].Code.LeadsTo(step.Code), "from %s to %s", record.Steps[i].Code, step.Code)
	}
	require.Empty(r.t, cmp.Diff(record, r.ledger.last().Record), "record and ledger")
}

func (r *run) record() ledger.Record {
	r.t.Helper()
	value, err := r.QueryWorkflow(workflows.StatusQuery)
	require.NoError(r.t, err)
	var record ledger.Record
	require.NoError(r.t, value.Get(&record))
	return record
}

func (r *run) steps() []transaction.Status {
	r.t.Helper()
	var codes []transaction.Status
	for _, step := range r.record().Steps {
		codes = append(codes, step.Code)
	}
	return codes
}

// answer holds what the caller got, and when.
type answer struct {
	ledger.Answer

	receipt  transaction.Receipt
	complete bool
	err      error
	rejected error
}

func (a *answer) Accept()          {}
func (a *answer) Reject(err error) { a.rejected = err }
func (a *answer) Complete(result any, err error) {
	a.complete, a.err = true, err
	switch got := result.(type) {
	case workflows.Reply:
		a.Answer, a.receipt = got.Answer, got.Receipt
	case ledger.Answer:
		a.Answer = got
	}
}

// memoryLedger is a ledger that keeps every entry, and can be made to fail.
type memoryLedger struct {
	mu      sync.Mutex
	entries []ledger.Entry
	away    func() bool
}

func (b *memoryLedger) Save(_ context.Context, e ledger.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != nil && b.away() {
		return errors.New("ledger away")
	}
	b.entries = append(b.entries, e)
	return nil
}

func (b *memoryLedger) last() ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.entries[len(b.entries)-1]
}

// The money of an approved transaction is taken in one step.
func TestTransactionApproved(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.MatchedBy(func(c fraud.Check) bool {
		return cmp.Equal(c.Transaction, aTransaction()) && c.Number == 1 && !c.StartTime.IsZero() && c.AsOf.Equal(c.StartTime)
	})).Return(approved, nil).Once()
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(
		func(_ context.Context, request payment.ChargeRequest) (payment.Charge, error) {
			require.Equal(t, transactionID+"/authorize", request.IdempotencyKey)
			require.Equal(t, transactionID+"/capture", request.CaptureKey)
			require.Equal(t, aTransaction().Payment.Amount, request.Amount)
			require.Empty(t, request.Card.Fingerprint)
			return charged, nil
		}).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, "Transaction Successful", r.answer.Message)
	require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
	require.Equal(t, []transaction.Status{11, 16, 18}, r.steps())
	require.NotNil(t, r.record().EndTime)
	var result ledger.Status
	require.NoError(t, r.GetWorkflowResult(&result))
	require.Equal(t, r.answer.TransactionStatus, result)
}

// A fraud is stopped and raises an alert, without any payment.
func TestTransactionDeclined(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil).Once()
	events := r.publishes(1)

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, "Transaction Fraudulent", r.answer.Message)
	require.Equal(t, transaction.AlertInitiated, r.answer.TransactionStatus.Code, "the answer does not wait for the broker")
	require.True(t, r.answer.TransactionStatus.FraudStatus)
	require.Equal(t, []transaction.Status{11, 12, 13, 15}, r.steps())
	event := (*events)[0]
	require.Equal(t, alert.FraudDetected, event.Type)
	require.Equal(t, "1234", event.Subject)
	require.Equal(t, "123456******4321", event.Data.Card)
	require.Equal(t, "http://localhost:8233/namespaces/default-test-namespace/workflows/default-test-workflow-id", event.Data.Link)
}

// publishes expects count events, and collects them.
func (r *run) publishes(count int) *[]alert.Event {
	events := new([]alert.Event)
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
		*events = append(*events, e)
		return nil
	}).Times(count)
	return events
}

// The reply carries the receipt of the call that was accepted.
func TestReplyReceipt(t *testing.T) {
	r := newRun(t)
	posted := aTransaction()
	posted.Receipt = transaction.Receipt{Client: "shop", BodyDigest: "digest", Call: "call-1"}
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.publishes(1)
	r.ExecuteWorkflow(workflows.ProcessTransactionType, posted)
	require.Equal(t, posted.Receipt, r.answer.receipt)
}

// An alert that no retry can publish fails the workflow.
func TestAlertCannotBePublished(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(
		temporal.NewNonRetryableApplicationError("publish alert: no retry can publish it", activities.AlertUnpublishable, nil)).Times(2)
	r.execute()
	var failure *temporal.ApplicationError
	require.ErrorAs(t, r.GetWorkflowError(), &failure)
	require.Equal(t, activities.AlertUnpublishable, failure.Type())
	require.Equal(t, transaction.AlertError, r.record().TransactionStatus.Code)
}

// An alert is published under one id, however long the broker is away.
func TestAlertKeepsItsID(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	ids, tries := map[string]bool{}, 0
	var meanwhile transaction.Status
	r.RegisterDelayedCallback(func() { meanwhile = r.record().TransactionStatus.Code }, 10*time.Second)
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
		ids[e.ID] = true
		if tries++; tries < 3+tooOften {
			return errors.New("broker away")
		}
		return nil
	})

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, transaction.AlertError, meanwhile)
	require.Equal(t, []transaction.Status{11, 12, 13, 14, 15}, r.steps())
	require.Len(t, ids, 1)
}

var (
	fraudPolice *activities.Fraud
	pay         *activities.Payment
	alerts      *activities.Alerts
)
