package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/domain/ledger"
)

// Verifier compares the ledger with Temporal's histories, in both directions. What looks wrong is looked at again after
// Grace, and counts only if it still does: both sides move while they are compared.
type Verifier struct {
	Ledger  ledger.Reader
	History History
	Span    Span          // when the transactions started
	Workers int           // how many transactions are asked for at once
	Grace   time.Duration // more than the ledger and Temporal's index lag behind

	Found    func(Finding)                 // called once for a transaction, one at a time
	Progress func(n Counts, suspected int) // called now and then; those suspected are looked at again
	Every    time.Duration                 // how often Progress is called
}

// comparison is one run of a Verifier.
type comparison struct {
	*Verifier

	retention time.Duration

	mu         sync.Mutex
	counts     Counts
	suspects   []string
	secondLook bool // at the suspects
	silent     int  // how many queries in a row were not answered
}

// Run compares. The error says why it did not come to the end; what it has counted until then stands.
func (v *Verifier) Run(ctx context.Context) (Counts, error) {
	c := &comparison{Verifier: v}
	defer c.reportProgress(ctx)()
	err := c.run(ctx)
	counts, _ := c.snapshot()
	return counts, err
}

func (c *comparison) run(ctx context.Context) (err error) {
	if c.retention, err = c.History.Retention(ctx); err != nil {
		return fmt.Errorf("ask Temporal how long it keeps histories: %w", err)
	}
	if err := c.fromLedger(ctx); err != nil {
		return fmt.Errorf("compare the ledger's transactions with Temporal: %w", err)
	}
	if err := c.fromHistory(ctx); err != nil {
		return fmt.Errorf("look up Temporal's transactions in the ledger: %w", err)
	}
	if err := c.again(ctx); err != nil {
		return fmt.Errorf("look again at what differed: %w", err)
	}
	return nil
}

// fromLedger looks at every entry in the span.
func (c *comparison) fromLedger(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		q := ledger.Query{Since: c.Span.Since, Until: c.Span.Until}
		return entries(ctx, c.Ledger, q, func(e ledger.Entry) error {
			todo(func() error { return c.first(ctx, e) })
			return ctx.Err()
		})
	})
}

// fromHistory looks for workflows that the ledger does not hold. Those that it does are compared already.
func (c *comparison) fromHistory(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		return c.History.Started(ctx, c.Span, func(x Execution) error {
			todo(func() error {
				_, err := c.Ledger.Find(ctx, x.TransactionID)
				if errors.Is(err, ledger.ErrNotFound) {
					c.suspect(x.TransactionID)
					return nil
				}
				return err
			})
			return ctx.Err()
		})
	})
}

// again gives whatever looked wrong the time to come right, and reports what did not.
func (c *comparison) again(ctx context.Context) error {
	suspects := c.beginSecondLook()
	if len(suspects) == 0 {
		return nil
	}
	select {
	case <-time.After(c.Grace):
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		for _, id := range suspects {
			todo(func() error { return c.second(ctx, id) })
		}
		return nil
	})
}

func (c *comparison) beginSecondLook() (suspects []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secondLook = true
	slices.Sort(c.suspects)
	c.suspects = slices.Compact(c.suspects) // a reset workflow is listed once for each run
	return c.suspects
}

// concurrently runs what feed hands to todo, as many at once as there are workers.
func (c *comparison) concurrently(ctx context.Context, feed func(ctx context.Context, todo func(func() error)) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers + 1) // one is the feed
	group.Go(func() error { return feed(ctx, group.Go) })
	return group.Wait()
}

// first counts a transaction that is as it should be, and suspects any other.
func (c *comparison) first(ctx context.Context, e ledger.Entry) error {
	seen, err := c.compare(ctx, e)
	if err != nil {
		return err
	}
	if seen.finding != nil {
		c.suspect(e.Record.TransactionID)
		return nil
	}
	c.count(seen)
	return nil
}

// second counts a transaction, and reports it where it is not as it should be.
func (c *comparison) second(ctx context.Context, id string) error {
	e, err := c.Ledger.Find(ctx, id)
	var seen look
	switch {
	case err == nil:
		seen, err = c.compare(ctx, e)
	case errors.Is(err, ledger.ErrNotFound):
		seen, err = c.unrecorded(ctx, id)
	}
	if err != nil {
		return err
	}
	c.count(seen)
	return nil
}

func (c *comparison) suspect(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.suspects = append(c.suspects, id)
}

// count adds what was seen, and tells what is wrong.
func (c *comparison) count(l look) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.add != nil {
		c.counts.Compared++
		l.add(&c.counts)
	}
	if l.finding != nil {
		c.Found(*l.finding)
	}
}

func (c *comparison) snapshot() (n Counts, suspected int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts, len(c.suspects)
}

// reportProgress begins to; the function it returns ends it.
func (c *comparison) reportProgress(ctx context.Context) (stop func()) {
	if c.Progress == nil || c.Every <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	reporting.Go(func() {
		ticker := time.NewTicker(c.Every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.Progress(c.snapshot())
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		reporting.Wait()
	}
}
