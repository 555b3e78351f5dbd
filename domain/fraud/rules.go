package fraud

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/usage"
)

// Rules decides by rulesets over what came before.
type Rules struct {
	// Live is the ruleset that decides, and Shadow one that is tried beside it; nil, there is none. Each is asked once for
	// a decision, so that a ruleset may be exchanged at any time.
	Live, Shadow func() Evaluator
	History      History
	// Now tells how long decisions take, and when they are taken. No decision depends on it.
	Now func() time.Time
	// Uncounted is called for each check of a transaction whose posted address names no subscriber, and counts for none.
	Uncounted func(Check)
}

// Detect counts the transaction and decides about it, once for each check: asked again it answers what it answered
// before, whatever has happened since.
func (r *Rules) Detect(ctx context.Context, c Check) (Decision, error) {
	begun, live, shadow := r.Now(), r.Live(), r.shadow()
	features := live.Features()
	if shadow != nil {
		features = both(features, shadow.Features())
	}
	if r.Uncounted != nil && c.IP != "" && address.Subscriber(c.IP) == "" {
		r.Uncounted(c)
	}
	use := usage.Of(c.Transaction, c.StartTime, usage.Dimensions(features))
	decision, err := r.History.Decide(ctx, c, use, usage.Lookups(features, use, c.AsOf), func(past usage.Past) Decision {
		decidedAt := r.Now()
		d := decide(c, live, shadow, usage.Values(features, use, c.AsOf, past))
		d.Explanation.AsOf, d.Explanation.DecidedAt = c.AsOf.UTC(), decidedAt.UTC()
		d.Explanation.TookMicros = r.Now().Sub(begun).Microseconds()
		return d
	})
	if err != nil {
		return Decision{}, fmt.Errorf("count and decide: %w", err)
	}
	return decision, nil
}

// both are all features, each once.
func both(live, shadow []usage.Feature) []usage.Feature {
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

// trial is what a ruleset in shadow decided.
func trial(d Decision) Trial {
	return Trial{Ruleset: d.Ruleset, Outcome: d.Outcome, Score: d.Score, Rules: d.Explanation.Rules}
}
