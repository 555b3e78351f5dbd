package paymenttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

// calls returns the calls that the provider's gateway has.
func calls(p Provider) []Call {
	if _, can := p.Gateway.(payment.Charger); !can {
		return []Call{Authorize, Capture, Void, Refund}
	}
	return []Call{Authorize, Charge, Capture, Void, Refund}
}

func sameKey(t *testing.T, p Provider) {
	for _, kind := range calls(p) {
		s := before(t, p, p.Means.Good, kind)
		first := must(s.call(s.within(), kind))(t)
		for range 3 {
			require.Equal(t, first, must(s.call(s.within(), kind))(t), kind)
		}
		s.moved(after(kind))
	}
}

func sameKeyAtOnce(t *testing.T, p Provider) {
	for _, kind := range calls(p) {
		s := before(t, p, p.Means.Good, kind)
		var callers sync.WaitGroup
		ids, errs := make([]string, 8), make([]error, 8)
		for i := range ids {
			callers.Go(func() {
				ids[i], errs[i] = settled(s.within(), func() (string, error) { return s.call(s.within(), kind) })
			})
		}
		callers.Wait()
		for i := range ids {
			require.NoError(t, errs[i], kind)
			require.Equal(t, ids[0], ids[i], kind)
		}
		s.moved(after(kind))
	}
}

func failsOnce(t *testing.T, p Provider) {
	for kind, m := range p.Means.FailsOnce {
		s := before(t, p, m, kind)
		was := s.Read(s.id)
		_, err := s.call(s.within(), kind)
		var temporary *payment.TemporaryError
		require.ErrorAs(t, err, &temporary, kind)
		require.Equal(t, p.Gateway.Name(), temporary.Gateway)
		require.NotEmpty(t, temporary.Code)
		s.moved(was)
		must(s.call(s.within(), kind))(t)
		s.moved(after(kind))
	}
}

func lostAnswer(t *testing.T, p Provider) {
	for kind, m := range p.Means.Lost {
		s := before(t, p, m, kind)
		s.loseAnswer(kind)
		first := must(settled(s.within(), func() (string, error) { return s.call(s.within(), kind) }))(t)
		require.Equal(t, first, must(s.call(s.within(), kind))(t), kind)
		s.moved(after(kind))
	}
}

func lateAnswer(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Late)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.authorize(ctx, "authorize"); err != nil { // no error if this machine was slower than late
		s.unknown(err)
	}
	ask := func() (payment.Authorization, error) { return s.authorize(s.within(), "authorize") }
	s.held = must(settled(s.within(), ask))(t)
	require.Equal(t, s.held, must(ask())(t))
	s.moved(after(Authorize))
	must(s.capture(s.within(), "capture"))(t)
	s.moved(after(Capture))
}

// sameKeyOtherAmount asks for another amount under a used key, which is neither done nor answered as if it were.
func sameKeyOtherAmount(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Good)
	s.means.Amount.Minor++
	_, err := s.authorize(s.within(), "authorize")
	s.unknown(err)
	s.moved(after(Authorize))
}

func gaveUpBefore(t *testing.T, p Provider) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, kind := range calls(p) {
		s := before(t, p, p.Means.Good, kind)
		if _, err := s.call(ended, kind); err != nil {
			s.unknown(err)
		}
		must(s.call(s.within(), kind))(t)
		s.moved(after(kind))
	}
}
