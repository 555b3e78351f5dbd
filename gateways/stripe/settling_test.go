package stripe_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
	"dummyorders/internal/paymenttest"
)

// Every movement is requested under the caller's key.
func TestIdempotencyKeys(t *testing.T) {
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	held, err := gateway.Authorize(t.Context(), hold("pm_card_visa"))
	require.NoError(t, err)
	for _, call := range []string{"capture", "refund"} {
		require.NoError(t, ask(t, gateway, call, held.ID))
	}
	require.True(t, payment.IsCaptured(ask(t, gateway, "void", held.ID)))
	require.ElementsMatch(t, []string{"t/authorize", "t/capture", "t/refund", "t/void"}, slices.Collect(maps.Keys(f.answers)))
}

// A payment that was in progress is looked at again. Stripe repeats its first answer to a key, even if the
// PaymentIntent has changed its state since.
func TestPaymentInProgressIsReread(t *testing.T) {
	for call, status := range map[string]string{"hold": "requires_capture", "capture": "succeeded", "void": "canceled"} {
		t.Run(call, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				now := "processing"
				if r.Method == http.MethodGet {
					now = status
				}
				_, _ = fmt.Fprintf(w, `{"id": "pi_1", "object": "payment_intent", "status": %q}`, now)
			}))
			t.Cleanup(server.Close)
			gateway := stripe.New(testKey, server.URL)
			if call == "hold" {
				_, err := gateway.Authorize(t.Context(), hold("pm_1"))
				require.NoError(t, err)
				return
			}
			require.NoError(t, ask(t, gateway, call, "pi_1"))
		})
	}
}

// Stripe goes on failing under a key that has failed once. The gateway must nevertheless find out what Stripe did.

// A hold that Stripe made without answering is found again.
func TestLostHoldIsFound(t *testing.T) {
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	_, err := gateway.Authorize(t.Context(), hold("pm_broken_after_authorize"))
	require.True(t, payment.IsUnknown(err), "%v", err)
	for range 2 {
		held, err := gateway.Authorize(t.Context(), hold("pm_broken_after_authorize"))
		require.NoError(t, err)
		require.Contains(t, f.intents, held.ID)
		require.Equal(t, paymenttest.Movements{HoldsOpen: 1}, f.movements("t"))
	}
}

// A charge that Stripe made without answering is found again, by both calls under its key.
func TestLostChargeIsFound(t *testing.T) {
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	_, err := gateway.Charge(t.Context(), hold("pm_broken_after_charge"))
	require.True(t, payment.IsUnknown(err), "%v", err)
	for range 2 {
		charge, err := gateway.Charge(t.Context(), hold("pm_broken_after_charge"))
		require.NoError(t, err)
		held, err := gateway.Authorize(t.Context(), hold("pm_broken_after_charge"))
		require.NoError(t, err)
		require.Equal(t, charge.Authorization, held)
		require.Equal(t, paymenttest.Movements{Taken: 1}, f.movements("t"))
	}
}

// A charge whose answer was lost is found when it is settled, and nothing is held besides, also while the search fails for now.
func TestSettleCharge(t *testing.T) {
	for name, c := range map[string]struct {
		search    int // the status with which it fails
		forgotten bool
	}{
		"the account has no search":               {400, false},
		"forgotten":                               {0, true},
		"forgotten, and too many search":          {429, true},
		"forgotten, and the search fails for now": {500, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFake(t)
			gateway := stripe.New(testKey, f.URL)
			charge, err := gateway.Charge(t.Context(), hold("pm_card_visa"))
			require.NoError(t, err)
			if f.blind = c.search; c.forgotten {
				clear(f.answers)
			}
			request := hold("pm_card_visa")
			request.Settle = true
			held, err := gateway.Authorize(t.Context(), request)
			if c.search > 400 {
				require.True(t, payment.IsTemporary(err) || payment.IsUnknown(err), "%v", err)
				f.blind = 0
				held, err = gateway.Authorize(t.Context(), request)
			}
			require.NoError(t, err)
			require.Equal(t, charge.Authorization, held)
			require.Equal(t, paymenttest.Movements{Taken: 1}, f.movements("t"))
		})
	}
}

// A hold that cannot be found stays unknown.
func TestLostHoldStaysUnknown(t *testing.T) {
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	for range 3 {
		_, err := gateway.Authorize(t.Context(), hold("pm_broken_authorize"))
		require.True(t, payment.IsUnknown(err), "%v", err)
	}
	require.Equal(t, paymenttest.Movements{}, f.movements("t"))
}

// After Stripe's failure the money moves once, whether the failure came before it had moved or after.
func TestNewKeyAfterFailure(t *testing.T) {
	for _, fault := range []string{"broken", "broken_after"} {
		for call, want := range map[string]paymenttest.Movements{
			"capture": {Taken: 1},
			"void":    {},
			"refund":  {Taken: 1, GivenBack: 1},
		} {
			t.Run(fault+" "+call, func(t *testing.T) {
				f := startFake(t)
				gateway := stripe.New(testKey, f.URL)
				held, err := gateway.Authorize(t.Context(), hold("pm_"+fault+"_"+call))
				require.NoError(t, err)
				if call == "refund" {
					_, err := gateway.Capture(t.Context(), payment.CaptureRequest{IdempotencyKey: "take", AuthorizationID: held.ID})
					require.NoError(t, err)
				}
				require.True(t, payment.IsUnknown(ask(t, gateway, call, held.ID)))
				for range 2 {
					require.NoError(t, ask(t, gateway, call, held.ID))
					require.Equal(t, want, f.movements("t"))
				}
			})
		}
	}
}

func ask(t *testing.T, gateway *stripe.Gateway, call, id string) error {
	var err error
	switch call {
	case "capture":
		_, err = gateway.Capture(t.Context(), payment.CaptureRequest{IdempotencyKey: "t/capture", AuthorizationID: id})
	case "void":
		err = gateway.Void(t.Context(), payment.VoidRequest{IdempotencyKey: "t/void", AuthorizationID: id})
	case "refund":
		_, err = gateway.Refund(t.Context(), payment.RefundRequest{IdempotencyKey: "t/refund", AuthorizationID: id})
	}
	return err
}
