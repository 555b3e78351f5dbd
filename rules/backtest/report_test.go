package backtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/rules/backtest"
)

// answers returns a candidate with a fixed decision for each transaction.
func answers(by map[string]fraud.Decision) *candidate {
	return &candidate{decide: func(c fraud.Check, _ map[string]float64) fraud.Decision { return by[c.ID] }}
}

func blocked() fraud.RuleResult {
	return fraud.RuleResult{ID: "list:blocked_cards", Outcome: fraud.RuleHit, Action: fraud.ActBlock}
}

func shadow(id string) fraud.RuleResult {
	r := hit(id, 20)
	r.Shadow = true
	return r
}

// small returns a ledger of five decisions, and a candidate that changes three of them.
func small() (memory, *candidate, func(*backtest.Backtest)) {
	dollars := decided(number(4), after(26*time.Hour), fraud.Decline, 90, hit("velocity", 90))
	dollars.Transaction.Payment.Amount = money.Money{Minor: 2550, Currency: "USD"}
	store := memory{
		labelled(decided(number(1), start, fraud.Approve, 5), ledger.Fraudulent),
		labelled(decided(number(2), after(time.Hour), fraud.Approve, 0), ledger.Fraudulent, ledger.Legitimate),
		decided(number(3), after(25*time.Hour), fraud.Review, 45, hit("velocity", 45)),
		labelled(dollars, ledger.Legitimate),
		decided(number(5), after(3*day), fraud.Approve, 0, shadow("basket")),
	}
	failed := fraud.RuleResult{ID: "divides", Outcome: fraud.RuleFailed, Action: fraud.ActReview, Error: "division by zero"}
	tried := verdict(fraud.Approve, 20, hit("basket", 20), shadow("device"))
	tried.Explanation.Trials = []fraud.Trial{{Outcome: fraud.Review}}
	c := answers(map[string]fraud.Decision{
		number(1): verdict(fraud.Decline, 80, hit("basket", 20), blocked()),
		number(2): verdict(fraud.Approve, 0),
		number(3): verdict(fraud.Review, 60, hit("velocity", 45), hit("basket", 20)),
		number(4): verdict(fraud.Review, 40, failed),
		number(5): tried,
	})
	return store, c, func(b *backtest.Backtest) {
		b.Settle = byThresholds(40, 80)
		b.Rules = []backtest.KnownRule{
			{ID: "list:blocked_cards", Action: fraud.ActBlock},
			{ID: "velocity", Name: "Many payments", Score: 45},
			{ID: "never", Score: 7},
			{ID: "divides", Score: 3},
			{ID: "device", Name: "A new device", Score: 20, Shadow: true},
		}
	}
}

// The report has both outcomes of each decision.
func TestReportOutcomes(t *testing.T) {
	store, c, options := small()
	r := run(t, store, c, options)
	inr := func(minor int64) backtest.Amounts { return backtest.Amounts{"INR": minor} }
	want := map[string]backtest.Cell{
		"approve, approve": {Decisions: 2, Amounts: inr(20000)},
		"approve, decline": {Decisions: 1, Amounts: inr(10000)},
		"review, review":   {Decisions: 1, Amounts: inr(10000)},
		"decline, review":  {Decisions: 1, Amounts: backtest.Amounts{"USD": 2550}},
	}
	require.Len(t, r.Outcomes, 9)
	for _, cell := range r.Outcomes {
		w := want[string(cell.Before+", "+cell.After)]
		require.Equal(t, w.Decisions, cell.Decisions, "%s → %s", cell.Before, cell.After)
		require.Equal(t, w.Amounts.String(), cell.Amounts.String(), "%s → %s", cell.Before, cell.After)
	}
	sum := r.Outcomes.Sum("", fraud.Review)
	require.Equal(t, 2, sum.Decisions)
	require.Equal(t, "INR 100.00, USD 25.50", sum.Amounts.String())
	require.Equal(t, []string{"2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"},
		[]string{r.Days[0].Date, r.Days[1].Date, r.Days[2].Date, r.Days[3].Date})
	require.Equal(t, map[fraud.Outcome]int{fraud.Approve: 2}, r.Days[0].Before)
	require.Equal(t, map[fraud.Outcome]int{fraud.Approve: 1, fraud.Decline: 1}, r.Days[0].After)
	require.Equal(t, [10]int{3, 0, 0, 0, 1, 0, 0, 0, 0, 1}, r.Scores.Before)
	require.Equal(t, [10]int{1, 0, 1, 0, 1, 0, 1, 0, 1, 0}, r.Scores.After)
}

