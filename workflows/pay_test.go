package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

func paymentDeclined() error {
	return temporal.NewNonRetryableApplicationError("gateway amazonpay declined: insufficient_funds", activities.PaymentDeclined, nil)
}

func alreadyCaptured() error {
	return temporal.NewNonRetryableApplicationError("gateway amazonpay has taken the money", activities.PaymentCaptured, nil)
}

// approvedRun returns a run whose fraud check approves.
func approvedRun(t *testing.T) *run {
	t.Helper()
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(approved, nil)
	return r
}

// What comes of a charge, unless it is declined at the hold.
var (
	charged   = payment.Charge{Authorization: held, Capture: payment.Capture{ID: "capture_1"}}
	untakable = payment.Charge{Authorization: held, Refusal: "capture: gateway amazonpay declined: hold_expired", Decline: payment.ProcessingError}
)

var (
	voidOfHeld   = payment.VoidRequest{IdempotencyKey: transactionID + "/void", Gateway: "amazonpay", Method: "amazonpay", AuthorizationID: "auth_1"}
	refundOfHeld = payment.RefundRequest{
		IdempotencyKey: transactionID + "/refund", Gateway: "amazonpay", Method: "amazonpay", AuthorizationID: "auth_1", Amount: aTransaction().Payment.Amount,
	}
)

// A declined payment is a result and not a failure.
func TestPayDeclined(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, paymentDeclined()).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, "Transaction Payment Failed", r.answer.Message)
	require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
	require.Contains(t, r.record().Payment.Error, "insufficient_funds")
}

// A hold that cannot be taken is released, for as long as it takes.
func TestPayCaptureFails(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(untakable, nil).Once()
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(errors.New("gateway away")).Times(tooOften - 1)
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, transaction.PaymentError, r.answer.TransactionStatus.Code)
	require.Equal(t, &payment.Result{Gateway: "amazonpay", Decline: payment.NewDecline(payment.ProcessingError)}, r.answer.Payment)
	require.Equal(t, untakable.Refusal, r.record().Payment.Error)
	require.NotNil(t, r.record().Payment.VoidedAt)
}

// A payment of unknown outcome is asked for again under the same key.
func TestPayUnknownOutcome(t *testing.T) {
	r := approvedRun(t)
	keys := map[string]int{}
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(
		func(_ context.Context, request payment.ChargeRequest) (payment.Charge, error) {
			if keys[request.IdempotencyKey+" "+request.CaptureKey]++; keys[request.IdempotencyKey+" "+request.CaptureKey] < tooOften {
				return payment.Charge{}, errors.New("gateway timed out")
			}
			return charged, nil
		})

	r.execute()

	require.Equal(t, map[string]int{transactionID + "/authorize " + transactionID + "/capture": tooOften}, keys)
	require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
}

// A charge is asked for in one call where the gateway that was chosen can.
func TestPayInOneCall(t *testing.T) {
	for name, gateway := range map[string]payment.Gateway{"can": charger{newBank("amazonpay", nil)}, "cannot": newBank("amazonpay", nil)} {
		t.Run(name, func(t *testing.T) {
			r := approvedRun(t)
			r.orders.Gateways = payment.NewRegistry(gateway, nil)
			r.OnActivity(pay.Charge, mock.Anything, mock.MatchedBy(func(request payment.ChargeRequest) bool {
				return request.OneCall == (name == "can")
			})).Return(charged, nil).Once()
			r.execute()
			require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
		})
	}
}

// A payment that began with two calls goes on with two, although its gateway can charge in one by now.
func TestPayGoesOnAsBegun(t *testing.T) {
	r := approvedRun(t)
	r.orders.Gateways = payment.NewRegistry(charger{newBank("amazonpay", nil)}, nil)
	r.OnSideEffect().Return(map[string]any{"gateway": "amazonpay", "atOnce": true})
	r.OnActivity(pay.Charge, mock.Anything, mock.MatchedBy(func(request payment.ChargeRequest) bool {
		return !request.OneCall && request.CaptureKey == transactionID+"/capture"
	})).Return(charged, nil).Once()
	r.execute()
	require.Equal(t, transaction.PaymentComplete, r.answer.TransactionStatus.Code)
}

// A gateway that gives no answer in time ends the payment.
func TestPayDeadline(t *testing.T) {
	t.Run("and what it turns out to hold is released", func(t *testing.T) {
		r := approvedRun(t)
		r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, errors.New("no answer"))
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil).Once()
		r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()
		r.execute()
		require.NoError(t, r.GetWorkflowError())
		require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
		require.Equal(t, "the payment gateway gave no answer in time", r.record().Payment.Error)
		require.Equal(t, "auth_1", r.record().Payment.AuthorizationID)
		require.NotNil(t, r.record().Payment.VoidedAt)
	})
	t.Run("and where it holds nothing there is nothing to release", func(t *testing.T) {
		r := approvedRun(t)
		r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, errors.New("no answer"))
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(payment.Authorization{}, paymentDeclined()).Once()
		r.execute()
		require.NoError(t, r.GetWorkflowError())
		require.Nil(t, r.record().Payment.VoidedAt)
	})
	t.Run("and what it turns out to have taken is refunded", func(t *testing.T) {
		r := approvedRun(t)
		r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, errors.New("no answer"))
		r.OnActivity(pay.Authorize, mock.Anything, mock.MatchedBy(func(request payment.AuthorizeRequest) bool {
			return request.Settle && request.IdempotencyKey == transactionID+"/authorize" // the charge's own key
		})).Return(held, nil).Once()
		r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(alreadyCaptured()).Once()
		r.OnActivity(pay.Refund, mock.Anything, refundOfHeld).Return(payment.Refund{ID: "refund_1"}, nil).Once()
		r.execute()
		require.NoError(t, r.GetWorkflowError())
		require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
		require.Equal(t, "refund_1", r.record().Payment.RefundID)
	})
}

