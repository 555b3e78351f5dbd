package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

const transactionID = "01930000-0000-7000-8000-000000000001"

// tooOften is as many attempts as the test environment grants an activity that may be retried without end.
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
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.Details{FirstSix: "123456", LastFour: "4321", Length: 16}, Type: "wallet", Amount: amount,
		},
	}
}

// run is a ProcessTransaction under test, with the activities it may use.
type run struct {
	*testsuite.TestWorkflowEnvironment

	t      *testing.T
	answer *answer
}

func newRun(t *testing.T) *run {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	r := &run{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, answer: &answer{}}
	orders := &workflows.Orders{FraudCheckDeadline: 15 * time.Minute, WebUI: "http://localhost:8233/"}
	r.RegisterWorkflowWithOptions(orders.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
	r.RegisterActivity(&activities.Fraud{})
	r.RegisterActivity(&activities.Payment{})
	r.RegisterActivity(&activities.Alerts{})
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(workflows.AnswerUpdate, workflows.AnswerUpdateID, r.answer)
	}, 0)
	t.Cleanup(func() { r.AssertExpectations(t) })
	return r
}

func (r *run) execute() {
	r.t.Helper()
	r.ExecuteWorkflow(workflows.ProcessTransactionType, aTransaction())
	require.True(r.t, r.IsWorkflowCompleted())
	require.True(r.t, r.answer.given, "the caller was never answered")
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

// answer is what the caller got, and when.
type answer struct {
	ledger.Answer

	given bool
	err   error
}

func (a *answer) Accept()      {}
func (a *answer) Reject(error) {}
func (a *answer) Complete(result any, err error) {
	a.given, a.err = true, err
	if got, ok := result.(ledger.Answer); ok {
		a.Answer = got
	}
}

func TestAnApprovedTransactionIsHeldThenTaken(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, aTransaction()).Return(approved, nil).Once()
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(
		func(_ context.Context, request payment.AuthorizeRequest) (payment.Authorization, error) {
			require.Equal(t, transactionID+"/authorize", request.IdempotencyKey)
			require.Equal(t, aTransaction().Payment.Amount, request.Amount)
			return held, nil
		}).Once()
	r.OnActivity(pay.Capture, mock.Anything, payment.CaptureRequest{
		IdempotencyKey: transactionID + "/capture", Method: "amazonpay", AuthorizationID: "auth_1", Amount: aTransaction().Payment.Amount,
	}).Return(payment.Capture{ID: "capture_1"}, nil).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, "Transaction Successful", r.answer.Message)
	require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
	require.Equal(t, []transaction.Status{11, 16, 18}, r.steps())
	require.NotNil(t, r.record().EndTime)
}

func TestAFraudIsStoppedAndAlertedWithoutAnyPayment(t *testing.T) {
	for name, test := range map[string]struct {
		decision  fraud.Decision
		eventType alert.Type
	}{
		"declined":                          {declined, alert.FraudDetected},
		"for review, which nobody does yet": {reviewed, alert.ReviewRequested},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(test.decision, nil).Once()
			var event alert.Event
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
				event = e
				return nil
			}).Once()

			r.execute()

			require.NoError(t, r.GetWorkflowError())
			require.Equal(t, "Transaction Fraudulent", r.answer.Message)
			require.Equal(t, transaction.AlertInitiated, r.answer.TransactionStatus.Code, "the answer does not wait for the broker")
			require.True(t, r.answer.TransactionStatus.FraudStatus)
			require.Equal(t, []transaction.Status{11, 12, 13, 15}, r.steps())
			require.Equal(t, test.eventType, event.Type)
			require.Equal(t, "1234", event.Subject)
			require.Equal(t, "123456******4321", event.Data.Card)
			require.Equal(t, "http://localhost:8233/namespaces/default-test-namespace/workflows/default-test-workflow-id", event.Data.Link)
		})
	}
}

