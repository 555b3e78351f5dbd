package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

const (
	number = "1234567887654321"
	email  = "ada.lovelace@example.com"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after returns the time that many seconds after the start.
func after(seconds int) time.Time {
	return start.Add(time.Duration(seconds) * time.Second)
}

func posted(t *testing.T) transaction.Transaction {
	t.Helper()
	parsed, err := card.ParseNumber(number)
	require.NoError(t, err)
	return transaction.Transaction{
		ID: "01990000-0000-7000-8000-000000000001",
		Order: transaction.Order{
			ID: "1234", Name: "avengers 4 spoilers book", Cost: money.Money{Minor: 12300, Currency: "INR"},
		},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.NewDescriber([]byte("key")).Describe(parsed), Type: "wallet",
			Amount: money.Money{Minor: 1<<53 + 1, Currency: "USD"}, // no float64 holds it exactly
		},
		Customer: &transaction.Customer{ID: "c-1", Email: email, CreatedAt: start},
		Metadata: map[string]string{"channel": "web"},
	}
}

var (
	approved = fraud.Decision{
		Outcome: fraud.Approve, Score: 5, RiskLevel: fraud.NormalRisk,
		Reasons: []fraud.Reason{{Code: "CARD_LUHN_INVALID", Message: "the card number fails the Luhn check"}},
		Ruleset: fraud.Ruleset{ID: "default", Version: 3, Digest: "sha256:0123456789abcdef"},
		Source:  fraud.AutomatedRule,
	}
	declined  = fraud.Decision{Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk}
	forReview = fraud.Decision{Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk}
	undecided = fraud.Undecided("no fraud check answered within 15m0s")
)

// A record just opened is pending.
func TestOpen(t *testing.T) {
	r := ledger.Open(posted(t), start)
	assert.Equal(t, transaction.Pending, r.Status())
	assert.Equal(t, "Transaction Pending", r.Message)
	require.Nil(t, r.Decision)
	require.Nil(t, r.EndTime)
	assert.WithinDuration(t, start, r.StartTime, 0)
	assert.Empty(t, cmp.Diff([]ledger.Step{{Code: 11, Status: "TRANSACTION_PENDING", Time: start}}, r.Steps), "steps (-want +got)")
}

// The pending answer is that of a record just opened.
func TestPendingAnswer(t *testing.T) {
	tr := posted(t)
	assert.Empty(t, cmp.Diff(ledger.Open(tr, start).Answer, ledger.PendingAnswer(tr.ID)), "answer (-of the record +pending)")
}

// A record ends when it is closed and no sooner.
func TestRecordClose(t *testing.T) {
	r := ledger.Open(posted(t), start)
	r.Decide(declined)
	r.Move(transaction.AlertDone, after(1))
	assert.Nil(t, r.EndTime)
	r.Close(after(2))
	require.NotNil(t, r.EndTime)
	assert.WithinDuration(t, after(2), *r.EndTime, 0)
	assert.Equal(t, transaction.AlertDone, r.Status())
	assert.Len(t, r.Steps, 2)
}

// A copy of a record stays as it is. An event and an entry of the ledger hold copies while the transaction goes on.
func TestRecordClone(t *testing.T) {
	r := ledger.Open(posted(t), start)
	r.Decide(forReview)
	r.Move(transaction.PaymentInitiated, after(1))
	r.Review = asked()
	r.Move(transaction.InReview, after(2))
	r.Labels = append(make([]ledger.Label, 0, 8), ledger.Label{Label: ledger.Legitimate, Source: ledger.ByReviewer})
	before, c := indented(t, r), r.Clone()
	assert.Empty(t, cmp.Diff(*r, c), "the copy differs (-record +copy)")
	r.Review.Recheck = &declined
	r.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada"}, after(3))
	r.Labels[0].Note = "changed"
	r.Labels = append(r.Labels, ledger.Label{Label: ledger.Fraudulent})
	r.Steps[0].Time = after(9)
	r.Decide(declined)
	r.Move(transaction.Fraudulent, after(3))
	r.Payment.Error = "declined in review"
	r.Close(after(4))
	assert.Empty(t, cmp.Diff(before, indented(t, c)), "the copy has changed with the record (-before +after)")
}

func TestReleasing(t *testing.T) {
	unpaid := func(code payment.DeclineCode, change func(*ledger.Record)) *ledger.Record {
		r := ledger.Open(transaction.Transaction{ID: "1"}, start)
		r.Move(transaction.PaymentInitiated, start)
		r.Move(transaction.PaymentError, start)
		r.Payment.Decline = payment.NewDecline(code)
		change(r)
		return r
	}
	at := after(1)
	for name, test := range map[string]struct {
		record *ledger.Record
		want   bool
	}{
		"accepted":              {ledger.Open(transaction.Transaction{ID: "1"}, start), false},
		"declined":              {unpaid(payment.DoNotHonor, func(*ledger.Record) {}), false},
		"held, not taken":       {unpaid(payment.DoNotHonor, func(r *ledger.Record) { r.Payment.AuthorizationID = "a" }), true},
		"no answer to the hold": {unpaid(payment.GatewayUnavailable, func(*ledger.Record) {}), true},
		"released":              {unpaid(payment.DoNotHonor, func(r *ledger.Record) { r.Payment.AuthorizationID, r.Payment.VoidedAt = "a", &at }), false},
		"given back":            {unpaid(payment.GatewayUnavailable, func(r *ledger.Record) { r.Payment.AuthorizationID, r.Payment.RefundID = "a", "r" }), false},
		"refused for good":      {unpaid(payment.DoNotHonor, func(r *ledger.Record) { r.Payment.AuthorizationID = "a"; r.Close(at) }), false},
		"taken":                 {unpaid("", func(r *ledger.Record) { r.Payment.AuthorizationID = "a"; r.Move(transaction.PaymentComplete, at) }), false},
		"in review": {unpaid("", func(r *ledger.Record) {
			r.Payment.AuthorizationID = "a"
			r.Review = &review.Review{}
			r.Move(transaction.InReview, at)
		}), false},
		"stopped after a review": {unpaid("", func(r *ledger.Record) { r.Payment.AuthorizationID = "a"; r.Move(transaction.AlertDone, at) }), true},
	} {
		assert.Equal(t, test.want, test.record.Releasing(), name)
	}
}
