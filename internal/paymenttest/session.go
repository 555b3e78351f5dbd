package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

// patience is long enough for a slow machine: what is expected normally happens much sooner.
const patience = time.Minute

// session is one transaction that pays by one mean, under keys of its own.
type session struct {
	*testing.T
	Provider

	id    string
	means Mean
	held  payment.Authorization
}

func begin(t *testing.T, p Provider, m Mean) *session {
	return &session{T: t, Provider: p, id: uuid.NewString(), means: m}
}

// beginHeld returns a session whose amount is held.
func beginHeld(t *testing.T, p Provider, m Mean) *session {
	t.Helper()
	s := begin(t, p, m)
	s.held = must(s.authorize(s.within(), "authorize"))(t)
	return s
}

// beginTaken returns a session whose amount is taken.
func beginTaken(t *testing.T, p Provider, m Mean) *session {
	t.Helper()
	s := beginHeld(t, p, m)
	must(s.capture(s.within(), "capture"))(t)
	return s
}

func must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// within returns a context that gives enough time for an answer.
func (s *session) within() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

func (s *session) key(name string) string { return s.id + "/" + name }

func (s *session) authorize(ctx context.Context, key string) (payment.Authorization, error) {
	return s.Gateway.Authorize(ctx, s.request(key))
}

func (s *session) request(key string) payment.AuthorizeRequest {
	return payment.AuthorizeRequest{
		IdempotencyKey: s.key(key), TransactionID: s.id, Method: "card",
		Card: s.means.Card, Token: s.means.Token, Amount: s.means.Amount,
	}
}

func (s *session) charge(ctx context.Context, key string) (payment.Charge, error) {
	charger, can := s.Gateway.(payment.Charger)
	if !can {
		return payment.Charge{}, errors.New("the gateway takes no amount in one call")
	}
	return charger.Charge(ctx, s.request(key))
}

func (s *session) capture(ctx context.Context, key string) (payment.Capture, error) {
	return s.Gateway.Capture(ctx, payment.CaptureRequest{
		IdempotencyKey: s.key(key), Method: "card", AuthorizationID: s.held.ID, Amount: s.means.Amount,
	})
}

func (s *session) void(ctx context.Context, key string) error {
	return s.Gateway.Void(ctx, payment.VoidRequest{IdempotencyKey: s.key(key), Method: "card", AuthorizationID: s.held.ID})
}

func (s *session) refund(ctx context.Context, key string) (payment.Refund, error) {
	return s.Gateway.Refund(ctx, payment.RefundRequest{
		IdempotencyKey: s.key(key), Method: "card", AuthorizationID: s.held.ID, Amount: s.means.Amount,
	})
}

// call makes the call of that kind, under its own key. It returns an id, or "" for a void.
func (s *session) call(ctx context.Context, kind Call) (id string, err error) {
	switch kind {
	case Authorize:
		var held payment.Authorization
		held, err = s.authorize(ctx, string(kind))
		return held.ID, err
	case Charge:
		var charge payment.Charge
		charge, err = s.charge(ctx, string(kind))
		return charge.Authorization.ID + charge.Capture.ID, err
	case Capture:
		var capture payment.Capture
		capture, err = s.capture(ctx, string(kind))
		return capture.ID, err
	case Void:
		return "", s.void(ctx, string(kind))
	case Refund:
		var refund payment.Refund
		refund, err = s.refund(ctx, string(kind))
		return refund.ID, err
	}
	return "", fmt.Errorf("no such call: %s", kind)
}

// before returns a session in which the call of that kind is next.
func before(t *testing.T, p Provider, m Mean, kind Call) *session {
	t.Helper()
	switch kind {
	case Authorize, Charge:
		return begin(t, p, m)
	case Refund:
		s := beginHeld(t, p, m)
		s.take()
		return s
	case Capture, Void:
	}
	return beginHeld(t, p, m)
}

// take captures the money, with or without an answer: some means lose the answer, because callers do not refund a
// capture that is known to have succeeded.
func (s *session) take() {
	s.Helper()
	ctx, giveUp := context.WithCancel(s.within())
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = s.capture(ctx, "capture") // becomes sees the result
	}()
	s.becomes(after(Capture))
	giveUp()
	<-answered
}

// loseAnswer makes the call of that kind, and gives up on its answer.
func (s *session) loseAnswer(kind Call) {
	s.Helper()
	ctx, giveUp := context.WithCancel(s.within())
	answer := make(chan error, 1)
	go func() {
		_, err := s.call(ctx, kind)
		answer <- err
	}()
	s.becomes(after(kind))
	giveUp()
	s.unknown(<-answer)
}

// after returns what has moved once the call of that kind was made, once.
func after(kind Call) Movements {
	return map[Call]Movements{
		Authorize: {HoldsOpen: 1},
		Charge:    {Taken: 1},
		Capture:   {Taken: 1},
		Void:      {},
		Refund:    {Taken: 1, GivenBack: 1},
	}[kind]
}

// moved requires that the provider has moved what is wanted.
func (s *session) moved(want Movements) {
	s.Helper()
	require.Equal(s.T, want, s.Read(s.id), "what the provider has moved")
}

// becomes waits until the provider has moved what is wanted, for calls without an answer.
func (s *session) becomes(want Movements) {
	s.Helper()
	_, err := backoff.Retry(s.within(), func() (struct{}, error) {
		if got := s.Read(s.id); got != want {
			return struct{}{}, fmt.Errorf("the provider has moved %+v, want %+v", got, want)
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Millisecond)), backoff.WithMaxElapsedTime(0))
	require.NoError(s.T, err)
}

// settled asks as callers do: it repeats the call while the gateway is unavailable or gives no answer.
func settled[V any](ctx context.Context, ask func() (V, error)) (V, error) {
	return backoff.Retry(ctx, func() (V, error) {
		v, err := ask()
		if err != nil && !payment.IsTemporary(err) && !payment.IsUnknown(err) {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Millisecond)), backoff.WithMaxElapsedTime(0))
}

// declined requires that err is this gateway's final decline, with any code or with the given one.
func (s *session) declined(err error, word ...string) {
	s.Helper()
	var declined *payment.DeclinedError
	require.ErrorAs(s.T, err, &declined)
	require.Equal(s.T, s.Gateway.Name(), declined.Gateway)
	require.NotEmpty(s.T, declined.Code)
	for _, want := range word {
		require.Equal(s.T, want, declined.Code)
	}
}

// unknown requires that err does not say whether anything was done.
func (s *session) unknown(err error) {
	s.Helper()
	require.Error(s.T, err)
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	require.True(s.T, ended || payment.IsUnknown(err), "%v does not say that the outcome is unknown", err)
	require.False(s.T, payment.IsDeclined(err) || payment.IsTemporary(err) || payment.IsCaptured(err), "%v", err)
}
