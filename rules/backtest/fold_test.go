package backtest_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	"dummyorders/rules/backtest"
)

// A fold gives the values that were seen at the time.
func TestFoldRepeatsValues(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := lived(rt, byValues)
		c := &candidate{features: features, decide: byValues}
		run(t, forgetful(rt, store), c)
		want := map[string]map[string]float64{}
		for _, e := range inPeriod(store) {
			want[e.Record.TransactionID] = e.Record.Explanation.Features
		}
		if c.saw == nil {
			c.saw = map[string]map[string]float64{}
		}
		require.Empty(rt, cmp.Diff(want, c.saw), "values (-seen at the time +folded)")
	})
}

// The ruleset that decided changes nothing.
func TestSameRulesetChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := forgetful(rt, lived(rt, byValues))
		r := run(t, store, &candidate{features: features, decide: byValues})
		require.Zero(rt, r.Changed.Decisions, "%+v", r.Changed)
		require.Zero(rt, r.Changed.OnlyScore, "%+v", r.Changed)
		require.Empty(rt, r.Changed.Latest, "%+v", r.Changed)
		require.Equal(rt, len(inPeriod(store)), r.Decisions, "%+v", r.Changed)
		for _, rule := range r.Rules {
			require.Zero(rt, rule.New, "a hit is new: %+v", rule)
		}
	})
}

// When a decision is repeated, the ledger also holds what came after it. That must not count.
func TestFoldIgnoresLaterUses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := forgetful(rt, lived(rt, byValues))
		last := store[rapid.IntRange(0, len(store)-1).Draw(rt, "decision")]
		id, moment := last.Record.TransactionID, last.Record.StartTime
		then := slices.DeleteFunc(slices.Clone(store), func(e ledger.Entry) bool { return decidedAt(e).After(decidedAt(last)) })
		for i, e := range then {
			then[i].Record.Labels = slices.DeleteFunc(slices.Clone(e.Record.Labels), func(l ledger.Label) bool { return l.Time.After(moment) })
		}
		now, before := &candidate{features: features, decide: byValues}, &candidate{features: features, decide: byValues}
		run(t, store, now)
		run(t, then, before)
		require.Empty(rt, cmp.Diff(before.saw[id], now.saw[id]), "values of %s (-then +now)", id)
	})
}

// long returns so many transactions within four hours that a fold forgets the first before it has reached the
// last. Every tenth is decided an hour late, as of when it came.
func long() memory {
	store := memory{}
	for i := range 1500 {
		e := decided(number(i), after(time.Duration(i)*10*time.Second), fraud.Approve, 0)
		e.Transaction.Payment.Card.Fingerprint = fmt.Sprint(i % 3)
		if i%10 == 0 {
			e.Record.Explanation.DecidedAt = e.Record.Explanation.DecidedAt.Add(time.Hour)
		}
		store = append(store, e)
	}
	slices.SortFunc(store, func(a, b ledger.Entry) int { return decidedAt(a).Compare(decidedAt(b)) })
	return store
}

// What a long fold drops is not missed.
func TestLongFold(t *testing.T) {
	store, c := long(), &candidate{features: features[:1], decide: byValues}
	run(t, store, c)
	for i, e := range store {
		want, got := naive(features[0], store[:i], e), c.saw[e.Record.TransactionID][features[0].String()]
		if got != want {
			t.Fatalf("%s, decided at %s, counts %v, want %v", e.Record.TransactionID, decidedAt(e), got, want)
		}
	}
}

// A late decision saw what was decided before it. If several deciders run at once, one of them may see transactions
// that came after its own, and after the period.
func TestFoldLateDecision(t *testing.T) {
	late, other := decided(number(1), after(10*day-time.Minute), fraud.Approve, 0), decided(number(2), after(10*day+10*time.Minute), fraud.Approve, 0)
	late.Record.Explanation.DecidedAt = after(10*day + time.Hour)
	c := &candidate{features: features[:1], decide: byValues}
	run(t, memory{decided(number(3), after(10*day-time.Second), fraud.Approve, 0), late, other}, c)
	if got := c.saw[number(1)][features[0].String()]; got != 2 || len(c.saw) != 2 {
		t.Errorf("it counts %v, and %d are compared", got, len(c.saw))
	}
}

