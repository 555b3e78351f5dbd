package report

import (
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
)

// Rules is what rules did about transactions of one currency. All of it can be added up.
type Rules struct {
	// Fraudulent and Legitimate count all transactions by their last label, also those that no rule hit.
	Fraudulent int64   `json:"fraudulent"`
	Legitimate int64   `json:"legitimate"`
	Deciding   Ruleset `json:"deciding"`
	Shadow     Ruleset `json:"shadow"` // of the ruleset in shadow
}

// Ruleset is what the rules and lists of a ruleset did.
type Ruleset struct {
	// Compared counts the decisions beside which something was tried: the ruleset that decides with its rules in shadow, or the
	// ruleset in shadow. Disagreed counts those of them that had another outcome.
	Compared  int64                 `json:"compared"`
	Disagreed int64                 `json:"disagreed"`
	Rules     map[string]RuleCounts `json:"rules,omitempty"` // by their ids
}

// RuleCounts is what one rule did.
type RuleCounts struct {
	Rule

	Failed int64 `json:"failed"` // could not be evaluated
	// Approved and Declined count hits by what people decided in reviews.
	Approved int64 `json:"approved"`
	Declined int64 `json:"declined"`
	// Disagreed counts the hits of a rule that is only tried, where the trial's outcome was another one than the decision's.
	Disagreed int64 `json:"disagreed"`
	// Stopped is what was stopped of what it hit, for whatever reason.
	Stopped Sum `json:"stopped"`
	// Beside counts hits by the other rules that hit the same transaction.
	Beside map[string]int64 `json:"beside,omitempty"`
}

// Reviewed returns how many hits people decided about.
func (c RuleCounts) Reviewed() int64 { return c.Approved + c.Declined }

// Labelled returns how many hits have a label.
func (r Rule) Labelled() int64 { return r.Fraudulent + r.Legitimate }

// Of returns the ruleset that decides, or the one in shadow.
func (r *Rules) Of(shadow bool) *Ruleset {
	if shadow {
		return &r.Shadow
	}
	return &r.Deciding
}

// Add counts a transaction, whose amount is given in minor units.
func (r *Rules) Add(t *ledger.Record, minor int64) {
	word := lastLabel(t.Labels)
	each := RuleCounts{Rule: Rule{Fraudulent: one(word == ledger.Fraudulent), Legitimate: one(word == ledger.Legitimate)}}
	r.Fraudulent += each.Fraudulent
	r.Legitimate += each.Legitimate
	if t.Decision == nil || t.Explanation == nil {
		return
	}
	if stopped(t.Status()) {
		each.Stopped = Sum{1, minor}
	}
	if v := t.Review; v != nil && !v.Expired {
		each.Approved, each.Declined = one(v.Verdict == review.Approve), one(v.Verdict == review.Decline)
	}
	disagreed := false
	for _, tried := range t.Explanation.Trials {
		differs := tried.Outcome != t.Decision.Outcome
		of := r.Of(tried.Of() == fraud.ShadowRuleset)
		of.Compared++
		of.Disagreed += one(differs)
		if tried.Of() == fraud.ShadowRules {
			disagreed = differs
			continue
		}
		of.add(tried.Rules, tried.Outcome, each, func(fraud.RuleResult) bool { return differs })
	}
	r.Deciding.add(t.Explanation.Rules, t.Decision.Outcome, each, func(hit fraud.RuleResult) bool { return disagreed && hit.Shadow })
}

// add counts the rules of a decision. each is what every hit of it counts.
func (s *Ruleset) add(results []fraud.RuleResult, o fraud.Outcome, each RuleCounts, disagreed func(fraud.RuleResult) bool) {
	alone := onlyRule(results, o)
	for _, result := range results {
		if result.Outcome == fraud.RuleFailed {
			s.join(result.ID, RuleCounts{Failed: 1})
			continue
		}
		counts := each
		counts.Hits, counts.Alone, counts.Disagreed = 1, one(result.ID == alone), one(disagreed(result))
		for _, other := range results {
			if other.Outcome == fraud.RuleHit && other.ID != result.ID {
				if counts.Beside == nil {
					counts.Beside = map[string]int64{}
				}
				counts.Beside[other.ID] = 1
			}
		}
		s.join(result.ID, counts)
	}
}

func (s *Ruleset) join(id string, more RuleCounts) {
	if s.Rules == nil {
		s.Rules = map[string]RuleCounts{}
	}
	counts := s.Rules[id]
	counts.Join(more)
	s.Rules[id] = counts
}

// Join adds other counts. Amounts must be of one currency.
func (c *RuleCounts) Join(o RuleCounts) {
	c.Rule = c.Rule.join(o.Rule)
	c.Failed += o.Failed
	c.Approved += o.Approved
	c.Declined += o.Declined
	c.Disagreed += o.Disagreed
	c.Stopped.join(o.Stopped)
	if c.Beside == nil && len(o.Beside) > 0 {
		c.Beside = map[string]int64{}
	}
	for id, hits := range o.Beside {
		c.Beside[id] += hits
	}
}

// RuleDay holds what rules did on a day, in UTC, about transactions of one currency, or says that this is not known of some.
type RuleDay struct {
	Date     string // such as 2026-11-29
	Currency string
	// Rules is nil if what rules did on that day is not known: it was counted by a version that did not count it, and its
	// transactions have been deleted since.
	Rules *Rules
}

// Join adds other counts of the same day and currency.
func (r *Rules) Join(o Rules) {
	r.Fraudulent += o.Fraudulent
	r.Legitimate += o.Legitimate
	for _, shadow := range []bool{false, true} {
		into, more := r.Of(shadow), o.Of(shadow)
		into.Compared += more.Compared
		into.Disagreed += more.Disagreed
		for id, counts := range more.Rules {
			into.join(id, counts)
		}
	}
}

// Precision returns the share of fraudulent transactions in those that were labelled of a kind. It returns nil if it cannot be
// known: without labels of that kind, or if all labels together are only fraudulent or only legitimate ones. With labels
// from disputes alone it would always be 1.
func Precision[N int | int64](fraudulent, labelled, allFraudulent, allLegitimate N) *float64 {
	if allFraudulent == 0 || allLegitimate == 0 {
		return nil
	}
	return Share(fraudulent, labelled)
}

// Share returns a part divided by the whole, or nil if that is 0.
func Share[N int | int64](part, whole N) *float64 {
	if whole == 0 {
		return nil
	}
	share := float64(part) / float64(whole)
	return &share
}
