package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dummyorders/domain/payment"
)

// fault says how one call to the bank goes wrong.
type fault string

const (
	works     fault = "works"
	temporary fault = "temporary" // nothing done
	lost      fault = "lost"      // nothing done, and no answer
	late      fault = "late"      // done, and the answer lost
	belated   fault = "belated"   // no answer, and done only after the next call, whatever that is
	declines  fault = "declines"  // the bank refuses for good
)

var faults = []fault{works, temporary, lost, late, belated, declines}

// bank is a payment gateway that fails as the test plans, and counts exactly what it moved. It has one customer.
type bank struct {
	name string
	plan map[string][]fault // by operation, one for each call; calls succeed once they are used up

	mu                     sync.Mutex     // activities run beside each other
	answers                map[string]any // by idempotency key
	held, taken, givenBack int
	charged                int      // taken in one call
	refused                bool     // to give something back
	later                  []func() // what belated calls have yet to do
}

func newBank(name string, plan map[string][]fault) *bank {
	return &bank{name: name, plan: plan, answers: map[string]any{}}
}

func (b *bank) next(operation string) fault {
	planned := b.plan[operation]
	if len(planned) == 0 {
		return works
	}
	b.plan[operation] = planned[1:]
	return planned[0]
}

// call does what is asked at most once per key, and gives a repeated key the same answer as before.
func (b *bank) call(operation, key string, do func() (any, error)) (any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.later
	b.later = nil
	defer func() {
		for _, do := range due {
			do()
		}
	}()
	switch b.next(operation) {
	case temporary:
		return nil, &payment.TemporaryError{Gateway: "bank", Code: "busy"}
	case lost:
		return nil, &payment.UnknownError{Gateway: "bank", Err: errors.New("no answer")}
	case late:
		_, _ = b.once(key, do)
		return nil, &payment.UnknownError{Gateway: "bank", Err: errors.New("answer lost")}
	case belated:
		b.later = append(b.later, func() { _, _ = b.once(key, do) })
		return nil, &payment.UnknownError{Gateway: "bank", Err: errors.New("no answer yet")}
	case declines:
		b.refused = b.refused || operation == "void" || operation == "refund"
		return b.once(key, func() (any, error) { return nil, b.declined("refused") })
	case works:
	}
	return b.once(key, do)
}

func (b *bank) once(key string, do func() (any, error)) (any, error) {
	if answer, known := b.answers[key]; known {
		if err, failed := answer.(error); failed {
			return nil, err
		}
		return answer, nil
	}
	answer, err := do()
	if b.answers[key] = answer; err != nil {
		b.answers[key] = err
	}
	return answer, err
}

func (b *bank) declined(code string) error {
	return &payment.DeclinedError{Gateway: "bank", Code: code}
}

func (b *bank) Name() string { return b.name }

func (b *bank) Authorize(_ context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	answer, err := b.call("authorize", r.IdempotencyKey, func() (any, error) {
		b.held++
		return payment.Charge{Authorization: b.authorization()}, nil
	})
	charge, _ := answer.(payment.Charge)
	return charge.Authorization, err
}

// charger is the bank where it takes money in one call, which goes wrong as a hold does.
type charger struct{ *bank }

func (c charger) Charge(_ context.Context, r payment.AuthorizeRequest) (payment.Charge, error) {
	answer, err := c.call("authorize", r.IdempotencyKey, func() (any, error) {
		c.taken, c.charged = c.taken+1, c.charged+1
		return payment.Charge{Authorization: c.authorization(), Capture: payment.Capture{ID: "capture_1"}}, nil
	})
	charge, _ := answer.(payment.Charge)
	return charge, err
}

func (b *bank) authorization() payment.Authorization {
	return payment.Authorization{ID: fmt.Sprintf("auth_%d", len(b.answers)+1), Gateway: b.name}
}

func (b *bank) Capture(_ context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	answer, err := b.call("capture", r.IdempotencyKey, func() (any, error) {
		if b.held == 0 {
			return nil, b.declined("nothing_held")
		}
		b.held, b.taken = b.held-1, b.taken+1
		return payment.Capture{ID: "capture_1"}, nil
	})
	capture, _ := answer.(payment.Capture)
	return capture, err
}

func (b *bank) Void(_ context.Context, r payment.VoidRequest) error {
	_, err := b.call("void", r.IdempotencyKey, func() (any, error) {
		if b.taken > 0 {
			return nil, &payment.CapturedError{Gateway: "bank", AuthorizationID: r.AuthorizationID}
		}
		b.held = 0
		return "voided", nil
	})
	return err
}

func (b *bank) Refund(_ context.Context, r payment.RefundRequest) (payment.Refund, error) {
	answer, err := b.call("refund", r.IdempotencyKey, func() (any, error) {
		if b.taken == b.givenBack {
			return nil, b.declined("nothing_taken")
		}
		b.givenBack++
		return payment.Refund{ID: "refund_1"}, nil
	})
	refund, _ := answer.(payment.Refund)
	return refund, err
}
