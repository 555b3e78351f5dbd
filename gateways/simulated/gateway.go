// Package simulated provides a payment gateway that moves no money. It answers as a real one would: most payments succeed,
// and test cards, test amounts and test tokens make it decline, fail, not answer, or lose its answer.
package simulated

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/payment"
)

// late is how long a late answer takes: less than the ten seconds that callers give a gateway.
const late = 2 * time.Second

// remembered is how many authorizations a gateway keeps; beyond that it forgets the oldest.
const remembered = 20_000

// Gateway answers under the name of the payment method that it stands for. Its authorizations are in memory, and its ids are a
// function of the idempotency key. If this process does not remember a hold, the gateway relies on the hold's id.
type Gateway struct {
	name           string
	authorizations *authorizations
	wait           func(context.Context, time.Duration) error
}

// New returns a gateway of that name. Gateways share no state.
func New(name string) *Gateway {
	return &Gateway{name: name, authorizations: newAuthorizations(remembered), wait: wait}
}

// Name returns the name given to New.
func (g *Gateway) Name() string {
	return g.name
}

// Authorize holds the amount, unless the card, the token or the amount makes it do otherwise.
func (g *Gateway) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	b := behaviourFor(r)
	id := authorizationID(b, g.name, r.IdempotencyKey)
	hold := Movements{AuthorizationID: id, TransactionID: r.TransactionID, Amount: r.Amount}
	err := g.play(ctx, call{b.authorize, "authorize", hold}, func() (bool, error) { return g.authorizations.authorize(hold) })
	if err != nil {
		return payment.Authorization{}, err
	}
	return payment.Authorization{ID: id, Gateway: g.name}, nil
}

// Charge holds the amount and takes it. If the capture is declined, the amount stays held.
func (g *Gateway) Charge(ctx context.Context, r payment.AuthorizeRequest) (payment.Charge, error) {
	held, err := g.Authorize(ctx, r)
	if err != nil {
		return payment.Charge{}, err
	}
	taken, err := g.Capture(ctx, payment.CaptureRequest{AuthorizationID: held.ID, Amount: r.Amount})
	if err != nil && !payment.IsDeclined(err) {
		return payment.Charge{}, err
	}
	return payment.Charge{Authorization: held, Capture: taken}, nil
}

// Capture takes what is held.
func (g *Gateway) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	b, own := behaviourOf(r.AuthorizationID)
	if !own {
		return payment.Capture{}, g.unknownAuthorization(r.AuthorizationID)
	}
	hold := Movements{AuthorizationID: r.AuthorizationID, Amount: r.Amount}
	err := g.play(ctx, call{b.capture, "capture", hold}, func() (bool, error) { return g.authorizations.capture(hold) })
	if err != nil {
		return payment.Capture{}, err
	}
	return payment.Capture{ID: idFor("capture", r.AuthorizationID)}, nil
}

// Void releases what is held.
func (g *Gateway) Void(ctx context.Context, r payment.VoidRequest) error {
	b, own := behaviourOf(r.AuthorizationID)
	if !own {
		return g.unknownAuthorization(r.AuthorizationID)
	}
	hold := Movements{AuthorizationID: r.AuthorizationID}
	return g.play(ctx, call{b.void, "void", hold}, func() (bool, error) { return g.authorizations.void(hold) })
}

// Refund gives back what was taken.
func (g *Gateway) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	b, own := behaviourOf(r.AuthorizationID)
	if !own {
		return payment.Refund{}, g.unknownAuthorization(r.AuthorizationID)
	}
	hold := Movements{AuthorizationID: r.AuthorizationID, Amount: r.Amount}
	err := g.play(ctx, call{b.refund, "refund", hold}, func() (bool, error) { return g.authorizations.refund(hold) })
	if err != nil {
		return payment.Refund{}, err
	}
	return payment.Refund{ID: idFor("refund", r.AuthorizationID)}, nil
}

// Movements returns the authorizations that the gateway remembers, the oldest first.
func (g *Gateway) Movements() []Movements {
	return g.authorizations.all()
}

