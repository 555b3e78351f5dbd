package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/gateways/temporal"
)

type ledgerCommand struct {
	Migrate migrateCommand `cmd:"" help:"Make the ledger's tables, or change them to what this version needs, as a worker does at its start."`
	Verify  verifyCommand  `cmd:"" help:"Compare the ledger with Temporal's histories, by default those of the last 24 hours; exits with 1 if they disagree. Needs a running orders worker."`
	Export  exportCommand  `cmd:"" help:"Export transactions, the newest first, as CSV or as JSON lines."`
	Backup  backupCommand  `cmd:"" help:"Copy a ledger in SQLite to a new file, while everything runs. For PostgreSQL, use pg_dump."`
}

// withLedger runs a command with the ledger, and closes it.
func withLedger(ctx context.Context, do func(context.Context, *ledgerdb.Ledger) error) error {
	return withDatabase(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		if err := store.Ready(ctx); err != nil {
			return err
		}
		return do(ctx, store)
	})
}

// withDatabase is withLedger for a database whose tables may be missing or old.
func withDatabase(ctx context.Context, do func(context.Context, *ledgerdb.Ledger) error) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	v := &values{}
	store := env.ledger(v)
	if err := v.err(); err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return do(ctx, store)
}

type migrateCommand struct{}

// Run brings the ledger's tables to what this version needs. It can be repeated, and run beside workers.
func (migrateCommand) Run(ctx context.Context) error {
	return withDatabase(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		fmt.Fprintln(standard().progress, "The ledger's tables are what this version needs.")
		return nil
	})
}

// defaultSince is how far back transactions are compared by default.
const defaultSince = 24 * time.Hour

// These are the settings of the comparison. Transactions that look wrong are compared again after both sides had time
// to catch up.
const (
	queriesAtOnce  = 8
	verifyGrace    = 15 * time.Second
	verifyProgress = 5 * time.Second
)

type verifyCommand struct {
	period
	All bool `help:"All transactions."`
	jsonFlag
}

// Validate refuses arguments that contradict each other.
func (c verifyCommand) Validate() error {
	if c.All && (!c.Since.IsZero() || !c.Until.IsZero()) {
		return errors.New("--all: takes neither --since nor --until beside it")
	}
	return c.check(c.span())
}

func (c verifyCommand) span() inspect.Span {
	if c.All {
		return inspect.Span{}
	}
	span := inspect.Span{Since: c.Since.Time, Until: c.Until.Time}
	if span.Since.IsZero() {
		end := c.Until.Time
		if end.IsZero() {
			end = time.Now()
		}
		span.Since = end.Add(-defaultSince)
	}
	return span
}

// verified is the result of a comparison, as JSON shows it.
type verified struct {
	inspect.Counts

	Findings []inspect.Finding `json:"findings"`
}

// Run prints a line for each transaction that the two sides disagree about, and the counts at the end.
func (c verifyCommand) Run(ctx context.Context) error {
	return once(ctx, "ledger", func(p *process) func(context.Context) error {
		store, history := p.env.ledger(p.values), temporal.NewHistories(p.temporal)
		return func(ctx context.Context) error {
			defer func() { _ = store.Close() }()
			if err := store.Ready(ctx); err != nil {
				return err
			}
			return c.verify(ctx, store, history, verifyGrace, standard())
		}
	})
}

func (c verifyCommand) verify(ctx context.Context, store ledger.Reader, history inspect.History, grace time.Duration, out output) error {
	var found []inspect.Finding
	verifier := &inspect.Verifier{
		Ledger: store, History: history, Span: c.span(), Workers: queriesAtOnce, Grace: grace, Every: verifyProgress,
		Found: func(f inspect.Finding) {
			if found = append(found, f); !c.JSON {
				fmt.Fprintln(out.results, f)
			}
		},
		Progress: func(n inspect.Counts, suspected int) {
			fmt.Fprintf(out.progress, "%d compared so far, %d to compare again\n", n.Compared, suspected)
		},
	}
	counts, err := verifier.Run(ctx)
	if c.JSON {
		_ = printJSON(out.results, verified{counts, array(found)}) // standard remembers what failed
	} else {
		fmt.Fprintln(out.results, counts)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("stopped before everything was compared")
	case err != nil:
		return fmt.Errorf("stopped before everything was compared: %w", err)
	case counts.Disagreeing+counts.Unanswered > 0:
		return errors.New(verdict(counts))
	}
	return nil
}

// verdict returns what is wrong with the compared transactions.
func verdict(n inspect.Counts) string {
	disagree := fmt.Sprintf("the ledger and Temporal disagree about %d of %d transactions", n.Disagreeing, n.Compared)
	if n.Unanswered == 0 {
		return disagree
	}
	return fmt.Sprintf("%s, and %d could not be compared: is an `orders worker` running?", disagree, n.Unanswered)
}

// output holds where a command writes: results for programs to read, and progress for people.
type output struct {
	results, progress io.Writer
}

func standard() output {
	return output{results: stdout, progress: os.Stderr}
}

// stdout is the standard output of commands. If a write to it failed, the command fails at its end, see execute.
var stdout = &checkedOutput{}

// checkedOutput remembers the first error of writing to the standard output. A closed pipe is not such an error: there
// SIGPIPE ends the process, as usual for programs.
type checkedOutput struct {
	mu  sync.Mutex
	err error
}

// Write implements io.Writer.
func (c *checkedOutput) Write(text []byte) (int, error) {
	n, err := os.Stdout.Write(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = cmp.Or(c.err, err)
	return n, err
}

// failed returns the first error since its last call.
func (c *checkedOutput) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.err
	c.err = nil
	return err
}

