package fraud_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
)

// The risk level is the score in words. A review has elevated risk, whatever else adds to its score.
func TestRiskLevel(t *testing.T) {
	l := limit(t, []money.Money{inr(100)}, []money.Money{inr(200)})
	for _, c := range []struct {
		amount    money.Money
		luhnValid bool
		score     int
		level     fraud.RiskLevel
	}{
		{inr(100), true, 0, fraud.NormalRisk},
		{inr(100), false, 5, fraud.NormalRisk},
		{inr(101), true, 70, fraud.ElevatedRisk},
		{inr(101), false, 75, fraud.ElevatedRisk},
		{inr(201), true, 90, fraud.HighestRisk},
		{inr(201), false, 95, fraud.HighestRisk},
	} {
		d := detect(t, l, payment(approvedID, c.amount, c.luhnValid))
		assert.Equal(t, c.score, d.Score, "%s with a Luhn check of %v", c.amount, c.luhnValid)
		assert.Equal(t, c.level, d.RiskLevel, "%s with a Luhn check of %v", c.amount, c.luhnValid)
	}
}

func TestRiskLevelThresholds(t *testing.T) {
	for _, c := range []struct {
		score, review, decline int
		level                  fraud.RiskLevel
	}{
		{39, 40, 80, fraud.NormalRisk},
		{40, 40, 80, fraud.ElevatedRisk},
		{79, 40, 80, fraud.ElevatedRisk},
		{80, 40, 80, fraud.HighestRisk},
		{70, 80, 90, fraud.NormalRisk},
		{10, 5, 10, fraud.HighestRisk},
	} {
		assert.Equal(t, c.level, fraud.RiskOf(c.score, c.review, c.decline), "%d of %d and %d", c.score, c.review, c.decline)
	}
}

// Only a decline is a verdict of fraud.
func TestFraudulent(t *testing.T) {
	for outcome, want := range map[fraud.Outcome]bool{
		fraud.Approve: false, fraud.Review: false, fraud.Decline: true, fraud.NotEvaluated: false, "": false,
	} {
		assert.Equal(t, want, (fraud.Decision{Outcome: outcome, Score: fraud.MaxScore}).Fraudulent(), outcome)
	}
}

// ascending lists decisions, each worse than those before it.
var ascending = []fraud.Decision{
	{Outcome: fraud.Approve, Score: 0},
	{Outcome: fraud.Approve, Score: 5},
	{Outcome: fraud.Review, Score: 1},
	{Outcome: fraud.Review, Score: 70},
	{Outcome: fraud.Review, Score: 71},
	fraud.Undecided("no fraud check answered"),
	{Outcome: fraud.Decline, Score: 0},
	{Outcome: fraud.Decline, Score: 90},
	{Outcome: fraud.Decline, Score: fraud.MaxScore},
}

// A decision is worse by its outcome and then by its score.
func TestWorseThan(t *testing.T) {
	for i, earlier := range ascending {
		for j, d := range ascending {
			assert.Equal(t, j > i, d.WorseThan(earlier), "%s with score %d is worse than %s with score %d", d.Outcome, d.Score, earlier.Outcome, earlier.Score)
		}
	}
}

// Other reasons for the same outcome and score are not worse.
func TestWorseThanIgnoresReasons(t *testing.T) {
	before := fraud.Decision{Outcome: fraud.Review, Score: 70, Ruleset: fraud.Ruleset{ID: "limit", Version: 1}}
	after := before
	after.Reasons, after.Ruleset.Version = []fraud.Reason{{Code: "AMOUNT_OVER_REVIEW_LIMIT", Message: "too much"}}, 2
	assert.False(t, after.WorseThan(before), "of two decisions with the same outcome and score, one counts as worse")
	assert.False(t, before.WorseThan(after), "of two decisions with the same outcome and score, one counts as worse")
}

// An undecided transaction is neither approved nor fraudulent.
func TestUndecided(t *testing.T) {
	d := fraud.Undecided("no fraud check answered within 15m0s")
	assert.NotEqual(t, fraud.Approve, d.Outcome)
	assert.False(t, d.Fraudulent())
	want := fraud.Decision{
		Outcome: fraud.NotEvaluated, RiskLevel: fraud.UnknownRisk, Source: fraud.NoSource,
		Reasons: []fraud.Reason{{Code: "NOT_EVALUATED", Message: "no fraud check answered within 15m0s"}},
	}
	assert.Empty(t, cmp.Diff(want, d), "decision (-want +got)")
}

// A decision without reasons has an empty list in JSON.
func TestDecisionJSONWithoutReasons(t *testing.T) {
	text, err := json.Marshal(detect(t, fraud.Dummy{}, payment(approvedID, inr(12300), true)))
	require.NoError(t, err)
	var got struct{ Reasons json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, "[]", string(got.Reasons))
}

// A ruleset is named by its version and the beginning of its digest.
func TestRulesetString(t *testing.T) {
	for want, ruleset := range map[string]fraud.Ruleset{
		"default version 2 (sha256:3b83e76b8e76)": {ID: "default", Version: 2, Digest: "sha256:3b83e76b8e76aaaaaaaa"},
		"default version 3 (sha256:3b)":           {ID: "default", Version: 3, Digest: "sha256:3b"},
		"dummy version 1":                         {ID: "dummy", Version: 1},
		"unnamed version 0":                       {},
	} {
		assert.Equal(t, want, ruleset.String())
	}
}
