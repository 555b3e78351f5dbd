package backtest_test

import (
	"strings"

	"dummyorders/domain/fraud"
)

// byThresholds returns a Settle function that works like that of package rules: a block list goes before an allow list,
// both go before the gravest action, and that goes before the score.
func byThresholds(review, decline int) func([]fraud.RuleResult) fraud.Outcome {
	return func(results []fraud.RuleResult) fraud.Outcome {
		score, lists, rules := 0, map[fraud.Action]bool{}, map[fraud.Action]bool{}
		for _, r := range results {
			if score += r.Score; strings.HasPrefix(r.ID, "list:") {
				lists[r.Action] = true
			} else {
				rules[r.Action] = true
			}
		}
		switch {
		case lists[fraud.ActBlock] || rules[fraud.ActBlock] && !lists[fraud.ActAllow]:
			return fraud.Decline
		case lists[fraud.ActAllow]:
			return fraud.Approve
		case rules[fraud.ActReview]:
			return fraud.Review
		case rules[fraud.ActAllow]:
			return fraud.Approve
		case score >= decline:
			return fraud.Decline
		case score >= review:
			return fraud.Review
		}
		return fraud.Approve
	}
}
