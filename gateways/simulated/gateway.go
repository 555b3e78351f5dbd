// Package simulated is a payment gateway that moves no money. It answers as a real one would: most payments succeed, and
// test cards, test amounts and test tokens make it decline, fail, keep silent or lose its answer.
package simulated

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/payment"
)

// late is how long a late answer takes: within the ten seconds that callers give a gateway.
const late = 2 * time.Second

// remembered is how many authorizations a gateway keeps in its book; it forgets the oldest beyond.
const remembered = 20_000

// Gateway answers under the name of the payment method that it stands for. Its book is in memory, and its ids are a
// function of the idempotency key: of a hold that this process does not remember, it believes what the id says.
type Gateway struct {
	name string
	book *book
	wait func(context.Context, time.Duration) error
}

// Option changes how a gateway works.
type Option func(*Gateway)

// WithWait replaces the wait before a late answer. It returns the context's error where that ends first.
func WithWait(wait func(context.Context, time.Duration) error) Option {
	return func(g *Gateway) { g.wait = wait }
}

// WithMemory changes how many authorizations the gateway remembers.
func WithMemory(authorizations int) Option {
	return func(g *Gateway) { g.book = newBook(authorizations) }
}

// New gives a gateway its name. Gateways share nothing.
func New(name string, options ...Option) *Gateway {
	g := &Gateway{name: name, book: newBook(remembered), wait: wait}
	for _, option := range options {
		option(g)
	}
	return g
}

// Name is the name it was given.
func (g *Gateway) Name() string {
	return g.name
}

// Authorize holds the amount, unless the card, the token or the amount makes it do otherwise.
func (g *Gateway) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	b := behaviourFor(r)
	id := authorizationID(b, g.name, r.IdempotencyKey)
	line := Line{AuthorizationID: id, TransactionID: r.TransactionID, Amount: r.Amount}
	err := g.play(ctx, call{b.authorize, "authorize", line}, func() (bool, error) { return g.book.hold(line) })
	if err != nil {
		return payment.Authorization{}, err
	}
	return payment.Authorization{ID: id, Gateway: g.name}, nil
}

// Capture takes what is held.
func (g *Gateway) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	b, own := behaviourOf(r.AuthorizationID)
	if !own {
		return payment.Capture{}, g.unknownAuthorization(r.AuthorizationID)
	}
	line := Line{AuthorizationID: r.AuthorizationID, Amount: r.Amount}
	err := g.play(ctx, call{b.capture, "capture", line}, func() (bool, error) { return g.book.take(line) })
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
	line := Line{AuthorizationID: r.AuthorizationID}
	return g.play(ctx, call{b.void, "void", line}, func() (bool, error) { return g.book.release(line) })
}

// Refund gives back what was taken.
func (g *Gateway) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	b, own := behaviourOf(r.AuthorizationID)
	if !own {
		return payment.Refund{}, g.unknownAuthorization(r.AuthorizationID)
	}
	line := Line{AuthorizationID: r.AuthorizationID, Amount: r.Amount}
	err := g.play(ctx, call{b.refund, "refund", line}, func() (bool, error) { return g.book.giveBack(line) })
	if err != nil {
		return payment.Refund{}, err
	}
	return payment.Refund{ID: idFor("refund", r.AuthorizationID)}, nil
}

// Book is what the gateway remembers, the oldest first.
func (g *Gateway) Book() []Line {
	return g.book.lines()
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
