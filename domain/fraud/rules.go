package fraud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/velocity"
)

// Rules decides by rulesets, from the transactions that came before.
type Rules struct {
	// Live returns the ruleset that decides, and Shadow one that is tried beside it; without one, Shadow is nil or returns
	// nil. Nothing is decided while Live returns nil. Each is called once per decision, so that a ruleset may be replaced at any time.
	Live, Shadow func() Evaluator
	Velocity     VelocityStore
	// Now returns the time. It serves to record when decisions are taken and how long they take. No decision depends on it.
	Now func() time.Time
	// Uncounted is called for each check of a transaction whose posted address names no subscriber, so that it is not
	// counted for any.
	Uncounted func(Check)
}

// Detect counts the transaction and decides about it, once for each check: asked again, it gives the same answer as before,
// whatever has happened since.
func (r *Rules) Detect(ctx context.Context, c Check) (Decision, error) {
	begun, live, shadow := r.Now(), r.Live(), r.shadow()
	if live == nil {
		return Decision{}, errors.New("the ruleset that decides has not been read yet")
	}
	features := live.Features()
	if shadow != nil {
		features = both(features, shadow.Features())
	}
	if r.Uncounted != nil && c.IP != "" && address.Subscriber(c.IP) == "" {
		r.Uncounted(c)
	}
	use := velocity.Of(c.Transaction, c.StartTime, velocity.Dimensions(features))
	decision, err := r.Velocity.Decide(ctx, c, use, velocity.Lookups(features, use, c.AsOf), func(past velocity.Past) Decision {
		decidedAt := r.Now()
		d := decide(c, live, shadow, velocity.Values(features, use, c.AsOf, past))
		d.Explanation.AsOf, d.Explanation.DecidedAt = c.AsOf.UTC(), decidedAt.UTC()
		d.Explanation.TookMicros = r.Now().Sub(begun).Microseconds()
		return d
	})
	if err != nil {
		return Decision{}, fmt.Errorf("count and decide: %w", err)
	}
	return decision, nil
}

// both returns all features, each once.
func both(live, shadow []velocity.Feature) []velocity.Feature {
	all := slices.Clone(live)
	for _, f := range shadow {
		if !slices.Contains(live, f) {
			all = append(all, f)
		}
	}
	return all
}

func (r *Rules) shadow() Evaluator {
	if r.Shadow == nil {
		return nil
	}
	return r.Shadow()
}

func decide(c Check, live, shadow Evaluator, values map[string]float64) Decision {
	d := live.Evaluate(c, values)
	d.Explanation.Features = values
	if shadow != nil {
		d.Explanation.Trials = append(d.Explanation.Trials, trial(shadow.Evaluate(c, values)))
	}
	return d
}

// trial returns the decision of a ruleset in shadow as a Trial.
func trial(d Decision) Trial {
	return Trial{Ruleset: d.Ruleset, Outcome: d.Outcome, Score: d.Score, Rules: d.Explanation.Rules, Lists: d.Explanation.Lists}
}
