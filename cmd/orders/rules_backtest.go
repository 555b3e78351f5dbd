package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"dummyorders/domain/ledger"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/rules"
	"dummyorders/rules/backtest"
	"dummyorders/rules/workbench"
)

type backtestCommand struct {
	Ruleset string `arg:"" help:"The folder of the ruleset to decide with, or default for the built-in one."`
	period
	GoodBefore moment `help:"Count transactions without a label as legitimate if they started before that time, given as for --since: for example 60d, when a fraud would have been disputed by now." placeholder:"WHEN"`
	HTML       string `name:"html" help:"Also write the report as a page with charts to this file; it is replaced when the report is complete." placeholder:"FILE"`
	Changes    atMost `help:"How many of the decisions with another outcome to list, the latest first." default:"20"`
	jsonFlag
}

// These are the backtest's defaults: how far back it goes, and how often it reports its progress.
const (
	backtestSince    = 30 * 24 * time.Hour
	backtestProgress = time.Second
)

// Validate refuses arguments that cannot mean anything.
func (c backtestCommand) Validate() error {
	if info, err := os.Stat(c.HTML); err == nil && info.IsDir() {
		return fmt.Errorf("--html: must be a file, and %s is a folder", c.HTML)
	}
	return c.check(c.span())
}

// span returns the period with both ends set: transactions that start while the backtest runs are not in it.
func (c backtestCommand) span() inspect.Span {
	span := inspect.Span{Since: c.Since.Time, Until: c.Until.Time}
	if span.Until.IsZero() {
		span.Until = time.Now()
	}
	if span.Since.IsZero() {
		span.Since = span.Until.Add(-backtestSince)
	}
	return span
}

// Run reads the ruleset first, because it may have faults, and then the ledger.
func (c backtestCommand) Run(ctx context.Context) error {
	set, err := loadRuleset(c.Ruleset)
	if err != nil {
		return err
	}
	return withLedger(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		set, err := workbench.WithEntries(ctx, set, store)
		if err != nil {
			return err
		}
		return c.backtest(ctx, store, set, standard())
	})
}

func (c backtestCommand) backtest(ctx context.Context, store ledger.Reader, set *rules.Set, out output) error {
	if err := replaceable(c.HTML); err != nil {
		return fmt.Errorf("write the page %s: %w", c.HTML, err)
	}
	span, far := c.span(), &progress{to: out.progress}
	test := &backtest.Backtest{
		Ledger: store, Candidate: set, Then: set.Then(), Since: span.Since, Until: span.Until, GoodBefore: c.GoodBefore.Time, Changes: int(c.Changes), Rules: workbench.KnownRules(set),
		Settle:   set.Settle,
		Progress: far.update,
	}
	report, err := test.Run(ctx)
	far.last()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("backtest: stopped before the end")
	case err != nil:
		return fmt.Errorf("backtest: %w", err)
	}
	if c.HTML != "" {
		if err := into(c.HTML, out.results, report.WriteHTML); err != nil {
			return fmt.Errorf("write the page %s: %w", c.HTML, err)
		}
		fmt.Fprintln(out.progress, "the page is", c.HTML)
	}
	if c.JSON {
		return report.WriteJSON(out.results)
	}
	return report.WriteText(out.results)
}

// progress reports from time to time how far a backtest has got, and once more at the end.
type progress struct {
	to           io.Writer
	at           time.Time
	now, printed backtest.Progress
}

func (p *progress) update(now backtest.Progress) {
	if p.now = now; time.Since(p.at) >= backtestProgress {
		p.print()
	}
}

// last prints the final progress if it has not been printed yet.
func (p *progress) last() {
	if p.now != p.printed {
		p.print()
	}
}

func (p *progress) print() {
	p.at, p.printed = time.Now(), p.now
	fmt.Fprintf(p.to, "%d transactions read, %d decided again, %d to fold\n", p.now.Read, p.now.Decided, p.now.ToFold)
}

// replaceable returns an error if into could not write the file. It returns nil for an empty name.
func replaceable(name string) error {
	if info, err := os.Stat(name); name == "" || name == "-" || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if whole, err := filepath.EvalSymlinks(name); err == nil {
		name = whole
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// atMost is a flag that takes a count. It parses a negative number as its value rather than as another flag, so that
// the error can say that a count cannot be negative.
type atMost int

// Decode parses the flag's value.
func (n *atMost) Decode(ctx *kong.DecodeContext) error {
	text := ctx.Scan.Pop().String()
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return fmt.Errorf("%q must be a whole number, 0 or more", text)
	}
	*n = atMost(number)
	return nil
}
