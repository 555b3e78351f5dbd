package backtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// tally counts decisions one by one, in any order, so that they need not be kept.
type tally struct {
	test       *Backtest
	result     Report
	days       map[string]Day
	decidedBy  map[fraud.Ruleset]int
	rules      *ruleTally
	shadow     *ruleTally
	trials     Matrix
	lacked     map[string]int // how many decisions lacked a feature, by its name
	lacking    int            // decisions that lacked a value
	unrecorded int            // decisions without an explanation, and so without any value
	foldedFrom time.Time
	reached    bool // whether the ledger holds anything from before foldedFrom
}

func newTally(b *Backtest) *tally {
	return &tally{
		test: b, days: map[string]Day{}, decidedBy: map[fraud.Ruleset]int{}, lacked: map[string]int{},
		rules: newRuleTally(b, false), shadow: newRuleTally(b, true),
		result: Report{
			Candidate: b.Candidate.Ruleset(), Since: b.Since.UTC(), Until: b.Until.UTC(), GoodBefore: b.GoodBefore.UTC(),
			Outcomes: newMatrix(), Changed: Changed{Latest: []Change{}},
		},
	}
}

// skip counts a transaction that no detector has decided about.
func (t *tally) skip(r ledger.Record) {
	if r.Decision == nil {
		t.result.Skipped.NoDecision++
	} else {
		t.result.Skipped.NotEvaluated++
	}
}

// folded counts a decision that lacked values.
func (t *tally) folded(features []velocity.Feature, explained bool) {
	t.lacking++
	if !explained {
		t.unrecorded++
	}
	for _, f := range features {
		t.lacked[f.String()]++
	}
}

// add counts a repeated decision.
func (t *tally) add(d decision, after fraud.Decision) {
	r, before := &t.result, d.before
	r.Decisions++
	t.decidedBy[before.Ruleset]++
	r.Outcomes.add(before.Outcome, after.Outcome, d.amount())
	r.Scores.Before[band(before.Score)]++
	r.Scores.After[band(after.Score)]++
	d.judged = d.label
	if d.label == "" && d.startTime.Before(t.test.GoodBefore) {
		d.judged = ledger.Legitimate
	}
	r.Labels.add(d.judged, d.judged != d.label, before.Outcome, after.Outcome)
	t.day(d.startTime, before.Outcome, after.Outcome)
	t.rules.add(d, after)
	t.shadow.add(d, after)
	if tried := trial(after); tried != nil {
		if t.trials == nil {
			t.trials = newMatrix()
		}
		t.trials.add(after.Outcome, tried.Outcome, d.amount())
	}
	t.change(d, after)
}

// trial returns the decision that the candidate would make if its shadow rules were live, or nil if it does not report one.
func trial(d fraud.Decision) *fraud.Trial {
	if d.Explanation == nil || len(d.Explanation.Trials) == 0 {
		return nil
	}
	return &d.Explanation.Trials[0]
}

func (t *tally) day(at time.Time, before, after fraud.Outcome) {
	date := at.UTC().Format(time.DateOnly)
	if _, known := t.days[date]; !known {
		t.days[date] = emptyDay(date)
	}
	t.days[date].Before[before]++
	t.days[date].After[after]++
}

func emptyDay(date string) Day {
	return Day{Date: date, Before: map[fraud.Outcome]int{}, After: map[fraud.Outcome]int{}}
}

// change counts a decision whose outcome or score changes. It adds changed outcomes to the list, which it shortens before
// the list gets long.
func (t *tally) change(d decision, after fraud.Decision) {
	c := &t.result.Changed
	if d.before.Outcome == after.Outcome {
		if d.before.Score != after.Score {
			c.OnlyScore++
		}
		return
	}
	c.Decisions++
	c.Latest = append(c.Latest, Change{
		TransactionID: d.turn.id, StartTime: d.startTime.UTC(), Wire: d.amount().Wire(),
		Label: d.label, Before: verdict(d.before), After: verdict(after),
	})
	if len(c.Latest) > 2*t.test.Changes+stride {
		c.cut(t.test.Changes)
	}
}

// cut sorts the list, the newest first, and keeps at most the latest to.
func (c *Changed) cut(to int) {
	slices.SortFunc(c.Latest, func(a, b Change) int {
		return cmp.Or(b.StartTime.Compare(a.StartTime), cmp.Compare(b.TransactionID, a.TransactionID))
	})
	c.Latest = c.Latest[:min(to, len(c.Latest))]
}

// report returns the report of what was counted so far.
func (t *tally) report() *Report {
	r := t.result
	r.Changed.cut(t.test.Changes)
	r.Labels.conclude()
	r.Rules, r.Days, r.DecidedBy = t.rules.list(r.Labels), t.allDays(), []DecidedBy{}
	if shadows := t.shadow.list(r.Labels); len(shadows) > 0 {
		r.Shadow = &Shadow{Rules: shadows, Outcomes: t.trials}
	}
	for ruleset, decisions := range t.decidedBy {
		r.DecidedBy = append(r.DecidedBy, DecidedBy{ruleset, decisions})
	}
	slices.SortFunc(r.DecidedBy, func(a, b DecidedBy) int {
		return cmp.Or(cmp.Compare(b.Decisions, a.Decisions), cmp.Compare(a.Ruleset.ID, b.Ruleset.ID),
			cmp.Compare(b.Ruleset.Version, a.Ruleset.Version), cmp.Compare(a.Ruleset.Digest, b.Ruleset.Digest))
	})
	r.Folded = t.foldedReport()
	return &r
}

func (t *tally) foldedReport() *Folded {
	if t.lacking == 0 {
		return nil
	}
	f := &Folded{From: t.foldedFrom.UTC(), Oldest: t.test.counter.oldest.UTC(), Reached: t.reached, Decisions: t.lacking, Unrecorded: t.unrecorded}
	for _, name := range slices.Sorted(maps.Keys(t.lacked)) {
		f.Features = append(f.Features, FoldedFeature{name, t.lacked[name]})
	}
	return f
}

// allDays returns the days from the first to the last, including those without a decision.
func (t *tally) allDays() []Day {
	all := []Day{}
	dates := slices.Sorted(maps.Keys(t.days))
	if len(dates) == 0 {
		return all
	}
	last := dates[len(dates)-1]
	for date := dates[0]; date <= last; date = dayAfter(date) {
		day, known := t.days[date]
		if !known {
			day = emptyDay(date)
		}
		all = append(all, day)
	}
	return all
}

func dayAfter(date string) string {
	at, _ := time.Parse(time.DateOnly, date) // date was formatted with the same layout
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}
