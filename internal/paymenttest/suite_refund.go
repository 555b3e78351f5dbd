package paymenttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

func voidAfterCapture(t *testing.T, p Provider) {
	s := beginTaken(t, p, p.Means.Good)
	for _, key := range []string{"void", "another"} {
		var captured *payment.CapturedError
		require.ErrorAs(t, s.void(s.within(), key), &captured)
		require.Equal(t, payment.CapturedError{Gateway: p.Gateway.Name(), AuthorizationID: s.held.ID}, *captured)
		s.moved(Movements{Taken: 1})
	}
}

func refundTwice(t *testing.T, p Provider) {
	s := beginTaken(t, p, p.Means.Good)
	first := must(s.refund(s.within(), "refund"))(t)
	require.NotEmpty(t, first.ID)
	for _, key := range []string{"refund", "another"} {
		require.Equal(t, first, must(s.refund(s.within(), key))(t), "under the key %s", key)
		s.moved(Movements{Taken: 1, GivenBack: 1})
	}
}

func refundOfNothing(t *testing.T, p Provider) {
	never := begin(t, p, p.Means.Good)
	never.held.ID = p.NoSuchAuthorization
	_, err := never.refund(never.within(), "refund")
	never.declined(err)

	s := beginHeld(t, p, p.Means.Good)
	_, err = s.refund(s.within(), "refund of a hold")
	s.declined(err)
	s.moved(Movements{HoldsOpen: 1})
	require.NoError(t, s.void(s.within(), "void"))
	_, err = s.refund(s.within(), "refund of nothing")
	s.declined(err)
	s.moved(Movements{})
}
