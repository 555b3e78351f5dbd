package rules

import (
	"fmt"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules/lang"
)

// verdict adds up the results of lists and rules.
type verdict struct {
	thresholds Thresholds

	score            int
	blocked, allowed bool // by a list
	action           fraud.Action
}

// gravity orders actions by how grave they are. A rule without an action has gravity 0.
var gravity = map[fraud.Action]int{"": 0, fraud.ActAllow: 1, fraud.ActReview: 2, fraud.ActBlock: 3}

func (v *verdict) list(effect fraud.Action) {
	v.blocked = v.blocked || effect == fraud.ActBlock
	v.allowed = v.allowed || effect == fraud.ActAllow
}

func (v *verdict) rule(r fraud.RuleResult) {
	v.score += r.Score
	if gravity[r.Action] > gravity[v.action] {
		v.action = r.Action
	}
}

// decide returns the outcome and the score. A block list goes before an allow list, both go before a rule's action, and
// that goes before the score. Where a list or an action forces the outcome up, decide raises the score to the outcome's
// threshold, so that outcome and score agree.
func (v *verdict) decide() (fraud.Outcome, int) {
	score := max(0, min(fraud.MaxScore, v.score))
	switch {
	case v.blocked || !v.allowed && v.action == fraud.ActBlock:
		return fraud.Decline, max(score, v.thresholds.Decline)
	case v.allowed || v.action == fraud.ActAllow:
		return fraud.Approve, score
	case v.action == fraud.ActReview:
		return fraud.Review, max(score, v.thresholds.Review)
	case score >= v.thresholds.Decline:
		return fraud.Decline, score
	case score >= v.thresholds.Review:
		return fraud.Review, score
	}
	return fraud.Approve, score
}

// Settle returns what the set decides if exactly these live rules and lists have hit or failed.
func (s *Set) Settle(results []fraud.RuleResult) fraud.Outcome {
	v := verdict{thresholds: s.thresholds}
	for _, r := range results {
		if strings.HasPrefix(r.ID, listPrefix) {
			v.list(r.Action)
		} else {
			v.rule(r)
		}
	}
	outcome, _ := v.decide()
	return outcome
}

// Evaluate decides about a transaction from the values of Features. It has no side effects and never fails: a live rule
// that cannot be evaluated asks for a review.
func (s *Set) Evaluate(c fraud.Check, values map[string]float64) fraud.Decision {
	return s.evaluate(c, values, nil)
}

// evaluate decides like Evaluate, and treats the transaction as if it were also on the lists named in on.
func (s *Set) evaluate(c fraud.Check, values map[string]float64, on []string) fraud.Decision {
	listed := make(map[string]bool, len(s.lists))
	for _, name := range on {
		listed[name] = true
	}
	d := deciding{
		set: s, view: lang.NewView(c, s.names, values, listed), listed: listed,
		live: verdict{thresholds: s.thresholds}, trial: verdict{thresholds: s.thresholds}, reasons: []fraud.Reason{},
		explanation: &fraud.Explanation{Rules: []fraud.RuleResult{}, Passed: make([]string, 0, len(s.rules)), Features: values},
	}
	if s.NeedsEntries() && s.entries != nil {
		d.explanation.Lists = &fraud.ListsUsed{Change: s.change, Hits: []fraud.ListHit{}}
	}
	for _, l := range s.lists {
		d.list(l)
	}
	for _, r := range s.rules {
		d.rule(r)
	}
	decision := s.decision(d.live, d.reasons, d.explanation)
	if s.shadow {
		d.explanation.Trials = []fraud.Trial{s.trial(d.trial, d.tried)}
	}
	return decision
}

// Saw returns the values that the conditions of the rules that hit or failed have used, by the rules' ids. The explanation is that of
// the set's decision.
func (s *Set) Saw(c fraud.Check, e *fraud.Explanation) map[string][]ruleset.Seen {
	d := deciding{set: s, listed: map[string]bool{}, explanation: &fraud.Explanation{Lists: &fraud.ListsUsed{}}}
	d.view = lang.NewView(c, s.names, e.Features, d.listed)
	for _, l := range s.lists {
		d.listed[l.Name] = d.isOn(l)
	}
	saw := map[string][]ruleset.Seen{}
	for _, r := range s.rules {
		if slices.ContainsFunc(e.Rules, func(hit fraud.RuleResult) bool { return hit.ID == r.ID }) {
			saw[r.ID] = r.condition.Saw(d.view)
		}
	}
	return saw
}