// Money that cannot be given back raises an alert, and the workflow fails.
func TestPayGiveBackFails(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(untakable, nil).Once()
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(
		temporal.NewNonRetryableApplicationError("gateway amazonpay declined: void_refused", activities.PaymentDeclined, nil)).Once()
	events := r.publishes(1)

	r.execute()

	var failure *temporal.ApplicationError
	require.ErrorAs(t, r.GetWorkflowError(), &failure)
	require.Equal(t, workflows.CompensationFailed, failure.Type())
	require.Equal(t, alert.CompensationFailed, (*events)[0].Type)
	require.Contains(t, (*events)[0].Data.Problem, "void_refused")
	require.Contains(t, r.record().Payment.StillHeld, "void_refused")
}

// A gateway that gives money back too late raises an alert, and is asked further, also while the alert cannot be published. The ledger
// knows meanwhile what was given back.
func TestPayGiveBackLate(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(untakable, nil).Once()
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(errors.New("gateway away")).Times(tooOften + 3)
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()
	var published alert.Event
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
		if known := r.ledger.last().Record.Payment; known.VoidedAt == nil || known.StillHeld != "" {
			return errors.New("broker away")
		}
		published = e
		return nil
	})

	r.execute()

	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, alert.CompensationFailed, published.Type)
	require.Contains(t, published.Data.Problem, "no answer for 1h")
	require.Empty(t, r.record().Payment.StillHeld)
	require.NotNil(t, r.record().Payment.VoidedAt)
}

// A hold that turns out not to exist is not called still held.
func TestPayNoSuchHold(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, errors.New("no answer"))
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(payment.Authorization{}, errors.New("no answer")).Times(tooOften)
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(payment.Authorization{}, paymentDeclined()).Once()
	r.publishes(1)
	r.execute()
	require.NoError(t, r.GetWorkflowError())
	require.Empty(t, r.record().Payment.StillHeld)
}

// A payment stays with the gateway that it began with.
func TestPayKeepsGateway(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(
		func(_ context.Context, request payment.ChargeRequest) (payment.Charge, error) {
			require.Equal(t, "amazonpay", request.Gateway)
			r.orders.Gateways = payment.NewRegistry(newBank("another", nil), nil) // the settings change
			return untakable, nil
		})
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()
	r.execute()
}

func TestPayCancelled(t *testing.T) {
	t.Run("before the verdict ends the transaction and answers its caller", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Minute).Return(approved, nil)
		r.RegisterDelayedCallback(r.CancelWorkflow, time.Second)
		r.execute()
		require.ErrorAs(t, r.GetWorkflowError(), new(*temporal.CanceledError))
		require.NoError(t, r.answer.err)
		require.Equal(t, transaction.PaymentError, r.answer.TransactionStatus.Code)
	})
	t.Run("while the money is being taken comes too late", func(t *testing.T) {
		r := approvedRun(t)
		r.OnActivity(pay.Charge, mock.Anything, mock.Anything).After(time.Second).Return(charged, nil)
		r.RegisterDelayedCallback(r.CancelWorkflow, 500*time.Millisecond)
		r.execute()
		require.NoError(t, r.GetWorkflowError())
		require.Equal(t, []transaction.Status{11, 16, 18}, r.steps())
	})
	t.Run("while the money is being held for a review releases it", func(t *testing.T) {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(reviewed, nil)
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).After(time.Second).Return(held, nil)
		r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()
		r.RegisterDelayedCallback(r.CancelWorkflow, 500*time.Millisecond)
		r.execute()
		require.ErrorAs(t, r.GetWorkflowError(), new(*temporal.CanceledError))
		require.Equal(t, []transaction.Status{11, 16, 17}, r.steps())
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

// A payment that failed says which gateway was asked and why, in words that stay the same.
func TestPayErrorText(t *testing.T) {
	declinedFor := func(details ...any) error {
		return temporal.NewNonRetryableApplicationError("gateway simulated-amazonpay declined: it did", activities.PaymentDeclined, nil, details...)
	}
	for _, c := range []struct {
		name string
		err  error
		want payment.Decline
	}{
		{"a reason", declinedFor(payment.LostCard), payment.Decline{Code: payment.LostCard}},
		{"one that may pass", declinedFor(payment.InsufficientFunds), payment.Decline{Code: payment.InsufficientFunds, Retryable: true}},
		{"one from before there were reasons", declinedFor(), payment.Decline{Code: payment.GenericDecline}},
		{"one that is not known here", declinedFor("moon_phase"), payment.Decline{Code: payment.GenericDecline}},
		{"one of another form", declinedFor(42), payment.Decline{Code: payment.GenericDecline}},
		{"a gateway that is away", errors.New("gateway away"), payment.Decline{Code: payment.GatewayUnavailable, Retryable: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := approvedRun(t)
			r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, c.err)
			if c.want.Code == payment.GatewayUnavailable {
				r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(payment.Authorization{}, declinedFor()).Once() // nothing was held
			}
			r.execute()
			want := payment.Result{Gateway: "amazonpay", Decline: &c.want}
			require.Equal(t, &want, r.answer.Payment)
			require.Equal(t, want, r.record().Payment.Result)
		})
	}
}

// The answer of a payment that succeeds names the gateway.
func TestPayNamesGateway(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(charged, nil)
	r.execute()
	require.Equal(t, &payment.Result{Gateway: "amazonpay"}, r.answer.Payment)
}
