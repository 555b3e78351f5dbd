package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
)

var errAway = errors.New("connection refused")

// broken answers every call with one error.
type broken struct{ err error }

func (broken) Name() string { return "broken" }

func (b broken) Detect(context.Context, fraud.Check) (fraud.Decision, error) {
	return fraud.Decision{}, b.err
}

func (b broken) Authorize(context.Context, payment.AuthorizeRequest) (payment.Authorization, error) {
	return payment.Authorization{}, b.err
}

func (b broken) Capture(context.Context, payment.CaptureRequest) (payment.Capture, error) {
	return payment.Capture{}, b.err
}

func (b broken) Refund(context.Context, payment.RefundRequest) (payment.Refund, error) {
	return payment.Refund{}, b.err
}
func (b broken) Void(context.Context, payment.VoidRequest) error { return b.err }
func (b broken) Save(context.Context, ledger.Entry) error        { return b.err }
func (b broken) Publish(context.Context, alert.Event) error      { return b.err }

// Only what no retry can mend is marked final.
func TestFinalErrors(t *testing.T) {
	declined := &payment.DeclinedError{Gateway: "amazonpay", Code: "insufficient_funds"}
	amount := money.Money{Minor: 12300, Currency: "INR"}
	event := alert.Event{ID: "8d1c0a52"}
	pay := func(err error) *activities.Payment {
		return &activities.Payment{Gateways: payment.NewRegistry(broken{err}, nil)}
	}
	for name, test := range map[string]struct {
		do    func() error
		final string // the error's type; empty if it is to be retried
		says  string
	}{
		"a detector that cannot decide now": {func() error {
			_, err := (&activities.Fraud{Detector: broken{errAway}}).CheckFraud(t.Context(), fraud.Check{Transaction: transaction.Transaction{ID: "0199"}, Number: 1})
			return err
		}, "", "check transaction 0199 for fraud: connection refused"},
		"a decline when the amount is held": {func() error {
			_, err := pay(declined).Authorize(t.Context(), payment.AuthorizeRequest{Amount: amount})
			return err
		}, activities.PaymentDeclined, "authorize INR 123.00: gateway amazonpay declined: insufficient_funds"},
		"a decline when the amount is charged": {func() error {
			_, err := pay(declined).Charge(t.Context(), payment.ChargeRequest{AuthorizeRequest: payment.AuthorizeRequest{Amount: amount}})
			return err
		}, activities.PaymentDeclined, "charge INR 123.00: authorize: gateway amazonpay declined: insufficient_funds"},
		"a gateway that is away": {func() error {
			_, err := pay(errAway).Authorize(t.Context(), payment.AuthorizeRequest{Amount: amount})
			return err
		}, "", "authorize INR 123.00: connection refused"},
		"a decline when the money is taken": {func() error {
			_, err := pay(declined).Capture(t.Context(), payment.CaptureRequest{AuthorizationID: "auth_1", Amount: amount})
			return err
		}, activities.PaymentDeclined, "capture INR 123.00 of authorization auth_1"},
		"a hold that has expired": {func() error {
			return pay(declined).Void(t.Context(), payment.VoidRequest{AuthorizationID: "auth_1"})
		}, activities.PaymentDeclined, "void authorization auth_1: gateway amazonpay declined"},
		"a release that fails": {func() error {
			return pay(errAway).Void(t.Context(), payment.VoidRequest{AuthorizationID: "auth_1"})
		}, "", "void authorization auth_1"},
		"a void of what was taken": {func() error {
			return pay(&payment.CapturedError{Gateway: "amazonpay", AuthorizationID: "auth_1"}).Void(t.Context(), payment.VoidRequest{})
		}, activities.PaymentCaptured, "has taken the money of authorization auth_1 already"},
		"a refund that is refused": {func() error {
			_, err := pay(declined).Refund(t.Context(), payment.RefundRequest{AuthorizationID: "auth_1", Amount: amount})
			return err
		}, activities.PaymentDeclined, "refund INR 123.00 of authorization auth_1: gateway amazonpay declined"},
		"a gateway that cannot now": {func() error {
			_, err := pay(&payment.TemporaryError{Gateway: "amazonpay", Code: "rate_limit"}).Capture(t.Context(), payment.CaptureRequest{Amount: amount})
			return err
		}, "", "gateway amazonpay cannot now: rate_limit"},
		"a gateway that gave no answer": {func() error {
			_, err := pay(&payment.UnknownError{Gateway: "amazonpay", Err: errAway}).Capture(t.Context(), payment.CaptureRequest{Amount: amount})
			return err
		}, "", "what it did is unknown: connection refused"},
		"a gateway that holds and is not configured any more": {func() error {
			return pay(nil).Void(t.Context(), payment.VoidRequest{Gateway: "gone"})
		}, "", "the gateway gone, which this payment began with, is not configured here"},
		"a ledger that is away": {func() error {
			entry := ledger.Entry{Record: ledger.Record{Answer: ledger.PendingAnswer("0199")}}
			return (&activities.Ledger{Writer: broken{errAway}}).Save(t.Context(), entry)
		}, "", "connection refused"},
		"a broker that does not confirm": {func() error {
			return (&activities.Alerts{Publisher: broken{errors.New("publish alert 8d1c0a52: no confirm within 5s")}}).PublishAlert(t.Context(), event)
		}, "", "publish alert 8d1c0a52: no confirm within 5s"},
		"an event that cannot be encoded": {func() error {
			unpublishable := fmt.Errorf("publish alert 8d1c0a52: %w: subject must be text", alert.ErrUnpublishable)
			return (&activities.Alerts{Publisher: broken{unpublishable}}).PublishAlert(t.Context(), event)
		}, activities.AlertUnpublishable, "publish alert 8d1c0a52: no retry can publish it: subject must be text"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.do()
			require.ErrorContains(t, err, test.says)
			application, is := errors.AsType[*temporal.ApplicationError](err)
			final := is && application.NonRetryable()
			if final != (test.final != "") || final && application.Type() != test.final {
				t.Errorf("final %v, want %q: %v", final, test.final, err)
			}
		})
	}
}