// The report lists the latest decisions that change.
func TestReportChanges(t *testing.T) {
	store, c, options := small()
	r := run(t, store, c, options)
	require.Equal(t, 2, r.Changed.Decisions)
	require.Equal(t, 2, r.Changed.OnlyScore)
	require.Equal(t, backtest.Change{
		TransactionID: number(1), StartTime: start, Wire: money.Wire{Amount: "100.00", Currency: "INR"}, Label: ledger.Fraudulent,
		Before: backtest.Verdict{Outcome: fraud.Approve, Score: 5, Reasons: []string{}},
		After:  backtest.Verdict{Outcome: fraud.Decline, Score: 80, Reasons: []string{"R_basket", "R_list:blocked_cards"}},
	}, r.Changed.Latest[1])
	r = run(t, store, c, options, func(b *backtest.Backtest) { b.Changes = 1 })
	require.Equal(t, 2, r.Changed.Decisions)
	require.Len(t, r.Changed.Latest, 1)
	require.Equal(t, number(4), r.Changed.Latest[0].TransactionID, "it started last")
}

// Of many decisions that change, the latest are listed.
func TestReportManyChanges(t *testing.T) {
	c := &candidate{decide: func(fraud.Check, map[string]float64) fraud.Decision { return verdict(fraud.Decline, 90) }}
	r := run(t, long(), c)
	require.Equal(t, 1500, r.Changed.Decisions)
	require.Len(t, r.Changed.Latest, 10)
	for i, change := range r.Changed.Latest {
		require.Equal(t, number(1499-i), change.TransactionID)
	}
}

// The report says what each rule did.
func TestReportRules(t *testing.T) {
	store, c, options := small()
	r := run(t, store, c, options)
	n := func(n int) *int { return &n }
	want := []backtest.Rule{
		{ID: "basket", Score: 20, Hits: 3, New: 3, Decisive: n(0), Amounts: backtest.Amounts{"INR": 30000}, Labelled: 1, Fraudulent: 1, Precision: new(1.0)},
		{ID: "list:blocked_cards", Action: fraud.ActBlock, Hits: 1, New: 1, Decisive: n(1), Amounts: backtest.Amounts{"INR": 10000}, Labelled: 1, Fraudulent: 1, Precision: new(1.0)},
		{ID: "velocity", Name: "Many payments", Score: 45, Hits: 1, Decisive: n(1), Amounts: backtest.Amounts{"INR": 10000}},
		{ID: "divides", Score: 3, Failed: 1, Decisive: n(0), Amounts: backtest.Amounts{}},
		{ID: "never", Score: 7, Decisive: n(0), Amounts: backtest.Amounts{}},
	}
	assert.Empty(t, cmp.Diff(want, r.Rules), "rules (-want +got)")
	require.Equal(t, []backtest.Rule{{ID: "device", Name: "A new device", Score: 20, Hits: 1, New: 1, Amounts: backtest.Amounts{"INR": 10000}}}, r.Shadow.Rules)
	require.Equal(t, 1, r.Shadow.Outcomes.Sum(fraud.Approve, fraud.Review).Decisions)
	require.Equal(t, 1, r.Shadow.Outcomes.Sum("", "").Decisions)
}

// Where the candidate settles in another way, no rule is called decisive. The report leaves out a number that may be
// wrong.
func TestReportDecisiveUnknown(t *testing.T) {
	store, c, options := small()
	r := run(t, store, c, options, func(b *backtest.Backtest) { b.Settle = byThresholds(40, 60) })
	for _, rule := range r.Rules {
		require.Nil(t, rule.Decisive, rule.ID)
	}
}

