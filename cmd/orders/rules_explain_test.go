package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/rules"
)

// A decision is explained from the ledger.
func TestExplain(t *testing.T) {
	store := openTestLedger(t)
	e := decided(t, map[string]float64{`card.count("10m")`: 6, `card.count("1h")`: 6})
	e.Record.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: noon.Add(24 * time.Hour)}}
	require.NoError(t, store.Save(t.Context(), e))
	_, err := store.Label(t.Context(), identity.AllMerchants(), e.Record.TransactionID, e.Record.Labels[0])
	require.NoError(t, err)

	out, notes := explain(t, explainRulesCommand{TransactionID: "t-1"}, store)
	require.Empty(t, notes)
	require.Equal(t, `Transaction  t-1, 2026-03-04T12:00:00Z
Status       TRANSACTION_PENDING
Order        1234, 123.00 INR
Payment      123.00 INR by amazonpay
Card         123456******4321, unknown, fingerprint FINGERPRINT
Customer     c-1, mail at example.com
IP address   203.0.113.7

decline, score 85 (risk: highest), by the ruleset default version 2 (DIGEST)
review from score 40, decline from score 80

Reasons
  CARD_LUHN_INVALID   the card number fails the Luhn check
  CARD_VELOCITY       the card was used three times or more within ten minutes
  CARD_VELOCITY_HOUR  the card was used six times or more within an hour

Rules that hit
  card_luhn          +5   The card number fails the Luhn check
  card_velocity_10m  +40  Many payments with one card within ten minutes
  card_velocity_1h   +40  Many payments with one card within an hour

What they saw
  card.count("10m")  6
  card.count("1h")   6
  0: `, strings.Replace(before(t, out, `card.count("1d")`), e.Transaction.Payment.Card.Fingerprint, "FINGERPRINT", 1))
	require.Contains(t, out, `
As of 2026-03-04T12:00:00.000Z, decided at 2026-03-04T12:00:00.250Z, which took 1.234ms
Labelled fraudulent by dispute at 2026-03-05T12:00:00Z
`)
	require.NotContains(t, out, "jo@")
}

// A decision of another ruleset is explained without its names.
func TestExplainOtherRuleset(t *testing.T) {
	store := openTestLedger(t)
	require.NoError(t, store.Save(t.Context(), decided(t, map[string]float64{`card.count("10m")`: 3})))
	for command, note := range map[explainRulesCommand]string{
		{TransactionID: "t-1", Ruleset: ruleset(t, rule)}:                      "Another ruleset decided than the one at hand, tiny version 7 (",
		{TransactionID: "t-1", Ruleset: filepath.Join(t.TempDir(), "nothing")}: "cannot be read, so the rules' names are not shown: ",
	} {
		out, notes := explain(t, command, store)
		require.Contains(t, notes, note)
		require.Contains(t, out, "card_velocity_10m  +40")
		require.NotContains(t, out, "Many payments with one card")
		require.NotContains(t, out, "review from score")
	}
}

// The output says why there is no explanation.
func TestExplainWithoutExplanation(t *testing.T) {
	for why, decide := range map[string]func(*ledger.Record){
		"No fraud check has answered for it.\n": func(*ledger.Record) {},
		"It was not evaluated: no fraud_police worker decided in time.\n": func(r *ledger.Record) {
			r.Decide(fraud.Undecided("no fraud_police worker decided in time"))
		},
		"approve, score 5, by the detector dummy, which keeps no explanation: only rules do (FRAUD_DETECTOR).\n": func(r *ledger.Record) {
			r.Decide(fraud.Decision{Outcome: fraud.Approve, Score: 5, Ruleset: fraud.Ruleset{ID: "dummy", Version: 1}, Source: fraud.AutomatedRule})
		},
	} {
		store := openTestLedger(t)
		e := accepted(t)
		decide(&e.Record)
		require.NoError(t, store.Save(t.Context(), e))
		out, _ := explain(t, explainRulesCommand{TransactionID: "t-1"}, store)
		require.True(t, strings.HasSuffix(out, "\n\n"+why), out)

		e.Record.Review, e.Mark.Number = &review.Review{RequestedAt: noon, Deadline: noon.Add(time.Hour)}, 2
		e.Record.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "bob"}, noon.Add(30*time.Minute))
		require.NoError(t, store.Save(t.Context(), e))
		out, _ = explain(t, explainRulesCommand{TransactionID: "t-1"}, store)
		require.True(t, strings.HasSuffix(out, "\n\n"+why+"Review: declined by bob at 2026-03-04T12:30:00Z\n"), out)
	}
}

