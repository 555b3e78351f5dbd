// Package backtest repeats past decisions with another ruleset, from what was known at the time. Its report says what the
// decisions would have been.
package backtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// Backtest holds the decisions to repeat and the candidate to repeat them with. It can be run only once.
type Backtest struct {
	Ledger    ledger.Reader
	Candidate fraud.Evaluator
	// Then returns the candidate as it would have been at a decision that has used these lists, or else was made at that time: with what
	// its lists in the database had then. It is nil if the candidate is always the same.
	Then func(used *fraud.ListsUsed, at time.Time) fraud.Evaluator
	// Since and Until select decisions by the start of their transactions: at or after Since, and before Until. Both must
	// be set.
	Since, Until time.Time
	// GoodBefore makes transactions that started before it and have no label count as legitimate: a fraud would be known by
	// now. If it is zero, transactions without a label do not count.
	GoodBefore time.Time
	// Changes is how many changed decisions the report lists. It lists the latest.
	Changes int
	// Rules holds the candidate's rules and lists, so that the report also names those that never hit. It may be nil.
	Rules []KnownRule
	// Settle returns the candidate's outcome if exactly these live rules hit or failed. It is used to find the decisions
	// that a rule was decisive for. If it is nil, or ever disagrees with the candidate, the report leaves those out.
	Settle func([]fraud.RuleResult) fraud.Outcome
	// Progress is called from time to time with the progress so far. It may be nil.
	Progress func(Progress)

	tally   *tally
	counter *counter
	count   Progress
}

// KnownRule describes a rule or a list of the candidate.
type KnownRule struct {
	ID, Name string
	Score    int
	Action   fraud.Action
	Shadow   bool
}

// Progress counts what a backtest has done so far. Reading comes first and repeats the decisions whose values were all
// recorded. After that, the values of the others are folded and those decisions are repeated too.
type Progress struct {
	Read, Decided, ToFold int
	// ReadTo is how far back the period has been read: from Until to Since, at the start of the transaction that was read last.
	ReadTo time.Time
}

// Run reads the ledger and repeats its decisions. It needs about 1 KB of memory for each transaction that it reads, and
// 6 KB for each whose features were not all recorded: a laptop can hold a million of the first kind, a server a million of
// the second.
func (b *Backtest) Run(ctx context.Context) (*Report, error) {
	b.tally, b.counter = newTally(b), newCounter(b.Candidate.Features())
	if err := b.read(ctx); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if err := b.fold(ctx); err != nil {
		return nil, fmt.Errorf("fold what was not recorded: %w", err)
	}
	return b.tally.report(), nil
}

// decide repeats a decision with the candidate. The decision must have all its values.
func (b *Backtest) decide(d decision) {
	values := make(map[string]float64, len(d.values))
	for i, name := range b.counter.names {
		values[name] = d.values[i]
	}
	check := fraud.Check{Transaction: d.posted, StartTime: d.startTime, AsOf: d.asOf, Number: 1}
	candidate := b.Candidate
	if b.Then != nil {
		candidate = b.Then(d.lists, d.turn.decidedAt)
	}
	b.tally.add(d, candidate.Evaluate(check, values))
	b.count.Decided++
}

// stride is how many transactions are read, or decisions folded, between two reports of progress.
const stride = 500

func (b *Backtest) reportProgress() {
	if b.Progress != nil {
		b.Progress(b.count)
	}
}

// read repeats the decisions whose values were all recorded, and gathers what the values of the others are folded from.
func (b *Backtest) read(ctx context.Context) error {
	if err := b.entries(ctx, b.Since, b.Until, b.compare); err != nil {
		return err
	}
	b.count.ReadTo = b.Since
	if len(b.counter.incomplete) == 0 {
		b.reportProgress()
		return nil
	}
	return b.readAround(ctx)
}

func (b *Backtest) compare(e ledger.Entry) {
	b.count.ReadTo = e.Record.StartTime
	if !checked(e.Record) {
		b.tally.skip(e.Record)
		return
	}
	b.counter.remember(e)
	d := decisionOf(e, b.counter.names)
	if d.whole() {
		b.decide(d)
		return
	}
	b.counter.incomplete = append(b.counter.incomplete, &d)
	b.count.ToFold++
}

