package backtest

import (
	"cmp"
	"maps"
	"slices"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
)

// ruleTally counts what the candidate's rules did: either its live rules and lists, or its shadow rules.
type ruleTally struct {
	shadow bool
	byID   map[string]*Rule
	settle func([]fraud.RuleResult) fraud.Outcome // nil if it is not known what is decisive
}

func newRuleTally(b *Backtest, shadow bool) *ruleTally {
	t := &ruleTally{shadow: shadow, byID: map[string]*Rule{}}
	if !shadow {
		t.settle = b.Settle
	}
	for _, known := range b.Rules {
		if known.Shadow == shadow {
			rule := t.rule(known.ID)
			rule.Name, rule.Score, rule.Action = known.Name, known.Score, known.Action
		}
	}
	return t
}

// add counts a decision. A hit of a live rule is also new if the rule had hit only in shadow before: now it affects the
// decision.
func (t *ruleTally) add(d decision, after fraud.Decision) {
	if after.Explanation == nil {
		return
	}
	results := slices.DeleteFunc(slices.Clone(after.Explanation.Rules), func(r fraud.RuleResult) bool { return r.Shadow != t.shadow })
	if t.settle != nil && t.settle(results) != after.Outcome {
		t.settle = nil
	}
	for i, result := range results {
		rule := t.rule(result.ID)
		if result.Outcome == fraud.RuleFailed { // the result of a failed rule does not have the rule's score and action
			rule.Failed++
			continue
		}
		rule.Score, rule.Action = result.Score, result.Action
		t.hit(rule, d)
		if t.settle != nil && t.settle(slices.Delete(slices.Clone(results), i, i+1)) != after.Outcome {
			*rule.Decisive++
		}
	}
}

func (t *ruleTally) hit(rule *Rule, d decision) {
	rule.Hits++
	rule.Amounts.add(d.amount())
	if !hitBefore(d.before, rule.ID, t.shadow) {
		rule.New++
	}
	if d.judged != "" {
		rule.Labelled++
	}
	if d.judged == ledger.Fraudulent {
		rule.Fraudulent++
	}
}

func hitBefore(d fraud.Decision, id string, shadowToo bool) bool {
	return d.Explanation != nil && slices.ContainsFunc(d.Explanation.Rules, func(r fraud.RuleResult) bool {
		return r.ID == id && r.Outcome == fraud.RuleHit && (shadowToo || !r.Shadow)
	})
}

func (t *ruleTally) rule(id string) *Rule {
	if t.byID[id] == nil {
		t.byID[id] = &Rule{ID: id, Decisive: new(int), Amounts: Amounts{}}
	}
	return t.byID[id]
}

// list returns the rules, those with the most hits first.
func (t *ruleTally) list(labels Labels) []Rule {
	all := []Rule{}
	for _, id := range slices.Sorted(maps.Keys(t.byID)) {
		rule := *t.byID[id]
		if t.settle == nil {
			rule.Decisive = nil
		}
		rule.Precision = labels.precision(rule.Fraudulent, rule.Labelled)
		all = append(all, rule)
	}
	slices.SortStableFunc(all, func(a, b Rule) int { return cmp.Compare(b.Hits, a.Hits) })
	return all
}
