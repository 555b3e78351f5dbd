package velocitytest_test

import (
	"context"
	"testing"

	"dummyorders/domain/fraud"
	"dummyorders/domain/velocity"
	"dummyorders/internal/velocitytest"
)

func TestMemoryConformance(t *testing.T) {
	velocitytest.Conformance(t, func(*testing.T) velocitytest.Place {
		var m velocitytest.Memory
		return func(*testing.T) velocitytest.Store { return &m }
	})
}

// A timeline answers as the stores do.
func TestTimelineMerchants(t *testing.T) {
	velocitytest.MerchantsApart(t, &replay{})
}

// replay decides one transaction after another.
type replay struct{ velocity.Timeline }

func (r *replay) Decide(
	_ context.Context, c fraud.Check, use velocity.Use, lookups []velocity.Lookup, decide func(velocity.Past) fraud.Decision,
) (fraud.Decision, error) {
	past := r.Look(c.ID, lookups)
	r.Add(use)
	return decide(past), nil
}