// Precision and recall go by the latest labels.
func TestPrecisionAndRecall(t *testing.T) {
	store, c, options := small()
	l := run(t, store, c, options).Labels
	require.Equal(t, []int{3, 1, 2}, []int{l.Labelled, l.Fraudulent, l.Legitimate})
	require.Equal(t, backtest.Quality{
		Decline:         backtest.Detection{Flagged: 1, Precision: new(0.0), Recall: new(0.0)},
		ReviewOrDecline: backtest.Detection{Flagged: 1, Precision: new(0.0), Recall: new(0.0)},
	}, *l.Before)
	require.Equal(t, backtest.Quality{
		Decline:         backtest.Detection{Flagged: 1, Caught: 1, Precision: new(1.0), Recall: new(1.0)},
		ReviewOrDecline: backtest.Detection{Flagged: 2, Caught: 1, Precision: new(0.5), Recall: new(1.0)},
	}, *l.After)
}

// Precision is not known where one kind of label is missing. With labels from disputes only, every decline would look
// right.
func TestPrecisionUnknown(t *testing.T) {
	decisions := map[string]fraud.Decision{}
	var disputed, cleared memory
	for i := range 10 {
		e := decided(number(i), after(time.Duration(i)*day), fraud.Decline, 80)
		decisions[number(i)] = verdict(fraud.Decline, 80, hit("velocity", 80))
		if i < 2 {
			disputed, cleared = append(disputed, labelled(e, ledger.Fraudulent)), append(cleared, labelled(e, ledger.Legitimate))
		} else {
			disputed, cleared = append(disputed, e), append(cleared, e)
		}
	}
	for name, c := range map[string]struct {
		book              memory
		goodBefore        time.Time
		precision, recall *float64
		labelled          int // how many of the rule's hits count as labelled
		says              []string
	}{
		"disputes alone": {disputed, time.Time{}, nil, new(1.0), 2, []string{
			"2 transactions labelled: 2 fraudulent, 0 legitimate", "None is labelled legitimate", "--good-before 60d", "not known",
		}},
		"legitimate ones alone": {cleared, time.Time{}, nil, nil, 2, []string{"None is labelled fraudulent, so precision and recall are not known."}},
		"disputes, and old ones are good": {disputed, after(6 * day), new(2.0 / 6), new(1.0), 6, []string{
			"4 transactions without a label began before", "33.3% of 6",
		}},
		"none is that old": {disputed, start, nil, new(1.0), 2, []string{"None is labelled legitimate"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c.book, answers(decisions), func(b *backtest.Backtest) { b.GoodBefore = c.goodBefore })
			require.Equal(t, c.precision, r.Labels.After.Decline.Precision)
			require.Equal(t, c.recall, r.Labels.After.Decline.Recall)
			require.Equal(t, c.precision, r.Rules[0].Precision)
			require.Equal(t, c.labelled, r.Rules[0].Labelled)
			var text, page strings.Builder
			require.NoError(t, r.WriteText(&text))
			require.NoError(t, r.WriteHTML(&page))
			for _, words := range c.says {
				require.Contains(t, text.String(), words)
				require.Contains(t, page.String(), words)
			}
		})
	}
}

// Of two labels of one moment, that of fraud holds. If two sources contradict each other at the same time, neither
// label is later.
func TestLabelsOfOneMoment(t *testing.T) {
	for _, words := range [][]string{{ledger.Fraudulent, ledger.Legitimate}, {ledger.Legitimate, ledger.Fraudulent}} {
		e := labelled(decided(number(1), start, fraud.Approve, 5), words...)
		e.Record.Labels[0].Time = e.Record.Labels[1].Time
		r := run(t, memory{e}, answers(map[string]fraud.Decision{number(1): verdict(fraud.Approve, 5)}))
		require.Equal(t, 1, r.Labels.Fraudulent, words)
	}
}