// What was never checked is not counted.
func TestFoldSkipsUnchecked(t *testing.T) {
	pending, unanswered := decided(number(1), start, fraud.Approve, 0), decided(number(2), start, fraud.Approve, 0)
	pending.Record.Decision, pending.Record.Explanation = nil, nil
	unanswered.Record.Decide(fraud.Undecided("nobody was there"))
	store := memory{pending, unanswered, decided(number(3), after(time.Minute), fraud.Approve, 0)}
	c := &candidate{features: features[:1], decide: byValues}
	r := run(t, store, c)
	want := map[string]map[string]float64{number(3): {`card.count("10m")`: 0}}
	assert.True(t, cmp.Equal(want, c.saw), "it saw %v", c.saw)
	assert.Equal(t, 1, r.Decisions)
	assert.Equal(t, backtest.Skipped{NoDecision: 1, NotEvaluated: 1}, r.Skipped)
}

// The report says what was folded.
func TestReportCounts(t *testing.T) {
	before, recorded, bare := decided(number(1), after(-5*day), fraud.Approve, 0), decided(number(2), after(time.Minute), fraud.Approve, 0),
		decided(number(3), after(2*time.Minute), fraud.Approve, 0)
	recorded.Record.Explanation.Features[`card.count("10m")`] = 7
	bare.Record.Explanation = nil
	c := &candidate{features: []velocity.Feature{features[0], {Measure: velocity.Frauds, By: velocity.Card, Window: 5 * day, Delay: day}}, decide: byValues}
	r := run(t, memory{before, recorded, bare}, c)
	want := &backtest.Folded{
		From: after(time.Minute).Add(-6 * day), Oldest: after(-5 * day), Reached: false, Decisions: 2, Unrecorded: 1,
		Features: []backtest.FoldedFeature{{`card.count("10m")`, 1}, {`card.frauds("5d", "1d")`, 2}},
	}
	assert.Empty(t, cmp.Diff(want, r.Folded), "(-want +got)")
	if got := c.saw[number(2)][`card.count("10m")`]; got != 7 {
		t.Errorf("a recorded value is now %v", got)
	}
	if got := c.saw[number(3)][`card.count("10m")`]; got != 1 {
		t.Errorf("the transaction a minute before counts %v times", got)
	}

	recorded.Record.Explanation.Features[`card.frauds("5d", "1d")`] = 0
	assert.Nil(t, run(t, memory{before, recorded}, c).Folded, "nothing was to be folded")
}

// A ledger that reaches back far enough is not said to be short. A time without transactions does not mean that the
// ledger lacks any.
func TestReportShortLedger(t *testing.T) {
	const short = "The ledger has no transactions from before 2026-01-02 03:04:05 UTC: those that it had are not counted."
	store := memory{decided(number(1), start, fraud.Approve, 0), decided(number(2), after(5*time.Minute), fraud.Approve, 0)}
	for _, c := range []struct {
		name    string
		book    memory
		reached bool
	}{
		{"nothing before", store, false},
		{"something as old as the features look", append(memory{decided(number(3), after(-10*time.Minute), fraud.Approve, 0)}, store...), false},
		{"something older than the features look", append(memory{decided(number(3), after(-40*day), fraud.Approve, 0)}, store...), true},
	} {
		r := run(t, c.book, &candidate{features: features[:1], decide: byValues})
		var text bytes.Buffer
		require.NoError(t, r.WriteText(&text))
		assert.Equal(t, c.reached, r.Folded.Reached, "%s %s", c.name, text.String())
		assert.NotEqual(t, c.reached, strings.Contains(text.String(), "The ledger has no transactions from before "))
		if c.name == "nothing before" && !strings.Contains(text.String(), short) {
			t.Errorf("the report does not say %q:\n%s", short, text.String())
		}
	}
}

// The ledger is read as far back as a feature looks. A backtest reads only the part of the ledger that features may
// look back at.
func TestLedgerIsReadAsFarAsNeeded(t *testing.T) {
	store := &watched{memory: memory{decided(number(1), after(-40*day), fraud.Approve, 0), decided(number(2), after(day), fraud.Approve, 0)}}
	run(t, store, &candidate{decide: byValues})
	assert.WithinDuration(t, start, store.since, 0, "without a feature")
	run(t, store, &candidate{features: features[6:7], decide: byValues})
	assert.WithinDuration(t, after(day).Add(-8*day), store.since, 0)
}

// watched records the earliest start that was asked for.
type watched struct {
	memory
	since time.Time
}

func (w *watched) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	if q.Limit > 1 && (w.since.IsZero() || q.Since.Before(w.since)) { // a limit of 1 only asks whether there is any
		w.since = q.Since
	}
	return w.memory.List(ctx, q)
}
