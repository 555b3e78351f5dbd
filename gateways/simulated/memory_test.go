package simulated_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
)

func TestOtherProcessAnswersSame(t *testing.T) {
	// Two gateways of one name: a process that was killed has lost whatever it kept in memory.
	first, err := simulated.New("paytm").Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	require.NoError(t, err)
	again, err := simulated.New("paytm").Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	require.NoError(t, err)
	require.Equal(t, first, again)

	capture := payment.CaptureRequest{IdempotencyKey: "t/capture", AuthorizationID: first.ID, Amount: amount}
	taken, err := simulated.New("paytm").Capture(t.Context(), capture)
	require.NoError(t, err)
	takenAgain, err := simulated.New("paytm").Capture(t.Context(), capture)
	require.NoError(t, err)
	require.Equal(t, taken, takenAgain)

	refund := payment.RefundRequest{IdempotencyKey: "t/refund", AuthorizationID: first.ID, Amount: amount}
	givenBack, err := simulated.New("paytm").Refund(t.Context(), refund)
	require.NoError(t, err)
	givenBackAgain, err := simulated.New("paytm").Refund(t.Context(), refund)
	require.NoError(t, err)
	require.Equal(t, givenBack, givenBackAgain)
	require.NoError(t, simulated.New("paytm").Void(t.Context(), payment.VoidRequest{AuthorizationID: first.ID}))
}

// Another process knows a test card by the authorization.
func TestOtherProcessKnowsCard(t *testing.T) {
	held, err := simulated.New("paytm").Authorize(t.Context(), request(t, "t/authorize", "4000000000006736"))
	require.NoError(t, err)
	_, err = simulated.New("paytm").Capture(t.Context(), payment.CaptureRequest{AuthorizationID: held.ID, Amount: amount})
	require.Equal(t, "processing_error", word(err))
	err = simulated.New("paytm").Void(t.Context(), payment.VoidRequest{AuthorizationID: held.ID})
	require.Equal(t, "void_not_allowed", word(err))
}

func TestUnknownIDIsDeclined(t *testing.T) {
	const id = "2f5e8a3c-5b7e-5d0c-9a54-0d9f3f0b8a11" // of version 5, as all of the gateway's
	gateway := simulated.New("default")
	for id, want := range map[string]string{
		"auth_" + id:              "ok",
		"auth_uncapturable_" + id: "ok", // as earlier versions gave out as well
		"auth__" + id:             "no_such_authorization",
		"auth_nothing_" + id:      "no_such_authorization",
		"auth_lost_lost_" + id:    "no_such_authorization",
		id:                        "no_such_authorization",
		"pi_" + id:                "no_such_authorization",
		"auth_{" + id + "}":       "no_such_authorization",
		"auth_":                   "no_such_authorization",
		"":                        "no_such_authorization",
		"auth_2f5e8a3c-5b7e-4d0c-9a54-0d9f3f0b8a11": "no_such_authorization",
	} {
		require.Equal(t, want, word(gateway.Void(t.Context(), payment.VoidRequest{AuthorizationID: id})), id)
	}
}

// Gateways of different names share nothing.
func TestNamesShareNothing(t *testing.T) {
	paytm, amazon := simulated.New("paytm"), simulated.New("amazonpay")
	one, err := paytm.Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	require.NoError(t, err)
	require.Empty(t, amazon.Movements())
	other, err := amazon.Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	require.NoError(t, err)
	require.NotEqual(t, one.ID, other.ID)
	require.Equal(t, "paytm", one.Gateway)
	require.Equal(t, "amazonpay", other.Gateway)
}

func TestMemoryForgetsOldest(t *testing.T) {
	gateway := simulated.New("default").WithMemory(3)
	var ids []string
	for i := range 5 {
		r := request(t, fmt.Sprint(i), "4242424242424242")
		r.TransactionID = fmt.Sprint(i)
		held, err := gateway.Authorize(t.Context(), r)
		require.NoError(t, err)
		ids = append(ids, held.ID)
		if i == 0 {
			require.NoError(t, gateway.Void(t.Context(), payment.VoidRequest{AuthorizationID: held.ID}))
		}
	}
	var remembered []string
	for _, hold := range gateway.Movements() {
		remembered = append(remembered, hold.TransactionID)
		require.Equal(t, amount.Minor, hold.Held)
	}
	require.Equal(t, []string{"2", "3", "4"}, remembered)

	_, err := gateway.Capture(t.Context(), payment.CaptureRequest{AuthorizationID: ids[0], Amount: amount})
	require.NoError(t, err, "of a hold that is forgotten, it is forgotten that it was released")
	require.Len(t, gateway.Movements(), 3)
}

// A caller that has given up is not kept waiting.
func TestCancelledCaller(t *testing.T) {
	gateway := simulated.New("default")
	for _, number := range []string{"4000000000006603", "4000000000006637", "4000000000006645"} {
		_, err := gateway.Authorize(ended(), request(t, number, number))
		require.Equal(t, "no answer", word(err), number)
	}
}