// period holds the flags that choose transactions by their start.
type period struct {
	Since moment `help:"Only those that started at that time or later: a time, such as 2026-11-02T09:30:00Z, a date, which is its midnight in UTC, or how long ago, such as 24h or 30d." placeholder:"WHEN"`
	Until moment `help:"Only those that started before that time, given in the same way." placeholder:"WHEN"`
}

func (period) check(s inspect.Span) error {
	if !s.Since.IsZero() && !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return fmt.Errorf("--since: must be before --until, and %s is not before %s",
			s.Since.UTC().Format(time.RFC3339), s.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

// moment is a flag that takes a time, a date (meaning its midnight in UTC), or how long ago the time was.
type moment struct {
	time.Time
}

// UnmarshalText parses a moment.
func (m *moment) UnmarshalText(text []byte) error {
	if ago, err := span(string(text)); err == nil && ago > 0 {
		m.Time = time.Now().Add(-ago)
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, string(text)); err == nil && !at.IsZero() { // which counts as left out
			m.Time = at
			return nil
		}
	}
	return fmt.Errorf("%q must be a time, such as 2026-11-02T09:30:00Z, a date, such as 2026-11-02, or how long ago, such as 24h or 30d", text)
}

// span parses a duration. Unlike time.ParseDuration it also accepts days, such as 30d.
func span(text string) (time.Duration, error) {
	if length, err := time.ParseDuration(text); err == nil {
		return length, nil
	}
	return velocity.ParseSpan(text)
}

type backupCommand struct {
	File string `arg:"" help:"The file to write. It must not exist."`
}

// Run copies the ledger as it is at this moment.
func (c backupCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	if _, err := ledgerdb.Open(env.LedgerURL); err != nil {
		return &configError{faults: []string{"LEDGER_URL: " + err.Error()}}
	}
	path, inSQLite := ledgerdb.SQLiteFile(env.LedgerURL)
	if !inSQLite {
		return errors.New("the ledger is in PostgreSQL: back it up with pg_dump, as docs/ledger.md says")
	}
	return ledgerdb.Backup(ctx, path, c.File)
}

type exportCommand struct {
	period
	Format  inspect.Format `help:"csv, with columns for spreadsheets, or jsonl, with the whole record of a transaction on each line." enum:"csv,jsonl" default:"csv"`
	BOM     bool           `name:"bom" help:"Begin the CSV with a byte order mark, so that Excel on Windows reads it as UTF-8."`
	Status  status         `help:"Only those with this status: a code, such as 18, or a name, such as TRANSACTION_PAYMENT_COMPLETE." placeholder:"STATUS"`
	Outcome outcome        `help:"Only those with this outcome of the fraud check: approve, review, decline or not_evaluated." placeholder:"OUTCOME"`
	Output  string         `help:"The file to write; it is replaced when the export is complete. - is the standard output." default:"-"`
}

// Validate refuses arguments that make no sense.
func (c exportCommand) Validate() error {
	if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
		return fmt.Errorf("--output: must be a file, and %s is a folder", c.Output)
	}
	if c.BOM && c.Format != inspect.CSV {
		return errors.New("--bom: works with --format=csv only: JSON has no byte order mark (RFC 8259)")
	}
	return c.check(inspect.Span{Since: c.Since.Time, Until: c.Until.Time})
}

// Run writes the transactions to the output and reports on the standard error how many there were.
func (c exportCommand) Run(ctx context.Context) error {
	return withLedger(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error { return c.export(ctx, store, standard()) })
}

func (c exportCommand) export(ctx context.Context, store ledger.Reader, out output) error {
	q := ledger.Query{Merchants: identity.AllMerchants(), Status: c.Status.Status, Outcome: c.Outcome.Outcome, Since: c.Since.Time, Until: c.Until.Time}
	written := 0
	err := into(c.Output, out.results, func(to io.Writer) (err error) {
		if c.BOM {
			if _, err := io.WriteString(to, "\ufeff"); err != nil {
				return err
			}
		}
		if written, err = inspect.Export(ctx, store, q, c.Format, to); err != nil && ctx.Err() != nil {
			err = errors.New("stopped before the end")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("export to %s, after %d transactions: %w", c.Output, written, err)
	}
	fmt.Fprintln(out.progress, written, "transactions written")
	return nil
}

// into has write fill a file completely or not at all: the new content replaces the file only once it is complete. The
// standard output, and anything but a regular file, such as a pipe, is written to directly. An error says if the file has not changed.
func into(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "-" {
		return write(stdout)
	}
	if whole, err := filepath.EvalSymlinks(name); err == nil {
		name = whole
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return intoDevice(name, write)
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // readable by its owner only
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w; the file is as it was before", err), os.Remove(file.Name()))
	}
	return nil
}

func intoDevice(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// status is a flag that takes a transaction's status by code or by name.
type status struct {
	transaction.Status
}

// UnmarshalText parses a status.
func (s *status) UnmarshalText(text []byte) error {
	parsed, known := transaction.ParseStatus(string(text))
	if !known {
		return fmt.Errorf("%q must be a code from 11 to 19, or a name, such as TRANSACTION_PAYMENT_COMPLETE", text)
	}
	s.Status = parsed
	return nil
}

// outcome is a flag that takes an outcome of the fraud check.
type outcome struct {
	fraud.Outcome
}

// UnmarshalText parses an outcome.
func (o *outcome) UnmarshalText(text []byte) error {
	if o.Outcome = fraud.Outcome(text); !slices.Contains(fraud.Outcomes, o.Outcome) {
		return fmt.Errorf("%q must be one of approve, review, decline, not_evaluated", text)
	}
	return nil
}
