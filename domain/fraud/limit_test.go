package fraud_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
)

func limit(t *testing.T, review, decline []money.Money) *fraud.Limit {
	t.Helper()
	l, err := fraud.NewLimit(review, decline)
	require.NoError(t, err)
	return l
}

// Limit decides by the amount in its currency.
func TestLimit(t *testing.T) {
	l := limit(t, []money.Money{inr(100_000), usd(50_000)}, []money.Money{inr(500_000), jpy(9_000)})
	const (
		over       = "AMOUNT_OVER_LIMIT"
		overReview = "AMOUNT_OVER_REVIEW_LIMIT"
		noLimit    = "CURRENCY_WITHOUT_LIMIT"
	)
	for _, c := range []struct {
		name    string
		amount  money.Money
		outcome fraud.Outcome
		score   int
		level   fraud.RiskLevel
		reason  fraud.Reason
	}{
		{"far below both limits", inr(1), fraud.Approve, 0, fraud.NormalRisk, fraud.Reason{}},
		{"at the review limit", inr(100_000), fraud.Approve, 0, fraud.NormalRisk, fraud.Reason{}},
		{
			"above the review limit", inr(100_001), fraud.Review, 70, fraud.ElevatedRisk,
			fraud.Reason{Code: overReview, Message: "INR 1000.01 is above the review limit of INR 1000.00"},
		},
		{
			"at the decline limit", inr(500_000), fraud.Review, 70, fraud.ElevatedRisk,
			fraud.Reason{Code: overReview, Message: "INR 5000.00 is above the review limit of INR 1000.00"},
		},
		{
			"above the decline limit", inr(500_001), fraud.Decline, 90, fraud.HighestRisk,
			fraud.Reason{Code: over, Message: "INR 5000.01 is above the limit of INR 5000.00"},
		},
		{
			"only a review limit, and above it", usd(9_999_999), fraud.Review, 70, fraud.ElevatedRisk,
			fraud.Reason{Code: overReview, Message: "USD 99999.99 is above the review limit of USD 500.00"},
		},
		{"only a decline limit, and at it", jpy(9_000), fraud.Approve, 0, fraud.NormalRisk, fraud.Reason{}},
		{
			"only a decline limit, and above it", jpy(9_001), fraud.Decline, 90, fraud.HighestRisk,
			fraud.Reason{Code: over, Message: "JPY 9001 is above the limit of JPY 9000"},
		},
		{
			"no limit at all", kwd(1), fraud.Review, 70, fraud.ElevatedRisk,
			fraud.Reason{Code: noLimit, Message: "no limit is set for KWD"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := fraud.Decision{Outcome: c.outcome, Score: c.score, RiskLevel: c.level, Reasons: []fraud.Reason{}}
			if c.reason.Code != "" {
				want.Reasons = []fraud.Reason{c.reason}
			}
			got := detect(t, l, payment(approvedID, c.amount, true))
			assert.Equal(t, "limit", got.Ruleset.ID)
			want.Ruleset, want.Source = got.Ruleset, fraud.AutomatedRule
			assert.Empty(t, cmp.Diff(want, got), "decision (-want +got)")
		})
	}
}

// Limit looks at the payment and not at the order.
func TestLimitIgnoresOrderCost(t *testing.T) {
	tr := payment(approvedID, inr(600_000), true)
	tr.Order.Cost = inr(1)
	assert.Equal(t, fraud.Decline, detect(t, limit(t, nil, []money.Money{inr(500_000)}), tr).Outcome, "a payment above the limit for a cheap order")
}

// Without any limit each transaction is reviewed.
func TestLimitWithoutLimits(t *testing.T) {
	assert.Equal(t, fraud.Review, detect(t, limit(t, nil, nil), payment(approvedID, inr(1), true)).Outcome, "without any limit")
}

// A review limit that could never be reached is refused.
func TestNewLimitRefuses(t *testing.T) {
	_, err := fraud.NewLimit([]money.Money{usd(1), inr(500_001)}, []money.Money{usd(2), inr(500_000)})
	require.Error(t, err, "a review limit above the decline limit of its currency is accepted")
	for _, amount := range []string{"INR 5000.01", "INR 5000.00"} {
		assert.ErrorContains(t, err, amount)
	}
}

// Limits of different currencies are not compared.
func TestNewLimitOtherCurrencies(t *testing.T) {
	limit(t, []money.Money{inr(500_001)}, []money.Money{usd(500_000)})
	limit(t, []money.Money{inr(500_000)}, []money.Money{inr(500_000)})
}

// Two processes with the same limits decide the same.
func TestLimitIsDeterministic(t *testing.T) {
	review := []money.Money{inr(100_000), usd(50_000), jpy(7)}
	decline := []money.Money{inr(500_000), usd(60_000)}
	one := limit(t, review, decline)
	slices.Reverse(review)
	slices.Reverse(decline)
	other := limit(t, review, decline)
	for _, tr := range allKinds() {
		assert.Empty(t, cmp.Diff(detect(t, one, tr), detect(t, other, tr)), "%s is decided otherwise by the other instance", tr.ID)
	}
}

// The digest differs for different limits.
func TestLimitDigestDiffers(t *testing.T) {
	type limits struct{ review, decline []money.Money }
	results := map[string]limits{}
	for _, l := range []limits{
		{},
		{review: []money.Money{inr(100)}},
		{review: []money.Money{inr(101)}},
		{review: []money.Money{usd(100)}},
		{decline: []money.Money{inr(100)}},
		{decline: []money.Money{inr(101)}},
		{review: []money.Money{inr(100)}, decline: []money.Money{inr(200)}},
		{review: []money.Money{inr(100)}, decline: []money.Money{usd(200)}},
		{review: []money.Money{inr(100), usd(200)}},
	} {
		digest := digestOf(t, l.review, l.decline)
		other, taken := results[digest]
		assert.False(t, taken, "the limits %v and %v have the same digest", l, other)
		results[digest] = l
	}
}

// The digest changes with nothing but the limits.
func TestLimitDigestStays(t *testing.T) {
	want := digestOf(t, []money.Money{inr(100), usd(200)}, nil)
	assert.Equal(t, want, digestOf(t, []money.Money{usd(200), inr(100)}, []money.Money{}), "the same limits in another order")
	l := limit(t, []money.Money{inr(100), usd(200)}, nil)
	for _, tr := range allKinds() {
		assert.Equal(t, want, detect(t, l, tr).Ruleset.Digest, tr.ID)
	}
}

func digestOf(t *testing.T, review, decline []money.Money) string {
	t.Helper()
	return detect(t, limit(t, review, decline), payment(approvedID, inr(1), true)).Ruleset.Digest
}
