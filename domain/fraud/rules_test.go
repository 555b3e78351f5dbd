package fraud_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/velocitytest"
)

var (
	perHour  = velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: time.Hour}
	perDay   = velocity.Feature{Measure: velocity.Count, By: velocity.Metadata("terminal"), Window: 24 * time.Hour}
	accepted = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// overOne declines a transaction if one of its features is above one.
type overOne struct {
	id      string
	feature velocity.Feature
}

func (o overOne) Ruleset() fraud.Ruleset       { return fraud.Ruleset{ID: o.id, Version: 1} }
func (o overOne) Features() []velocity.Feature { return []velocity.Feature{o.feature} }

func (o overOne) Evaluate(_ fraud.Check, values map[string]float64) fraud.Decision {
	d := fraud.Decision{Outcome: fraud.Approve, Ruleset: o.Ruleset(), Explanation: &fraud.Explanation{Lists: usedLists}}
	if values[o.feature.String()] > 1 {
		d.Outcome, d.Score = fraud.Decline, 90
		d.Explanation.Rules = []fraud.RuleResult{{ID: o.id + "_rule", Outcome: fraud.RuleHit, Score: 90}}
	}
	return d
}

var usedLists = &fraud.ListsUsed{Change: 7, Hits: []fraud.ListHit{}}

// away is a history whose database is down.
type away struct{ error }

func (a away) Decide(context.Context, fraud.Check, velocity.Use, []velocity.Lookup, func(velocity.Past) fraud.Decision) (fraud.Decision, error) {
	return fraud.Decision{}, a.error
}

// before returns a history with n transactions of the card, ten minutes apart, the last one ten minutes ago.
func before(t *testing.T, n int) *velocitytest.Memory {
	t.Helper()
	h := new(velocitytest.Memory)
	for i := range n {
		counted(t, h, "earlier"+strings.Repeat("i", i), accepted.Add(-10*time.Minute*time.Duration(i+1)))
	}
	return h
}

// counted lets the history count a transaction of the card.
func counted(t *testing.T, h fraud.VelocityStore, id string, at time.Time) {
	t.Helper()
	use := velocity.Of(of(id), at, nil)
	approve := func(velocity.Past) fraud.Decision { return fraud.Decision{Outcome: fraud.Approve} }
	_, err := h.Decide(t.Context(), velocitytest.Check(use), use, nil, approve)
	require.NoError(t, err)
}

func of(id string) transaction.Transaction {
	t := transaction.Transaction{ID: id, Payment: transaction.Payment{Amount: inr(12300)}, Metadata: map[string]string{"terminal": "t1", "other": "o"}}
	t.Payment.Card.Fingerprint = "f00d"
	return t
}

func always(e fraud.Evaluator) func() fraud.Evaluator {
	return func() fraud.Evaluator { return e }
}

// detector returns a detector whose clock advances by a millisecond at each reading.
func detector(h fraud.VelocityStore) *fraud.Rules {
	now := accepted.Add(time.Minute)
	return &fraud.Rules{Live: always(overOne{"live", perHour}), Velocity: h, Now: func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}}
}

func nth(number int, asOf time.Time) fraud.Check {
	return fraud.Check{Transaction: of("0199"), StartTime: accepted, AsOf: asOf, Number: number}
}

// Rules decide from what came before.
func TestRules(t *testing.T) {
	for n, want := range []fraud.Outcome{fraud.Approve, fraud.Approve, fraud.Decline} {
		got, err := detector(before(t, n)).Detect(t.Context(), nth(1, accepted))
		require.NoError(t, err, "after %d: %+v", n, got)
		assert.Equal(t, want, got.Outcome, "after %d: %+v", n, got)
	}
}

// The explanation says what rules saw and how long it took.
func TestRulesExplanation(t *testing.T) {
	got, err := detector(before(t, 2)).Detect(t.Context(), nth(1, accepted))
	require.NoError(t, err)
	want := &fraud.Explanation{
		AsOf: accepted, DecidedAt: accepted.Add(time.Minute + 2*time.Millisecond), TookMicros: 2000,
		Rules:    []fraud.RuleResult{{ID: "live_rule", Outcome: fraud.RuleHit, Score: 90}},
		Features: map[string]float64{`card.count("1h")`: 2}, Lists: usedLists,
	}
	assert.Empty(t, cmp.Diff(want, got.Explanation), "explanation (-want +got)")
}

// Rules that are asked again answer as before.
func TestRulesAskedAgain(t *testing.T) {
	h := before(t, 2)
	d := detector(h)
	first, err := d.Detect(t.Context(), nth(1, accepted))
	counted(t, h, "since", accepted)
	again, errAgain := d.Detect(t.Context(), nth(1, accepted))
	assert.Empty(t, cmp.Diff(first, again))
	require.NoError(t, err)
	assert.NoError(t, errAgain)
}

// A later check looks back from its own moment.
func TestRulesLaterCheck(t *testing.T) {
	got, err := detector(before(t, 2)).Detect(t.Context(), nth(2, accepted.Add(45*time.Minute)))
	if err != nil || got.Explanation.Features[`card.count("1h")`] != 1 {
		t.Errorf("%+v, %v, want one transaction within the hour before", got.Explanation, err)
	}
}