func (g *Gateway) unknownAuthorization(id string) error {
	return &payment.DeclinedError{Gateway: g.name, Code: "no_such_authorization", Detail: fmt.Sprintf("%.80q", id)}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reaction is what the gateway does on one kind of call.
type reaction struct {
	does outcome
	code string // of a decline
}

type outcome int

const (
	comply outcome = iota
	decline
	silent          // does nothing, and never answers
	failOnce        // fails for now, then complies
	fail            // fails for now, each time
	answerLate      // complies, and takes its time
	loseAnswer      // complies, and the caller does not learn of it until it asks again
	loseEveryAnswer // complies, and the caller never learns of it
)

func declines(code string) reaction {
	return reaction{does: decline, code: code}
}

// call is one call about an authorization.
type call struct {
	act  reaction
	name string
	hold Movements
}

// play handles a call as its reaction says. do performs the call, and reports whether it was the first to do so.
func (g *Gateway) play(ctx context.Context, c call, do func() (first bool, err error)) error {
	switch c.act.does {
	case decline:
		return &payment.DeclinedError{Gateway: g.name, Code: c.act.code, Reason: payment.DeclineCode(c.act.code)}
	case silent:
		return g.unanswered(ctx)
	case fail:
		return g.unavailable()
	case failOnce:
		if g.authorizations.firstTry(c.hold, c.name) {
			return g.unavailable()
		}
	case answerLate:
		if err := g.wait(ctx, late); err != nil {
			return &payment.UnknownError{Gateway: g.name, Err: err}
		}
	case comply, loseAnswer, loseEveryAnswer:
	}
	first, err := do()
	switch {
	case err != nil:
		return g.refusal(c.hold, err)
	case c.act.does == loseEveryAnswer, c.act.does == loseAnswer && first:
		return g.unanswered(ctx)
	}
	return nil
}

// unanswered waits until the caller has given up.
func (g *Gateway) unanswered(ctx context.Context) error {
	<-ctx.Done()
	return &payment.UnknownError{Gateway: g.name, Err: context.Cause(ctx)}
}

func (g *Gateway) unavailable() error {
	return &payment.TemporaryError{Gateway: g.name, Code: "try_again_later"}
}

// refusal turns an error of the authorizations into a gateway's error.
func (g *Gateway) refusal(l Movements, err error) error {
	switch {
	case errors.Is(err, errCaptured):
		return &payment.CapturedError{Gateway: g.name, AuthorizationID: l.AuthorizationID}
	case errors.Is(err, errOtherRequest):
		return &payment.UnknownError{Gateway: g.name, Err: err}
	}
	return &payment.DeclinedError{Gateway: g.name, Code: err.Error()}
}

// namespace makes ids a pure function of the idempotency key: a retry has the same answer in any process.
var namespace = uuid.MustParse("5d0a9d2c-51b4-4a53-9d6c-54c1b8b9a0d1")

const authPrefix = "auth_"

// authorizationID returns auth_<behaviour>_<uuid>, or auth_<uuid> for the zero behaviour, which most payments have.
func authorizationID(b behaviour, gateway, key string) string {
	id := uuid.NewSHA1(namespace, []byte(gateway+"\x00"+key)).String()
	if b.name == "" {
		return authPrefix + id
	}
	return authPrefix + b.name + "_" + id
}

// behaviourOf reads the behaviour from an authorization's id. own is false for an id of another form, which no gateway
// here has issued.
func behaviourOf(authorizationID string) (b behaviour, own bool) {
	rest, own := strings.CutPrefix(authorizationID, authPrefix)
	name, id, marked := strings.Cut(rest, "_")
	if !marked {
		name, id = "", rest
	}
	if parsed, err := uuid.Parse(id); !own || err != nil || parsed.String() != id || parsed.Version() != 5 {
		return behaviour{}, false
	}
	if name == "" {
		return behaviour{}, !marked
	}
	for _, b := range behaviours {
		if b.name == name {
			return b, true
		}
	}
	return behaviour{}, false
}

// idFor returns the id of the only capture or refund that an authorization can have.
func idFor(kind, authorizationID string) string {
	return kind + "_" + uuid.NewSHA1(namespace, []byte(kind+" "+authorizationID)).String()
}
