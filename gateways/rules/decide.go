package rules

import (
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
