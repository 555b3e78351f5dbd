package report_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/payment"
	"dummyorders/domain/report"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

var start = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// record returns a transaction with a decision, in a status, with labels in the order of their times.
func record(outcome fraud.Outcome, status transaction.Status, labels ...ledger.Label) *ledger.Record {
	r := &ledger.Record{StartTime: start}
	r.Decide(fraud.Decision{Outcome: outcome, Reasons: []fraud.Reason{{Code: "CARD_FRAUDS"}}, Explanation: &fraud.Explanation{
		Rules: []fraud.RuleResult{{ID: "card_frauds", Outcome: fraud.RuleHit, Score: 40}, {ID: "night", Outcome: fraud.RuleHit, Score: 10, Shadow: true}},
	}})
	r.Move(status, start)
	for i, label := range labels {
		label.Time = start.Add(time.Duration(i) * time.Hour)
		r.Labels = append(r.Labels, label)
	}
	return r
}

var (
	disputed = ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute}
	good     = ledger.Label{Label: ledger.Legitimate, Source: ledger.ByReviewer}
)

func TestFigures(t *testing.T) {
	var f report.Figures
	f.Add(record(fraud.Approve, transaction.PaymentComplete), 1000)
	f.Add(record(fraud.Approve, transaction.PaymentComplete, good, disputed), 300)
	f.Add(record(fraud.Decline, transaction.AlertDone, disputed, good), 500)
	refused := record(fraud.Approve, transaction.PaymentError)
	refused.Payment.Decline = payment.NewDecline(payment.InsufficientFunds)
	f.Add(refused, 70)
	decided, expired := record(fraud.Review, transaction.PaymentComplete), record(fraud.Review, transaction.AlertDone)
	decided.Review, expired.Review = &review.Review{RequestedAt: start}, &review.Review{RequestedAt: start}
	decided.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, start.Add(time.Minute))
	expired.Review.Expire(review.Decline, start.Add(time.Hour))
	f.Add(decided, 20)
	f.Add(expired, 10)
	f.Add(&ledger.Record{}, 5) // which no fraud check has looked at yet

	want := report.Figures{
		All:      report.Sum{Count: 7, Minor: 1905},
		Outcomes: map[fraud.Outcome]report.Sum{fraud.Approve: {Count: 3, Minor: 1370}, fraud.Decline: {Count: 1, Minor: 500}, fraud.Review: {Count: 2, Minor: 30}},
		Paid:     report.Sum{Count: 3, Minor: 1320}, Refused: report.Sum{Count: 1, Minor: 70}, Stopped: report.Sum{Count: 2, Minor: 510},
		Reasons:  map[string]report.Sum{"CARD_FRAUDS": {Count: 1, Minor: 500}},
		Refusals: map[string]report.Sum{"insufficient_funds": {Count: 1, Minor: 70}},
		Rules:    map[string]report.Rule{"card_frauds": {Hits: 6, Alone: 3, Fraudulent: 1, Legitimate: 1}, "night": {Hits: 6, Fraudulent: 1, Legitimate: 1}},
		Fraud:    report.Sum{Count: 1, Minor: 300}, FraudPaid: report.Sum{Count: 1, Minor: 300},
		Chargebacks: report.Sum{Count: 2, Minor: 800}, FalsePositives: report.Sum{Count: 1, Minor: 500},
		Reviews: report.Reviews{Asked: 2, Approved: 1, Expired: 1, Took: map[int64]int64{60: 1}},
	}
	assert.Equal(t, want, f)

	var both report.Figures
	both.Join(f)
	both.Join(f)
	assert.Equal(t, report.Sum{Count: 14, Minor: 3810}, both.All)
	assert.Equal(t, report.Rule{Hits: 12, Alone: 6, Fraudulent: 2, Legitimate: 2}, both.Rules["card_frauds"])
	assert.Equal(t, report.Reviews{Asked: 4, Approved: 2, Expired: 2, Took: map[int64]int64{60: 2}}, both.Reviews)
	assert.Equal(t, report.Sum{Count: 6, Minor: 2740}, both.Outcomes[fraud.Approve])
	assert.Equal(t, report.Sum{Count: 3, Minor: 1370}, f.Outcomes[fraud.Approve], "a join changes what is joined")

	both.Add(record(fraud.Approve, transaction.PaymentComplete), math.MaxInt64-1)
	both.Join(f)
	assert.Equal(t, report.Sum{Count: 22, Minor: math.MaxInt64}, both.All, "as much as fits")
}

// The median of several days is that of all their reviews, right to 5 %.
func TestReviewsMedian(t *testing.T) {
	assert.Zero(t, report.Reviews{}.MedianSeconds())
	for _, c := range []struct{ median, want int64 }{{0, 0}, {7, 7}, {99, 99}, {104, 100}, {105, 110}, {3725, 3700}, {86_399, 86_000}} {
		var day, both report.Figures
		for _, seconds := range []int64{0, c.median, 1_000_000} {
			r := record(fraud.Review, transaction.PaymentComplete)
			r.Review = &review.Review{RequestedAt: start}
			r.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, start.Add(time.Duration(seconds)*time.Second))
			day = report.Figures{}
			day.Add(r, 1)
			both.Join(day)
		}
		assert.Equal(t, c.want, both.Reviews.MedianSeconds())
	}
	var early report.Figures // by another clock
	r := record(fraud.Review, transaction.PaymentComplete)
	r.Review = &review.Review{RequestedAt: start}
	r.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, start.Add(-time.Minute))
	early.Add(r, 1)
	assert.Zero(t, early.Reviews.MedianSeconds())
}

func TestBasisPoints(t *testing.T) {
	assert.InDelta(t, 25, report.BasisPoints(1, 400), 1e-9)
	assert.Zero(t, report.BasisPoints(0, 0))
}
