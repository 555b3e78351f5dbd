package simulated

import (
	"context"
	"errors"

	"dummyorders/domain/payment"
)

// act is what becomes of one kind of call.
type act struct {
	does deed
	code string // of a decline
}

type deed int

const (
	comply deed = iota
	decline
	silent          // does nothing, and never answers
	failOnce        // fails for now, then complies
	fail            // fails for now, each time
	answerLate      // complies, and takes its time
	loseAnswer      // complies, and the caller does not learn of it until it asks again
	loseEveryAnswer // complies, and the caller never learns of it
)

func declines(code string) act {
	return act{does: decline, code: code}
}

// call is one call about an authorization.
type call struct {
	act  act
	name string
	line Line
}

// play makes of a call what its act says. do says whether it was the first to do it.
func (g *Gateway) play(ctx context.Context, c call, do func() (first bool, err error)) error {
	switch c.act.does {
	case decline:
		return &payment.DeclinedError{Gateway: g.name, Code: c.act.code, Reason: payment.DeclineCode(c.act.code)}
	case silent:
		return g.unanswered(ctx)
	case fail:
		return g.unavailable()
	case failOnce:
		if g.book.firstTry(c.line, c.name) {
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
		return g.refusal(c.line, err)
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

// refusal says in a gateway's words why the book cannot do it.
func (g *Gateway) refusal(l Line, err error) error {
	if errors.Is(err, errTaken) {
		return &payment.CapturedError{Gateway: g.name, AuthorizationID: l.AuthorizationID}
	}
	return &payment.DeclinedError{Gateway: g.name, Code: err.Error()}
}
