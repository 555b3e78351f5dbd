package backtest_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules/backtest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

const day = 24 * time.Hour

// memory is a ledger in memory.
type memory []ledger.Entry

func (m memory) Find(context.Context, identity.Merchants, string) (ledger.Entry, error) {
	return ledger.Entry{}, ledger.ErrNotFound
}

func (m memory) List(_ context.Context, q ledger.Query) (ledger.Page, error) {
	chosen := slices.DeleteFunc(slices.Clone(m), func(e ledger.Entry) bool {
		start := e.Record.StartTime
		return !q.Since.IsZero() && start.Before(q.Since) || !q.Until.IsZero() && !start.Before(q.Until) ||
			q.After != ledger.Cursor{} && newer(place(e), q.After) <= 0
	})
	slices.SortFunc(chosen, func(a, b ledger.Entry) int { return newer(place(a), place(b)) })
	limit := min(q.Limit, max(3, len(m)/10)) // small pages, so that there are many
	page := ledger.Page{Entries: chosen[:min(limit, len(chosen))]}
	if len(chosen) > limit {
		page.Next = place(chosen[limit-1])
	}
	return page, nil
}

func place(e ledger.Entry) ledger.Cursor {
	return ledger.Cursor{StartTime: e.Record.StartTime, TransactionID: e.Record.TransactionID}
}

func newer(a, b ledger.Cursor) int {
	return cmp.Or(b.StartTime.Compare(a.StartTime), cmp.Compare(b.TransactionID, a.TransactionID))
}

// candidate is a ruleset that decides with a function.
type candidate struct {
	features []velocity.Feature
	decide   func(c fraud.Check, values map[string]float64) fraud.Decision
	saw      map[string]map[string]float64 // values by the transaction's id
}

func (c *candidate) Ruleset() fraud.Ruleset {
	return fraud.Ruleset{ID: "candidate", Version: 2, Digest: "sha256:0123456789abcdef"}
}
func (c *candidate) Features() []velocity.Feature { return c.features }

func (c *candidate) Evaluate(check fraud.Check, values map[string]float64) fraud.Decision {
	if c.saw == nil {
		c.saw = map[string]map[string]float64{}
	}
	c.saw[check.ID] = maps.Clone(values)
	return c.decide(check, values)
}

// decided returns the entry of a transaction that was decided a second after it came.
func decided(id string, at time.Time, o fraud.Outcome, score int, rules ...fraud.RuleResult) ledger.Entry {
	t := transaction.Transaction{
		ID: id, Order: transaction.Order{ID: "o-" + id, Cost: money.Money{Minor: 10000, Currency: "INR"}},
		Payment: transaction.Payment{Type: "card", Amount: money.Money{Minor: 10000, Currency: "INR"}, Card: card.Details{Fingerprint: "one"}},
	}
	r := ledger.Open(t, at)
	d := verdict(o, score, rules...)
	d.Ruleset = fraud.Ruleset{ID: "default", Version: 1}
	d.Explanation.AsOf, d.Explanation.DecidedAt = at, at.Add(time.Second)
	r.Decide(d)
	return ledger.Entry{Record: *r, Transaction: t}
}

func labelled(e ledger.Entry, labels ...string) ledger.Entry {
	for i, label := range labels {
		e.Record.Labels = append(e.Record.Labels, ledger.Label{
			Label: label, Source: ledger.ByDispute, Time: e.Record.StartTime.Add(time.Duration(i+1) * time.Hour),
		})
	}
	return e
}

func verdict(o fraud.Outcome, score int, rules ...fraud.RuleResult) fraud.Decision {
	d := fraud.Decision{
		Outcome: o, Score: score, RiskLevel: fraud.RiskOf(score, 40, 80), Source: fraud.AutomatedRule, Reasons: []fraud.Reason{},
		Explanation: &fraud.Explanation{Rules: rules, Features: map[string]float64{}},
	}
	for _, rule := range rules {
		d.Reasons = append(d.Reasons, fraud.Reason{Code: "R_" + rule.ID, Message: "because of " + rule.ID})
	}
	return d
}

func hit(id string, score int) fraud.RuleResult {
	return fraud.RuleResult{ID: id, Outcome: fraud.RuleHit, Score: score}
}

// run runs a backtest of the ten days from start.
func run(t testing.TB, store ledger.Reader, c *candidate, change ...func(*backtest.Backtest)) *backtest.Report {
	t.Helper()
	b := &backtest.Backtest{Ledger: store, Candidate: c, Since: start, Until: after(10 * day), Changes: 10}
	for _, f := range change {
		f(b)
	}
	report, err := b.Run(t.Context())
	require.NoError(t, err)
	return report
}

func number(n int) string { return fmt.Sprintf("0199-%04d", n) }