// deciding holds the state of one decision. trial is the verdict that includes rules in shadow; tried holds the results of
// the rules in shadow that hit.
type deciding struct {
	set    *Set
	view   *lang.View
	listed map[string]bool // the lists that the transaction is on

	live, trial verdict
	tried       []fraud.RuleResult
	reasons     []fraud.Reason
	explanation *fraud.Explanation
}

// isOn reports whether the transaction is on a list. If that is in the database, the explanation says by which entry.
func (d *deciding) isOn(l *list) bool {
	value := l.value.Value(d.view)
	if !l.InDatabase() {
		return l.has(value)
	}
	number := d.set.entries.on(l, value, d.set.change, d.view.AsOf)
	if number == 0 {
		return false
	}
	d.explanation.Lists.Hits = append(d.explanation.Lists.Hits, fraud.ListHit{List: l.Name, Entry: number})
	return true
}

// list records whether the transaction is on a list, and applies the list's effect.
func (d *deciding) list(l *list) {
	if !d.listed[l.Name] && !d.isOn(l) {
		return
	}
	d.listed[l.Name] = true
	if l.Effect == "" {
		return
	}
	d.live.list(l.Effect)
	d.trial.list(l.Effect)
	d.reasons = append(d.reasons, l.reason())
	d.explanation.Rules = append(d.explanation.Rules, fraud.RuleResult{ID: l.id(), Outcome: fraud.RuleHit, Action: l.Effect})
}

// rule evaluates a rule. All lists must have been looked up before, since rules use the results.
func (d *deciding) rule(r *rule) {
	result, hit := r.result(d.view)
	if !hit {
		d.explanation.Passed = append(d.explanation.Passed, r.ID)
		return
	}
	d.explanation.Rules = append(d.explanation.Rules, result)
	d.trial.rule(result)
	if r.Mode == Shadow {
		d.tried = append(d.tried, result)
		return
	}
	d.live.rule(result)
	if reason, has := r.reason(result); has {
		d.reasons = append(d.reasons, reason)
	}
}

func (s *Set) decision(v verdict, reasons []fraud.Reason, e *fraud.Explanation) fraud.Decision {
	outcome, score := v.decide()
	return fraud.Decision{
		Outcome:     outcome,
		Score:       score,
		RiskLevel:   fraud.RiskOf(score, s.thresholds.Review, s.thresholds.Decline),
		Reasons:     reasons,
		Ruleset:     s.ruleset,
		Source:      fraud.AutomatedRule,
		Explanation: e,
	}
}

// trial returns what the set would have decided if its rules in shadow were live.
func (s *Set) trial(v verdict, tried []fraud.RuleResult) fraud.Trial {
	outcome, score := v.decide()
	named := s.ruleset
	named.ID += fraud.WithShadow
	if tried == nil {
		tried = []fraud.RuleResult{}
	}
	return fraud.Trial{Ruleset: named, Outcome: outcome, Score: score, Rules: tried}
}

// result returns a rule's result, and whether the rule hit or failed. A failure has a score of 0; if the rule is live, it
// asks for a review.
func (r *rule) result(v *lang.View) (fraud.RuleResult, bool) {
	result := fraud.RuleResult{ID: r.ID, Outcome: fraud.RuleHit, Score: r.Score, Action: r.Action, Shadow: r.Mode == Shadow}
	hit, err := r.condition.Hits(v)
	if err != nil {
		result.Outcome, result.Score, result.Action, result.Error = fraud.RuleFailed, 0, fraud.ActReview, err.Error()
		return result, true
	}
	return result, hit
}

// reason returns the rule's reason, and whether there is one. Its messages are as the ruleset has them, without any value
// of this or another transaction. It leaves out why a rule failed, since that may quote the transaction.
func (r *rule) reason(result fraud.RuleResult) (fraud.Reason, bool) {
	if result.Outcome == fraud.RuleFailed {
		return fraud.Reason{Code: "RULE_FAILED", Message: fmt.Sprintf("the rule %s could not be evaluated", r.ID), PublicMessage: "a rule could not be evaluated"}, true
	}
	return fraud.Reason{Code: r.Reason, Message: r.Message, PublicMessage: r.PublicMessage}, r.Score != 0 || r.Action != ""
}