// A shadow ruleset is tried and never acts.
func TestRulesShadow(t *testing.T) {
	d := detector(before(t, 2))
	d.Live, d.Shadow = always(overOne{"live", perDay}), always(overOne{"tried", perHour})
	got, err := d.Detect(t.Context(), nth(1, accepted))
	require.NoError(t, err, "decided %+v", got)
	assert.Equal(t, fraud.Approve, got.Outcome, "decided %+v", got)
	assert.Equal(t, "live", got.Ruleset.ID, "decided %+v", got)
	want := []fraud.Trial{{
		Ruleset: fraud.Ruleset{ID: "tried", Version: 1}, Outcome: fraud.Decline, Score: 90,
		Rules: []fraud.RuleResult{{ID: "tried_rule", Outcome: fraud.RuleHit, Score: 90}}, Lists: usedLists,
	}}
	assert.Empty(t, cmp.Diff(want, got.Explanation.Trials), "trials (-want +got)")
}

// The ledger searches the text of a trial for its outcome, which follows the ruleset.
func TestTrialText(t *testing.T) {
	text, err := json.Marshal(fraud.Trial{Ruleset: fraud.Ruleset{ID: "tried", Version: 1, Digest: "0a"}, Outcome: fraud.Decline, Score: 90, Lists: usedLists})
	require.NoError(t, err)
	assert.Regexp(t, `^{"ruleset":{"id":"tried","version":1,"digest":"0a"},"outcome":"decline",.*,"lists":{"change":7,"hits":\[\]}}$`, string(text))
}

// A shadow ruleset may count across merchants where the live one does not, and the other way round.
func TestRulesAcrossMerchants(t *testing.T) {
	h := before(t, 2) // of the default merchant
	for n, c := range []struct{ live, shadow velocity.Feature }{{perHour, perHour.AcrossMerchants()}, {perHour.AcrossMerchants(), perHour}} {
		d := detector(h)
		d.Live, d.Shadow = always(overOne{"live", c.live}), always(overOne{"tried", c.shadow})
		check := fraud.Check{Transaction: of("0199" + strings.Repeat("i", n)), StartTime: accepted, AsOf: accepted, Number: 1}
		check.Merchant = "acme"
		got, err := d.Detect(t.Context(), check)
		require.NoError(t, err)
		require.Equal(t, map[string]float64{`card.count("1h")`: float64(n), `card.count("1h") across merchants`: float64(2 + n)}, got.Explanation.Features)
		outcomes := map[velocity.Feature]fraud.Outcome{perHour: fraud.Approve, perHour.AcrossMerchants(): fraud.Decline}
		require.Equal(t, outcomes[c.live], got.Outcome)
		require.Equal(t, outcomes[c.shadow], got.Explanation.Trials[0].Outcome)
	}
}

// A transaction is counted under the metadata that a rule names.
func TestRulesMetadata(t *testing.T) {
	h := before(t, 0)
	d := detector(h)
	d.Shadow = always(overOne{"tried", perDay})
	if _, err := d.Detect(t.Context(), nth(1, accepted)); err != nil {
		t.Fatal(err)
	}
	found, err := h.Look(t.Context(), "", []velocity.Lookup{
		{By: velocity.Card, Value: "f00d", Merchant: identity.DefaultMerchant},
		{By: velocity.Metadata("terminal"), Value: "t1", Merchant: identity.DefaultMerchant},
		{By: velocity.Metadata("other"), Value: "o", Merchant: identity.DefaultMerchant},
	})
	require.NoError(t, err, "counted under %v", found)
	require.Len(t, found[velocity.Pool{By: velocity.Card}], 1, "counted under %v", found)
	require.Len(t, found[velocity.Pool{By: velocity.Metadata("terminal")}], 1, "counted under %v", found)
	require.Empty(t, found[velocity.Pool{By: velocity.Metadata("other")}], "counted under %v", found)
	assert.WithinDuration(t, accepted, found[velocity.Pool{By: velocity.Card}][0].At, 0)
}

// Rules without their store of past uses decide nothing.
func TestRulesWithoutStore(t *testing.T) {
	refused := errors.New("connection refused")
	_, err := detector(away{refused}).Detect(t.Context(), nth(1, accepted))
	assert.ErrorIs(t, err, refused)
}

// An address that is not counted is reported.
func TestRulesUncountedAddress(t *testing.T) {
	for ip, want := range map[string]int{"10.0.0.7": 1, "64:ff9b::127.0.0.1": 1, "unknown": 1, "8.8.8.8": 0, "": 0} {
		calls, check := 0, nth(1, accepted)
		d := detector(before(t, 0))
		d.Uncounted = func(c fraud.Check) {
			if c.IP == ip {
				calls++
			}
		}
		check.IP = ip
		_, err := d.Detect(t.Context(), check)
		require.NoError(t, err, ip)
		assert.Equal(t, want, calls, ip)
	}
}