func TestAnAlertIsPublishedUnderOneIDHoweverLongTheBrokerIsAway(t *testing.T) {
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

func TestATransactionNobodyCheckedIsStoppedAndNotCalledFraud(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(
		fraud.Decision{}, temporal.NewTimeoutError(2, nil))
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(nil).Once()

	r.execute()

	require.Equal(t, fraud.NotEvaluated, r.answer.Decision.Outcome)
	require.Equal(t, fraud.Nobody, r.answer.Decision.Source)
	require.False(t, r.answer.TransactionStatus.FraudStatus)
	require.Equal(t, transaction.AlertInitiated, r.answer.TransactionStatus.Code)
}

func TestADeclinedPaymentIsAResultAndNoFailure(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(payment.Authorization{}, paymentDeclined()).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, "Transaction Payment Failed", r.answer.Message)
	require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
	require.Contains(t, r.record().Payment.Error, "insufficient_funds")
}

func TestAHoldThatCannotBeTakenIsReleasedForAsLongAsItTakes(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{}, paymentDeclined()).Once()
	void := payment.VoidRequest{IdempotencyKey: transactionID + "/void", Method: "amazonpay", AuthorizationID: "auth_1"}
	r.OnActivity(pay.Void, mock.Anything, void).Return(errors.New("gateway away")).Times(tooOften - 1)
	r.OnActivity(pay.Void, mock.Anything, void).Return(nil).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, transaction.PaymentError, r.answer.TransactionStatus.Code)
}

func TestAPaymentOfUnknownOutcomeIsAskedForAgainUnderTheSameKey(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
	keys := map[string]int{}
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(
		func(_ context.Context, request payment.AuthorizeRequest) (payment.Authorization, error) {
			if keys[request.IdempotencyKey]++; keys[request.IdempotencyKey] < tooOften {
				return payment.Authorization{}, errors.New("gateway timed out")
			}
			return held, nil
		})
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{ID: "capture_1"}, nil)

	r.execute()

	require.Equal(t, map[string]int{transactionID + "/authorize": tooOften}, keys)
	require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
}

func TestACancellation(t *testing.T) {
	t.Run("before the verdict ends the transaction and answers its caller", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Minute).Return(approved, nil)
		r.RegisterDelayedCallback(r.CancelWorkflow, time.Second)
		r.execute()
		require.True(t, temporal.IsCanceledError(r.GetWorkflowError()) || errors.As(r.GetWorkflowError(), new(*temporal.CanceledError)))
		require.NoError(t, r.answer.err)
		require.Equal(t, transaction.PaymentError, r.answer.TransactionStatus.Code)
	})
	t.Run("while the money is being held releases it", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).After(time.Second).Return(held, nil)
		r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(nil).Once()
		r.RegisterDelayedCallback(r.CancelWorkflow, 500*time.Millisecond)
		r.execute()
		require.Error(t, r.GetWorkflowError())
		require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
	})
	t.Run("while the money is being taken comes too late", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
		r.OnActivity(pay.Capture, mock.Anything, mock.Anything).After(time.Second).Return(payment.Capture{ID: "capture_1"}, nil)
		r.RegisterDelayedCallback(r.CancelWorkflow, 500*time.Millisecond)
		r.execute()
		require.NoError(t, r.GetWorkflowError())
		require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
	})
	t.Run("after a fraud was found loses no alert", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
		r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).After(time.Second).Return(nil).Once()
		r.RegisterDelayedCallback(r.CancelWorkflow, 500*time.Millisecond)
		r.execute()
		require.Equal(t, []transaction.Status{11, 12, 13, 15}, r.steps())
	})
}

var (
	fraudPolice *activities.Fraud
	pay         *activities.Payment
	alerts      *activities.Alerts
	deliveries  *activities.Deliveries
)

func paymentDeclined() error {
	return temporal.NewNonRetryableApplicationError("gateway amazonpay declined: insufficient_funds", activities.PaymentDeclined, nil)
}