func TestExplainUnknownTransaction(t *testing.T) {
	err := explainRulesCommand{TransactionID: "t-2"}.explain(t.Context(), openTestLedger(t), standard())
	require.EqualError(t, err, "find transaction t-2: the ledger holds no such transaction; LEDGER_URL names the ledger")

	setEnvironment(t, map[string]string{"LEDGER_URL": "nonsense"})
	require.Equal(t, exitConfig, execute(t.Context(), []string{"rules", "explain", "t-2"}))
	setEnvironment(t, map[string]string{"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "none.db")})
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "explain", "t-2"}))
}

func explain(t *testing.T, c explainRulesCommand, store ledger.Reader) (out, notes string) {
	t.Helper()
	return captured(t, func(out output) error { return c.explain(t.Context(), store, out) })
}

// decided returns a transaction with a decision of the built-in ruleset.
func decided(t *testing.T, values map[string]float64) ledger.Entry {
	t.Helper()
	e, all := accepted(t), map[string]float64{}
	for _, f := range rules.Default().Features() {
		all[f.String()] = values[f.String()]
	}
	d := rules.Default().Evaluate(fraud.Check{Transaction: e.Transaction, StartTime: noon, AsOf: noon, Number: 1}, all)
	d.Explanation.Features, d.Explanation.TookMicros = all, 1234
	d.Explanation.AsOf, d.Explanation.DecidedAt = noon, noon.Add(250*time.Millisecond)
	e.Record.Decide(d)
	return e
}

// A review is explained with what the fraud check said when it was asked again.
func TestExplainRecheck(t *testing.T) {
	again := fraud.Decision{
		Outcome: fraud.Decline, Score: 80, RiskLevel: fraud.HighestRisk, Reasons: []fraud.Reason{{Code: "CARD_VELOCITY", Message: "used often"}, {Code: "BASKET", Message: "odd"}},
		Ruleset: fraud.Ruleset{ID: "default", Version: 2, Digest: "sha256:3b83e76b8e76ffff"},
	}
	const recheck = "\nAsked again before an approval: decline, score 80 (risk: highest), by the ruleset default version 2 (sha256:3b83e76b8e76)\n" +
		"  CARD_VELOCITY  used often\n  BASKET         odd\n"
	asked := func() *review.Review { return &review.Review{RequestedAt: noon, Deadline: noon.Add(time.Hour)} }
	for want, change := range map[string]func(*review.Review){
		recheck + "Review: approved by ada at 2026-03-04T12:30:00Z, confirmed although the fraud check had become worse\n": func(r *review.Review) {
			r.Recheck = &again
			r.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada", Confirm: true}, noon.Add(30*time.Minute))
		},
		recheck: func(r *review.Review) { r.Recheck = &again },
		"\nReview: declined by bob at 2026-03-04T12:30:00Z\n": func(r *review.Review) {
			r.Decide(review.Request{Verdict: review.Decline, Reviewer: "bob"}, noon.Add(30*time.Minute))
		},
		"which took 1.234ms\n": func(*review.Review) {},
	} {
		store, e := openTestLedger(t), decided(t, map[string]float64{`card.count("10m")`: 3})
		e.Record.Review = asked()
		change(e.Record.Review)
		require.NoError(t, store.Save(t.Context(), e))
		out, _ := explain(t, explainRulesCommand{TransactionID: "t-1"}, store)
		require.True(t, strings.HasSuffix(out, want), out)
	}
}

// The trial of another ruleset is shown without the names of the one that decided. Rules of two rulesets may have the
// same id but different meanings.
func TestExplainShadow(t *testing.T) {
	const name = "The card number fails the Luhn check"
	for digest, names := range map[string]int{rules.Default().Ruleset().Digest: 2, "sha256:another": 1} {
		store, e := openTestLedger(t), decided(t, nil)
		e.Record.Explanation.Trials = []fraud.Trial{{
			Ruleset: fraud.Ruleset{ID: "tried", Version: 1, Digest: digest}, Outcome: fraud.Approve, Score: 5,
			Rules: []fraud.RuleResult{{ID: "card_luhn", Outcome: fraud.RuleHit, Score: 5}},
		}}
		require.NoError(t, store.Save(t.Context(), e))
		out, _ := explain(t, explainRulesCommand{TransactionID: "t-1"}, store)
		require.Equal(t, names, strings.Count(out, name), out)
	}
}
