package ledger_test

import (
	"encoding/json"
	"testing"

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
	"dummyorders/internal/goldentest"
)

func paid(t *testing.T) *ledger.Record {
	t.Helper()
	r := ledger.Open(posted(t), start)
	r.Decide(approved)
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.AuthorizationID = "auth-1"
	r.Payment.CaptureID = "capture-1"
	r.Move(transaction.PaymentComplete, after(2))
	r.Close(after(3))
	return r
}

// reviewed returns a transaction that a person declined after its money was held.
func reviewed(t *testing.T) *ledger.Record {
	t.Helper()
	r := ledger.Open(posted(t), start)
	r.Decide(explained(forReview))
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.AuthorizationID = "auth-1"
	r.Review = asked()
	r.Move(transaction.InReview, after(2))
	r.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada", Note: "stolen"}, after(60))
	r.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: "stolen", Time: after(60)}}
	r.Move(transaction.Fraudulent, after(60))
	r.Move(transaction.AlertInitiated, after(60))
	voided := after(61)
	r.Payment.VoidedAt = &voided
	r.Payment.Error = "declined in review"
	r.Move(transaction.AlertDone, after(62))
	r.Close(after(62))
	return r
}

// explained returns a decision with its explanation.
func explained(d fraud.Decision) fraud.Decision {
	velocity := fraud.RuleResult{ID: "card_velocity", Outcome: fraud.RuleHit, Score: 45, Action: fraud.ActReview}
	failed := fraud.RuleResult{ID: "unusual_amount", Outcome: fraud.RuleFailed, Shadow: true, Error: "division by zero"}
	d.Explanation = &fraud.Explanation{
		AsOf: start, DecidedAt: after(1), TookMicros: 350,
		Rules: []fraud.RuleResult{velocity, failed}, Passed: []string{"list:blocked_cards", "first_large"},
		Features: map[string]float64{`card.count("10m")`: 3, `customer.mean("30d")`: 99.5},
		Trials: []fraud.Trial{{
			Ruleset: fraud.Ruleset{ID: "default+shadow", Version: 3, Digest: "sha256:0123456789abcdef"}, Outcome: fraud.Review, Score: 45,
			Rules: []fraud.RuleResult{failed},
		}},
	}
	return d
}

// byToken returns a transaction whose money was taken and given back.
func byToken(t *testing.T) *ledger.Record {
	t.Helper()
	tr := posted(t)
	tr.Payment.Card, tr.Payment.Token = card.Details{}, "pm_card_visa"
	r := ledger.Open(tr, start)
	r.Decide(approved)
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.AuthorizationID, r.Payment.CaptureID, r.Payment.RefundID = "auth-1", "capture-1", "refund-1"
	r.Payment.Gateway, r.Payment.Decline = "stripe", payment.NewDecline(payment.Cancelled)
	r.Payment.Error = "cancelled"
	r.Move(transaction.PaymentError, after(2))
	r.Close(after(3))
	return r
}

// refused returns a payment that the gateway refused.
func refused(t *testing.T) *ledger.Record {
	t.Helper()
	r := ledger.Open(posted(t), start)
	r.Decide(fraud.Decision{Outcome: fraud.Approve, Reasons: []fraud.Reason{}})
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.Gateway, r.Payment.Decline = "stripe", payment.NewDecline(payment.InsufficientFunds)
	r.Payment.Error = "gateway stripe declined: insufficient_funds"
	r.Move(transaction.PaymentError, after(2))
	return r
}

// The files hold what clients rely on: keys, their order, and amounts to the last digit.
func TestRecordJSON(t *testing.T) {
	bare := posted(t)
	bare.ID, bare.Order.Name, bare.Customer, bare.Metadata = "01990000-0000-7000-8000-000000000002", "", nil, nil
	bare.Order.Cost = money.Money{Minor: 500, Currency: "JPY"}
	bare.Payment.Amount = money.Money{Minor: 1, Currency: "KWD"}
	for file, value := range map[string]any{
		"record.json":   paid(t),
		"reviewed.json": reviewed(t),
		"token.json":    byToken(t),
		"answer.json":   paid(t).CallersAnswer(),
		"refused.json":  refused(t).CallersAnswer(),
		"opened.json":   ledger.Open(bare, start),
	} {
		goldentest.Same(t, "testdata/"+file, indented(t, value))
	}
}

// How a decision was found is in the record and in no answer. Merchants read answers, and must not learn from them how
// a decision was found.
func TestExplanationOnlyInRecord(t *testing.T) {
	r := reviewed(t)
	assert.Empty(t, cmp.Diff(explained(forReview).Explanation, r.Explanation), "explanation (-want +got)")
	for name, answer := range map[string]any{"the answer": r.Answer, "the settled answer": r.SettledAnswer()} {
		text := indented(t, answer)
		assert.NotContains(t, text, "card_velocity", name)
		assert.NotContains(t, text, "explanation", name)
	}
}

func TestRecordPaymentError(t *testing.T) {
	r := ledger.Open(posted(t), start)
	r.Payment.Error = "gateway simulated declined: insufficient_funds"
	r.Payment.StillHeld = "gateway simulated declined: hold_expired"
	text := indented(t, r)
	for _, why := range []string{
		`"error": "gateway simulated declined: insufficient_funds"`, `"stillHeld": "gateway simulated declined: hold_expired"`,
	} {
		assert.Contains(t, text, why)
	}
}

func TestRecordJSONRoundTrip(t *testing.T) {
	for _, want := range []*ledger.Record{paid(t), reviewed(t), byToken(t), refused(t)} {
		var got ledger.Record
		require.NoError(t, json.Unmarshal([]byte(indented(t, want)), &got))
		assert.Empty(t, cmp.Diff(want, &got), "read back (-want +got)")
	}
}

// A record holds neither the customer's mail address nor the card number.
func TestRecordHidesEmailAndCard(t *testing.T) {
	tr := posted(t)
	require.Equal(t, email, tr.Customer.Email, "the transaction has no mail address that could be held")
	opened := ledger.Open(tr, start)
	stopped := ledger.Open(tr, start)
	stopped.Decide(declined)
	stopped.Move(transaction.AlertDone, after(1))
	for _, r := range []*ledger.Record{opened, stopped, paid(t), reviewed(t)} {
		text := indented(t, r)
		for what, secret := range map[string]string{
			"mail address": email, "mail domain": "@", "card number": number, "hidden digits": number[6:12],
			"fingerprint": tr.Payment.Card.Fingerprint,
		} {
			assert.NotContains(t, text, secret, "at %s the record holds the %s", r.Status(), what)
		}
	}
}

// With a token, everyone who may use the gateway's account can charge the card.
func TestRecordHidesToken(t *testing.T) {
	text := indented(t, byToken(t))
	assert.NotContains(t, text, "pm_card_visa")
	assert.NotContains(t, text, `"card"`)
}

func indented(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	return string(text) + "\n"
}
