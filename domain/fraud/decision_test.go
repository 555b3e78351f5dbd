package fraud_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		if d.Score != c.score || d.RiskLevel != c.level {
			t.Errorf("%s with a Luhn check of %v scores %d, %s risk; want %d, %s",
				c.amount, c.luhnValid, d.Score, d.RiskLevel, c.score, c.level)
		}
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
		if got := fraud.RiskOf(c.score, c.review, c.decline); got != c.level {
			t.Errorf("%d of %d and %d is %s risk, want %s", c.score, c.review, c.decline, got, c.level)
		}
	}
}

// Only a decline is a verdict of fraud.
func TestFraudulent(t *testing.T) {
	for outcome, want := range map[fraud.Outcome]bool{
		fraud.Approve: false, fraud.Review: false, fraud.Decline: true, fraud.NotEvaluated: false, "": false,
	} {
		if got := (fraud.Decision{Outcome: outcome, Score: fraud.MaxScore}).Fraudulent(); got != want {
			t.Errorf("the outcome %q is fraudulent: %v, want %v", outcome, got, want)
		}
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
			if got := d.WorseThan(earlier); got != (j > i) {
				t.Errorf("%s with score %d is worse than %s with score %d: %v",
					d.Outcome, d.Score, earlier.Outcome, earlier.Score, got)
			}
		}
	}
}

// Other reasons for the same outcome and score are not worse.
func TestWorseThanIgnoresReasons(t *testing.T) {
	before := fraud.Decision{Outcome: fraud.Review, Score: 70, Ruleset: fraud.Ruleset{ID: "limit", Version: 1}}
	after := before
	after.Reasons, after.Ruleset.Version = []fraud.Reason{{Code: "AMOUNT_OVER_REVIEW_LIMIT", Message: "too much"}}, 2
	if after.WorseThan(before) || before.WorseThan(after) {
		t.Error("of two decisions with the same outcome and score, one counts as worse")
	}
}

// An undecided transaction is neither approved nor fraudulent.
func TestUndecided(t *testing.T) {
	d := fraud.Undecided("no fraud check answered within 15m0s")
	if d.Outcome == fraud.Approve || d.Fraudulent() {
		t.Errorf("for want of a verdict the outcome is %s, fraudulent: %v", d.Outcome, d.Fraudulent())
	}
	want := fraud.Decision{
		Outcome: fraud.NotEvaluated, RiskLevel: fraud.UnknownRisk, Source: fraud.NoSource,
		Reasons: []fraud.Reason{{Code: "NOT_EVALUATED", Message: "no fraud check answered within 15m0s"}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

// A decision without reasons has an empty list in JSON.
func TestDecisionJSONWithoutReasons(t *testing.T) {
	text, err := json.Marshal(detect(t, fraud.Dummy{}, payment(approvedID, inr(12300), true)))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Reasons json.RawMessage }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Reasons) != "[]" {
		t.Errorf("the reasons are %s, want []", got.Reasons)
	}
}

// A ruleset is named by its version and the beginning of its digest.
func TestRulesetString(t *testing.T) {
	for want, ruleset := range map[string]fraud.Ruleset{
		"default version 2 (sha256:3b83e76b8e76)": {ID: "default", Version: 2, Digest: "sha256:3b83e76b8e76aaaaaaaa"},
		"default version 3 (sha256:3b)":           {ID: "default", Version: 3, Digest: "sha256:3b"},
		"dummy version 1":                         {ID: "dummy", Version: 1},
		"unnamed version 0":                       {},
	} {
		if got := ruleset.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
