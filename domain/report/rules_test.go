package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// decided returns a transaction about which rules decided, with what was tried beside it.
func decided(outcome fraud.Outcome, status transaction.Status, rules []fraud.RuleResult, trials ...fraud.Trial) *ledger.Record {
	r := &ledger.Record{StartTime: start}
	r.Decide(fraud.Decision{Outcome: outcome, Explanation: &fraud.Explanation{Rules: rules, Trials: trials}})
	r.Move(status, start)
	return r
}

func labelled(r *ledger.Record, label string) *ledger.Record {
	r.Labels = append(r.Labels, ledger.Label{Label: label, Source: ledger.ByDispute, Time: start})
	return r
}

func reviewed(r *ledger.Record, verdict review.Verdict) *ledger.Record {
	r.Review = &review.Review{RequestedAt: start}
	r.Review.Decide(review.Request{Verdict: verdict, Reviewer: "ada"}, start)
	return r
}

func hit(id string, score int) fraud.RuleResult {
	return fraud.RuleResult{ID: id, Outcome: fraud.RuleHit, Score: score}
}

// Counted by hand: "dear" hits five times, once alone, and is tried in the other ruleset too; "night" is in shadow.
func TestRules(t *testing.T) {
	night := hit("night", 50)
	night.Shadow = true
	withShadow := func(o fraud.Outcome) fraud.Trial {
		return fraud.Trial{Ruleset: fraud.Ruleset{ID: "mine+shadow"}, Outcome: o}
	}
	other := func(o fraud.Outcome, rules ...fraud.RuleResult) fraud.Trial {
		return fraud.Trial{Ruleset: fraud.Ruleset{ID: "mine", Version: 2}, Outcome: o, Rules: rules}
	}
	rules := func(all ...fraud.RuleResult) []fraud.RuleResult { return all }
	expired := decided(fraud.Review, transaction.AlertDone, rules(hit("dear", 45), hit("foreign", 20)))
	expired.Review = &review.Review{RequestedAt: start}
	expired.Review.Expire(review.Decline, start.Add(time.Hour))

	var r report.Rules
	for minor, each := range map[int64]*ledger.Record{
		// A decline by "dear" alone, a fraud. The other ruleset agrees.
		1: labelled(decided(fraud.Decline, transaction.AlertDone, rules(hit("dear", 90)), other(fraud.Decline, hit("dear", 80))), ledger.Fraudulent),
		// Two rules had it reviewed; a person declined. A rule with a score below 0 speaks for it, and so is not alone.
		20: reviewed(decided(fraud.Review, transaction.AlertDone, rules(hit("dear", 45), hit("foreign", 20), hit("known", -5))), review.Decline),
		// Only "foreign" speaks against it; a person approved, and it was legitimate.
		300: labelled(reviewed(decided(fraud.Review, transaction.PaymentComplete, rules(hit("foreign", 60), hit("known", -5))), review.Approve), ledger.Legitimate),
		// Approved in spite of "dear". With "night" it would be reviewed; the other ruleset agrees, though a rule of it fails.
		4_000: decided(fraud.Approve, transaction.PaymentComplete, rules(hit("dear", 10), night), withShadow(fraud.Review),
			other(fraud.Approve, fraud.RuleResult{ID: "odd", Outcome: fraud.RuleFailed, Action: fraud.ActReview})),
		// The other ruleset would decline it. "night" changes nothing.
		50_000: decided(fraud.Approve, transaction.PaymentComplete, rules(hit("dear", 10), night), withShadow(fraud.Approve), other(fraud.Decline, hit("dear", 80))),
		// Here the deadline decided, not a person.
		600_000: expired,
		// No rule hits, or none was asked.
		7_000_000:  labelled(decided(fraud.Approve, transaction.PaymentComplete, nil), ledger.Fraudulent),
		80_000_000: {},
	} {
		r.Add(each, minor)
	}
	want := report.Rules{
		Fraudulent: 2, Legitimate: 1,
		Deciding: report.Ruleset{Compared: 2, Disagreed: 1, Rules: map[string]report.RuleCounts{
			"dear": {
				Rule: report.Rule{Hits: 5, Alone: 1, Fraudulent: 1}, Declined: 1, Stopped: report.Sum{Count: 3, Minor: 600_021},
				Beside: map[string]int64{"foreign": 2, "known": 1, "night": 2},
			},
			"foreign": {
				Rule: report.Rule{Hits: 3, Alone: 1, Legitimate: 1}, Approved: 1, Declined: 1, Stopped: report.Sum{Count: 2, Minor: 600_020},
				Beside: map[string]int64{"dear": 2, "known": 2},
			},
			"known": {
				Rule: report.Rule{Hits: 2, Legitimate: 1}, Approved: 1, Declined: 1, Stopped: report.Sum{Count: 1, Minor: 20}, Beside: map[string]int64{"dear": 1, "foreign": 2},
			},
			"night": {Rule: report.Rule{Hits: 2}, Disagreed: 1, Beside: map[string]int64{"dear": 2}},
		}},
		Shadow: report.Ruleset{Compared: 3, Disagreed: 1, Rules: map[string]report.RuleCounts{
			"dear": {Rule: report.Rule{Hits: 2, Alone: 2, Fraudulent: 1}, Disagreed: 1, Stopped: report.Sum{Count: 1, Minor: 1}},
			"odd":  {Failed: 1},
		}},
	}
	assert.Equal(t, want, r)

	var sum report.RuleCounts
	sum.Join(r.Deciding.Rules["dear"])
	sum.Join(r.Deciding.Rules["foreign"])
	assert.Equal(t, report.RuleCounts{
		Rule: report.Rule{Hits: 8, Alone: 2, Fraudulent: 1, Legitimate: 1}, Approved: 1, Declined: 2, Stopped: report.Sum{Count: 5, Minor: 1_200_041},
		Beside: map[string]int64{"dear": 2, "foreign": 2, "known": 3, "night": 2},
	}, sum)
	assert.Equal(t, want, r, "a join changes what is joined")
}

// A precision is known only if both kinds of labels are.
func TestPrecision(t *testing.T) {
	known := report.Precision(1, 4, 3, 2)
	require.NotNil(t, known)
	assert.InDelta(t, 0.25, *known, 1e-9)
	for _, unknown := range []*float64{report.Precision(0, 0, 3, 2), report.Precision(4, 4, 4, 0), report.Precision(0, 4, 0, 4)} {
		assert.Nil(t, unknown)
	}
}