// readAround reads the transactions outside the period that its decisions may have counted: those before it, and those
// after it, which a late decision may have seen.
func (b *Backtest) readAround(ctx context.Context) error {
	remember := func(e ledger.Entry) {
		if checked(e.Record) {
			b.counter.remember(e)
		}
	}
	from, to := b.counter.span()
	from = from.Add(-b.counter.reach())
	b.tally.foldedFrom = from
	older, err := b.Ledger.List(ctx, ledger.Query{Merchants: identity.AllMerchants(), Until: from, Limit: 1})
	if err != nil {
		return err
	}
	b.tally.reached = len(older.Entries) > 0
	if from.Before(b.Since) {
		if err := b.entries(ctx, from, b.Since, remember); err != nil {
			return err
		}
	}
	if to.Before(b.Until) {
		return nil
	}
	return b.entries(ctx, b.Until, to.Add(time.Microsecond), remember)
}

// entries calls each for the transactions that started from since until before until, the newest first.
func (b *Backtest) entries(ctx context.Context, since, until time.Time, each func(ledger.Entry)) error {
	for entry, err := range ledger.Entries(ctx, b.Ledger, ledger.Query{Merchants: identity.AllMerchants(), Since: since, Until: until}) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		each(entry)
		if b.count.Read++; b.count.Read%stride == 0 {
			b.reportProgress()
		}
	}
	b.reportProgress()
	return nil
}

// fold goes through the past in the order of its decisions. It gives each incomplete decision the values that it lacks,
// computed only from what was decided before it, and repeats it.
func (b *Backtest) fold(ctx context.Context) error {
	c := b.counter
	slices.SortFunc(c.past, func(x, y past) int { return x.turn.compare(y.turn) })
	slices.SortFunc(c.incomplete, func(x, y *decision) int { return x.turn.compare(y.turn) })
	needed := c.neededFrom()
	line, next := &timeline{}, 0
	for i, d := range c.incomplete {
		if err := ctx.Err(); err != nil {
			return err
		}
		line.neededFrom = needed[i]
		for ; next < len(c.past) && c.past[next].turn.compare(d.turn) < 0; next++ {
			line.add(c.use(c.past[next]))
			c.past[next] = past{}
		}
		b.fill(d, &line.Timeline)
		b.decide(*d)
		c.incomplete[i] = nil // frees its memory
		if (i+1)%stride == 0 {
			b.reportProgress()
		}
	}
	b.reportProgress()
	return nil
}

// fill computes the values that a decision lacks, and counts them for the report.
func (b *Backtest) fill(d *decision, line *velocity.Timeline) {
	lacking := b.counter.lacking(d)
	use := velocity.Of(d.posted, d.startTime, b.counter.dimensions)
	values := velocity.Values(lacking, use, d.asOf, line.Look(d.posted.ID, velocity.Lookups(lacking, use, d.asOf)))
	b.tally.folded(lacking, d.before.Explanation != nil)
	for i, name := range b.counter.names {
		if value, folded := values[name]; folded {
			d.values[i] = value
		}
	}
}

// neededFrom returns for each incomplete decision the earliest time that it or any later one looks back to.
func (c *counter) neededFrom() []time.Time {
	reach, times := c.reach(), make([]time.Time, len(c.incomplete))
	for i := len(times) - 1; i >= 0; i-- {
		times[i] = c.incomplete[i].asOf.Add(-reach)
		if i+1 < len(times) && times[i+1].Before(times[i]) {
			times[i] = times[i+1]
		}
	}
	return times
}

// timeline forgets old uses, so that it holds no more than about twice what is needed.
type timeline struct {
	velocity.Timeline
	neededFrom   time.Time
	added, limit int
}

func (t *timeline) add(u velocity.Use) {
	t.Add(u)
	if t.added += len(u.Values); t.added > max(t.limit, stride) {
		t.added = t.Forget(t.neededFrom)
		t.limit = 2 * t.added
	}
}