// steps is a gateway that holds, and then answers the capture with err.
type steps struct {
	broken

	authorized, captured string // the keys
}

func (s *steps) Authorize(_ context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	s.authorized = r.IdempotencyKey
	return payment.Authorization{ID: "auth_1", Gateway: "broken"}, nil
}

func (s *steps) Capture(_ context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	s.captured = r.IdempotencyKey + " " + r.AuthorizationID + " " + r.Gateway
	return payment.Capture{ID: "capture_1"}, s.err
}

// charger is a gateway that takes the amount in one call, or where it only holds, as steps does.
type charger struct {
	steps

	charge payment.Charge
	err    error
}

func (c *charger) Charge(context.Context, payment.AuthorizeRequest) (payment.Charge, error) {
	return c.charge, c.err
}

// A gateway that charges in one call is asked once, if the payment began so.
func TestChargeInOneCall(t *testing.T) {
	held := payment.Authorization{ID: "auth_1", Gateway: "broken"}
	taken := payment.Charge{Authorization: held, Capture: payment.Capture{ID: "capture_of_charge"}}
	inTwo := payment.Charge{Authorization: held, Capture: payment.Capture{ID: "capture_1"}}
	for name, c := range map[string]struct {
		oneCall bool
		gateway payment.Gateway
		want    payment.Charge
		fault   string
	}{
		"taken":                      {true, &charger{charge: taken}, taken, ""},
		"only held":                  {true, &charger{charge: payment.Charge{Authorization: held}}, inTwo, ""},
		"declined":                   {true, &charger{err: &payment.DeclinedError{Gateway: "bank", Code: "no"}}, payment.Charge{}, "charge INR 123.00: gateway bank declined: no"},
		"began with two calls":       {false, &charger{charge: taken}, inTwo, ""},
		"began with another version": {true, &steps{}, inTwo, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (&activities.Payment{Gateways: payment.NewRegistry(c.gateway, nil)}).Charge(t.Context(), payment.ChargeRequest{
				AuthorizeRequest: payment.AuthorizeRequest{Amount: money.Money{Minor: 12300, Currency: "INR"}}, OneCall: c.oneCall,
			})
			assert.Equal(t, c.want, got)
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
		})
	}
}

// A charge holds and takes under keys of their own. A hold that cannot be taken is a result.
func TestCharge(t *testing.T) {
	held := payment.Authorization{ID: "auth_1", Gateway: "broken"}
	request := payment.ChargeRequest{
		AuthorizeRequest: payment.AuthorizeRequest{IdempotencyKey: "1/authorize", Method: "card", Amount: money.Money{Minor: 12300, Currency: "INR"}},
		CaptureKey:       "1/capture",
	}
	for name, c := range map[string]struct {
		capture error
		want    payment.Charge
		fault   string
	}{
		"taken": {nil, payment.Charge{Authorization: held, Capture: payment.Capture{ID: "capture_1"}}, ""},
		"refused": {
			&payment.DeclinedError{Gateway: "bank", Code: "hold_expired", Reason: payment.ProcessingError},
			payment.Charge{Authorization: held, Refusal: "capture: gateway bank declined: hold_expired", Decline: payment.ProcessingError},
			"",
		},
		"not answered": {&payment.UnknownError{Gateway: "bank", Err: errAway}, payment.Charge{}, "capture of authorization auth_1: gateway bank gave no answer"},
		"busy":         {&payment.TemporaryError{Gateway: "bank", Code: "busy"}, payment.Charge{}, "gateway bank cannot now: busy"},
	} {
		t.Run(name, func(t *testing.T) {
			gateway := &steps{broken: broken{c.capture}}
			got, err := (&activities.Payment{Gateways: payment.NewRegistry(gateway, nil)}).Charge(t.Context(), request)
			assert.Equal(t, c.want, got)
			assert.Equal(t, "1/authorize", gateway.authorized)
			assert.Equal(t, "1/capture auth_1 broken", gateway.captured)
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
			failure, is := errors.AsType[*temporal.ApplicationError](err)
			assert.True(t, is && !failure.NonRetryable(), "%v is final", err)
		})
	}
}

// A gateway that says when to ask again is asked then, unless that is so late that the payment could be given up before.
func TestPaymentRetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{0: 0, 7 * time.Second: 7 * time.Second, time.Hour: activities.LongestPaymentPause} {
		a := activities.Payment{Gateways: payment.NewRegistry(broken{&payment.TemporaryError{After: after}}, nil)}
		_, err := a.Authorize(t.Context(), payment.AuthorizeRequest{})
		application, is := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, is, "%v", err)
		assert.Equal(t, want, application.NextRetryDelay(), "%v", err)
		assert.Equal(t, activities.PaymentTemporary, application.Type(), "%v", err)
	}
}

// A decline is an answer and not an alarm.
func TestDeclineIsBenign(t *testing.T) {
	a := activities.Payment{Gateways: payment.NewRegistry(broken{&payment.DeclinedError{}}, nil)}
	_, err := a.Authorize(t.Context(), payment.AuthorizeRequest{})
	application, is := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, is, "%v is not benign", err)
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, application.Category(), "%v is not benign", err)
}
