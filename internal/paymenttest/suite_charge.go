package paymenttest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

// charges are the tests of a payment.Charger.
var charges = map[string]func(*testing.T, Provider){
	"a charge takes the amount, and names what took it":       chargeTakes,
	"a charge of a currency without a smaller unit is made":   chargeOfWholeUnits,
	"a declined charge takes and holds nothing":               declinedCharge,
	"a charge that cannot be taken leaves no hold for good":   untakableCharge,
	"a charge under a used key for another amount is refused": chargeOtherAmount,
	"a charge that is answered late is answered again":        lateCharge,
	"what was charged cannot be released, and is given back":  giveBackCharge,
	"a charge without an answer is settled by asking to hold": settleCharge(false),
	"the same, after so long that the key may be forgotten":   settleCharge(true),
	"a charge that was never made is not made after that":     chargeAfterHold,
}

func chargeTakes(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	charge := must(s.charge(s.within(), "charge"))(t)
	require.Equal(t, p.Gateway.Name(), charge.Authorization.Gateway)
	require.NotEmpty(t, charge.Authorization.ID)
	require.NotEmpty(t, charge.Capture.ID)
	require.Empty(t, charge.Refusal)
	s.moved(after(Charge))
	other := must(s.charge(s.within(), "another"))(t)
	require.NotEqual(t, charge.Authorization.ID, other.Authorization.ID)
	s.moved(Movements{Taken: 2})
}

func chargeOfWholeUnits(t *testing.T, p Provider) {
	m := p.Means.Good
	m.Amount.Currency = "JPY"
	s := begin(t, p, m)
	must(s.charge(s.within(), "charge"))(t)
	s.moved(after(Charge))
}

func declinedCharge(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Declined)
	for range 2 {
		_, err := s.charge(s.within(), "charge")
		s.declined(err, p.Means.DeclinedCode)
		require.Equal(t, p.Means.Reason, payment.ReasonOf(err))
		s.moved(Movements{})
	}
	_, err := s.authorize(s.within(), "charge")
	s.declined(err, p.Means.DeclinedCode)
	s.moved(Movements{})
}

func untakableCharge(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Uncapturable)
	charge, err := s.charge(s.within(), "charge")
	if err != nil {
		s.declined(err)
		s.moved(Movements{})
		return
	}
	require.Empty(t, charge.Capture)
	s.held = charge.Authorization
	_, err = s.capture(s.within(), "capture")
	s.declined(err)
	s.moved(after(Authorize))
	require.NoError(t, s.void(s.within(), "void"))
	s.moved(Movements{})
}

func chargeOtherAmount(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	must(s.charge(s.within(), "charge"))(t)
	s.means.Amount.Minor++
	_, err := s.charge(s.within(), "charge")
	s.unknown(err)
	s.moved(after(Charge))
}

func lateCharge(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Late)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.charge(ctx, "charge"); err != nil { // no error if this machine was slower than late
		s.unknown(err)
	}
	ask := func() (payment.Charge, error) { return s.charge(s.within(), "charge") }
	charge := must(settled(s.within(), ask))(t)
	require.NotEmpty(t, charge.Capture.ID)
	require.Equal(t, charge, must(ask())(t))
	s.moved(after(Charge))
}

func giveBackCharge(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	s.held = must(s.charge(s.within(), "charge"))(t).Authorization
	var captured *payment.CapturedError
	require.ErrorAs(t, s.void(s.within(), "void"), &captured)
	s.moved(after(Charge))
	first := must(s.refund(s.within(), "refund"))(t)
	require.Equal(t, first, must(s.refund(s.within(), "refund"))(t))
	s.moved(after(Refund))
}

func settleCharge(settle bool) func(*testing.T, Provider) {
	return func(t *testing.T, p Provider) {
		s := begin(t, p, p.Means.Lost[Charge])
		s.loseAnswer(Charge)
		r := s.request(string(Charge))
		r.Settle = settle
		ask := func() (payment.Authorization, error) { return s.Gateway.Authorize(s.within(), r) }
		s.held = must(settled(s.within(), ask))(t)
		s.moved(after(Charge))
		must(s.refund(s.within(), "refund"))(t)
		s.moved(after(Refund))
	}
}

// chargeAfterHold asks for a hold first, as after a charge that never arrived. The charge that arrives late then finds the hold.
func chargeAfterHold(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	s.held = must(s.authorize(s.within(), "charge"))(t)
	require.NoError(t, s.void(s.within(), "void"))
	charge, err := s.charge(s.within(), "charge")
	if err != nil {
		s.declined(err)
	}
	require.Empty(t, charge.Capture)
	s.moved(Movements{})
}
