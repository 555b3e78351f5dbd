package rules

import (
	"fmt"
	"strings"

	"dummyorders/domain/fraud"
)

// verdict adds up what lists and rules have to say.
type verdict struct {
	thresholds Thresholds

	score            int
	blocked, allowed bool // by a list
	action           fraud.Action
}

// gravity orders actions. A rule that says nothing has none.
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

// decide goes by the gravest that was said: a block list before an allow list, both before what a rule demands, and that
// before the score. Forced up, the score is lifted to what the outcome takes, so that outcome and score do not disagree.
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

// Settle is what the set decides where those live rules and lists have hit or failed, and no others.
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

// Evaluate decides about a transaction from the values of Features. It is pure, and never fails: a live rule that cannot
// be evaluated asks for a review.
func (s *Set) Evaluate(c fraud.Check, values map[string]float64) fraud.Decision {
	return s.evaluate(c, values, nil)
}

// evaluate takes the transaction to be on the lists named, too.
func (s *Set) evaluate(c fraud.Check, values map[string]float64, on []string) fraud.Decision {
	v := newView(c, s.names, values, make(map[string]bool, len(s.lists)))
	for _, name := range on {
		v.listed[name] = true
	}
	d := deciding{
		view: v, live: verdict{thresholds: s.thresholds}, trial: verdict{thresholds: s.thresholds}, reasons: []fraud.Reason{},
		explanation: &fraud.Explanation{Rules: []fraud.RuleResult{}, Passed: make([]string, 0, len(s.rules)), Features: values},
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

// deciding is a decision in the making. trial is the verdict with rules in shadow, of which tried are those that hit.
type deciding struct {
	*view

	live, trial verdict
	tried       []fraud.RuleResult
	reasons     []fraud.Reason
	explanation *fraud.Explanation
}

// list notes whether the transaction is on a list, and what follows from it.
func (d *deciding) list(l *list) {
	if !d.listed[l.Name] && !l.has(d.view) {
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

// rule evaluates a rule. All lists must have been looked at before: rules ask them.
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

// trial is what the set would have decided if its rules in shadow were live.
func (s *Set) trial(v verdict, tried []fraud.RuleResult) fraud.Trial {
	outcome, score := v.decide()
	named := s.ruleset
	named.ID += "+shadow"
	if tried == nil {
		tried = []fraud.RuleResult{}
	}
	return fraud.Trial{Ruleset: named, Outcome: outcome, Score: score, Rules: tried}
}

// result is what a rule has to say, and whether it has anything to say. A failure is worth no score; where the rule is
// live, it asks for a review.
func (r *rule) result(v *view) (fraud.RuleResult, bool) {
	result := fraud.RuleResult{ID: r.ID, Outcome: fraud.RuleHit, Score: r.Score, Action: r.Action, Shadow: r.Mode == Shadow}
	hit, err := r.hits(v)
	if err != nil {
		result.Outcome, result.Score, result.Action, result.Error = fraud.RuleFailed, 0, fraud.ActReview, err.Error()
		return result, true
	}
	return result, hit
}

// reason is what the merchant is told. Why a rule failed is not among it: that may quote the transaction.
func (r *rule) reason(result fraud.RuleResult) (fraud.Reason, bool) {
	if result.Outcome == fraud.RuleFailed {
		return fraud.Reason{Code: "RULE_FAILED", Message: fmt.Sprintf("the rule %s could not be evaluated", r.ID)}, true
	}
	return fraud.Reason{Code: r.Reason, Message: r.Message}, r.Score != 0 || r.Action != ""
}
