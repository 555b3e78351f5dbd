package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dummyorders/domain/ledger"
)

// look is what a look at a transaction came to: how it counts, and what is wrong where something is.
type look struct {
	add     func(*Counts) // nil: it does not count
	finding *Finding
}

func equal(n *Counts)         { n.Equal++ }
func running(n *Counts)       { n.Running++ }
func pastRetention(n *Counts) { n.PastRetention++ }

func found(f *Finding) look {
	if f.Kind == Unanswered {
		return look{func(n *Counts) { n.Unanswered++ }, f}
	}
	return look{func(n *Counts) { n.Disagreeing++ }, f}
}

// compare looks at an entry and its workflow. The order of reading matters while the workflow runs: it may say more
// than the entry that was read before it, never less.
func (c *comparison) compare(ctx context.Context, e ledger.Entry) (look, error) {
	id := e.Record.TransactionID
	history, err := c.ask(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	if history.EndTime != nil {
		if diff, err := differences(e.Record, history); err != nil || len(diff) == 0 {
			return look{add: equal}, about(id, err)
		}
	}
	execution, err := c.History.Execution(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	if !execution.Closed.IsZero() {
		return c.compareEnded(ctx, e, execution)
	}
	more, err := ahead(e.Record, history)
	if len(more) > 0 {
		return found(differing(id, Ahead, more)), nil
	}
	return look{add: running}, about(id, err)
}

// compareEnded reads both sides anew: what was read before may be of a time when the workflow still ran.
func (c *comparison) compareEnded(ctx context.Context, e ledger.Entry, x Execution) (look, error) {
	id := e.Record.TransactionID
	history, err := c.ask(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	switch e, err = c.Ledger.Find(ctx, id); {
	case errors.Is(err, ledger.ErrNotFound): // aged out this very moment
		return look{}, nil
	case err != nil:
		return look{}, about(id, err)
	}
	if history.EndTime == nil {
		return found(unfinished(e, x)), nil
	}
	diff, err := differences(e.Record, history)
	if len(diff) > 0 {
		return found(differing(id, Differs, diff)), nil
	}
	return look{add: equal}, about(id, err)
}

// withoutHistory is what it means that a workflow did not speak.
func (c *comparison) withoutHistory(e ledger.Entry, err error) (look, error) {
	id := e.Record.TransactionID
	switch {
	case errors.Is(err, ErrUnanswered):
		return found(&Finding{id, Unanswered, err.Error()}), nil
	case errors.Is(err, ErrForgotten):
		if f := unknown(e, c.retention, time.Now()); f != nil {
			return found(f), nil
		}
		return look{add: pastRetention}, nil
	}
	return look{}, about(id, err)
}

// unrecorded is for a workflow that was listed, and that the ledger does not hold.
func (c *comparison) unrecorded(ctx context.Context, id string) (look, error) {
	execution, err := c.History.Execution(ctx, id)
	if errors.Is(err, ErrForgotten) { // the list was older than Temporal's last clean-up
		return look{}, nil
	}
	if err != nil {
		return look{}, about(id, err)
	}
	return found(unrecorded(execution)), nil
}

// ask asks a workflow. The first time round it gives up on all of them once as many as there are workers have kept silent
// in a row: each takes the whole patience of a query, and they would all.
func (c *comparison) ask(ctx context.Context, id string) (ledger.Record, error) {
	record, err := c.History.Record(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(err, ErrUnanswered) {
		c.silent = 0
		return record, err
	}
	if c.silent++; c.silent >= max(c.Workers, 2) && !c.secondLook {
		return record, fmt.Errorf("%w (%s)", ErrNoWorker, err.Error())
	}
	return record, err
}

func about(id string, err error) error {
	if err != nil {
		return fmt.Errorf("transaction %s: %w", id, err)
	}
	return nil
}
