package backtest

import (
	"context"
	"time"

	"dummyorders/domain/ledger"
)

// pageSize is how many entries are asked of the ledger at once.
const pageSize = 500

// read decides again what can be decided at once, and gathers what the rest has to be folded from.
func (b *Backtest) read(ctx context.Context) error {
	if err := b.entries(ctx, b.Since, b.Until, b.compare); err != nil {
		return err
	}
	if len(b.history.incomplete) == 0 {
		b.tell()
		return nil
	}
	return b.readAround(ctx)
}

func (b *Backtest) compare(e ledger.Entry) {
	if !checked(e.Record) {
		b.tally.skip(e.Record)
		return
	}
	b.history.remember(e)
	d := decisionOf(e, b.history.names)
	if d.whole() {
		b.decide(d)
		return
	}
	b.history.incomplete = append(b.history.incomplete, &d)
	b.count.ToFold++
}

// readAround reads what the period's decisions may have looked back at. A decision that was late may have seen
// transactions that came after the period, too.
func (b *Backtest) readAround(ctx context.Context) error {
	remember := func(e ledger.Entry) {
		if checked(e.Record) {
			b.history.remember(e)
		}
	}
	from, to := b.history.span()
	from = from.Add(-b.history.reach())
	b.tally.foldedFrom = from
	older, err := b.Ledger.List(ctx, ledger.Query{Until: from, Limit: 1})
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

// entries calls each for the transactions that started within a span, the newest first.
func (b *Backtest) entries(ctx context.Context, since, until time.Time, each func(ledger.Entry)) error {
	query := ledger.Query{Since: since, Until: until, Limit: pageSize}
	for {
		page, err := b.Ledger.List(ctx, query)
		if err != nil {
			return err
		}
		for _, entry := range page.Entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			each(entry)
			b.count.Read++
		}
		b.tell()
		if page.Next == (ledger.Cursor{}) {
			return nil
		}
		query.After = page.Next
	}
}
