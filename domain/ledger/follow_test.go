package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// The messages that clients get.
const (
	pending    = "Transaction Pending"
	successful = "Transaction Successful"
	failed     = "Transaction Payment Failed"
	inReview   = "Transaction In Review"
	fraudulent = "Transaction Fraudulent"
	stopped    = "Transaction Stopped, Not Reviewed"
)

// move is a status that a transaction goes to, the message for its client then, and whether that is a verdict of fraud.
type move struct {
	to      transaction.Status
	message string
	fraud   bool
	before  func(*ledger.Record) // what has just happened to the record
}

// alerted returns the last moves of a transaction that was stopped.
func alerted(message string, isFraud bool, before func(*ledger.Record)) []move {
	return []move{
		{transaction.Fraudulent, message, isFraud, before},
		{transaction.AlertInitiated, message, isFraud, nil},
		{transaction.AlertError, message, isFraud, nil},
		{transaction.AlertDone, message, isFraud, nil},
	}
}

// held returns the first moves of a transaction that people are asked about.
func held(then ...move) []move {
	return append([]move{
		{transaction.PaymentInitiated, pending, false, nil},
		{transaction.InReview, inReview, false, func(r *ledger.Record) { r.Review = asked() }},
	}, then...)
}

func asked() *review.Review {
	return &review.Review{RequestedAt: after(2), Deadline: after(2).Add(24 * time.Hour), OnExpiry: review.Decline}
}

func decides(verdict review.Verdict) func(*ledger.Record) {
	return func(r *ledger.Record) {
		r.Review.Decide(review.Request{Verdict: verdict, Reviewer: "ada"}, after(60))
	}
}

func expires(verdict review.Verdict) func(*ledger.Record) {
	return func(r *ledger.Record) { r.Review.Expire(verdict, r.Review.Deadline) }
}

// rechecks makes a person approve what the repeated fraud check declines.
func rechecks(r *ledger.Record) {
	r.Review.Recheck = &declined
	decides(review.Approve)(r)
}

var journeys = []struct {
	name     string
	decision fraud.Decision
	moves    []move
}{
	{"paid", approved, []move{{transaction.PaymentInitiated, pending, false, nil}, {transaction.PaymentComplete, successful, false, nil}}},
	{"refused", approved, []move{{transaction.PaymentInitiated, pending, false, nil}, {transaction.PaymentError, failed, false, nil}}},
	{"declined", declined, alerted(fraudulent, true, nil)},
	{"approved in review", forReview, held(move{transaction.PaymentComplete, successful, false, decides(review.Approve)})},
	{"approved in review although it got worse", forReview, held(move{transaction.PaymentComplete, successful, false, rechecks})},
	{"approved in review and then refused", forReview, held(move{transaction.PaymentError, failed, false, decides(review.Approve)})},
	{"declined in review", forReview, held(alerted(fraudulent, true, decides(review.Decline))...)},
	{"declined by the deadline", forReview, held(alerted(stopped, false, expires(review.Decline))...)},
	{"approved by the deadline", forReview, held(move{transaction.PaymentComplete, successful, false, expires(review.Approve)})},
	{"cancelled in review", forReview, held(move{transaction.PaymentError, failed, false, nil})},
	{"unchecked and declined in review", undecided, held(alerted(fraudulent, true, decides(review.Decline))...)},
	{"unchecked and declined by the deadline", undecided, held(alerted(stopped, false, expires(review.Decline))...)},
}

func TestRecordFollowsTransaction(t *testing.T) {
	for _, c := range journeys {
		t.Run(c.name, func(t *testing.T) {
			r := ledger.Open(posted(t), start)
			r.Decide(c.decision)
			steps := []ledger.Step{{Code: transaction.Pending, Status: transaction.Pending.String(), Time: start}}
			for i, m := range c.moves {
				at, from := after(i+1), r.Status()
				require.True(t, from.LeadsTo(m.to), "no transaction goes from %s to %s", from, m.to)
				if m.before != nil {
					m.before(r)
				}
				r.Move(m.to, at)
				steps = append(steps, ledger.Step{Code: m.to, Status: m.to.String(), Time: at})
				want := ledger.Status{Code: m.to, Status: m.to.String(), FraudStatus: m.fraud}
				assert.Equal(t, want, r.TransactionStatus)
				assert.Equal(t, m.to, r.Status())
				assert.Equal(t, m.message, r.Message)
			}
			assert.Empty(t, cmp.Diff(steps, r.Steps), "steps (-want +got)")
			assert.Empty(t, cmp.Diff(&c.decision, r.Decision), "decision (-want +got)")
		})
	}
}

// The settled answer is that of the moment when it was settled. A retry of a request gets the same answer as the first
// call, however much later it comes.
func TestSettledAnswer(t *testing.T) {
	for _, c := range journeys {
		t.Run(c.name, func(t *testing.T) {
			r := ledger.Open(posted(t), start)
			r.Decide(c.decision)
			var settled *ledger.Answer
			for i, m := range c.moves {
				if m.before != nil {
					m.before(r)
				}
				r.Move(m.to, after(i+1))
				if settled == nil && m.to.Settled() {
					answer := r.Answer
					settled = &answer
				}
				assert.Empty(t, cmp.Diff(settled, r.SettledAnswer()), "at %s the settled answer is (-want +got)", m.to)
			}
			assert.NotNil(t, settled, "it was never settled")
			last := c.moves[len(c.moves)-1]
			assert.Equal(t, last.to, r.Status())
			assert.Len(t, r.Steps, len(c.moves)+1)
		})
	}
}

// Nothing is settled just after the acceptance.
func TestSettledAnswerWhenPending(t *testing.T) {
	r := ledger.Open(posted(t), start)
	assert.Nil(t, r.SettledAnswer(), "the answer is settled")
}
