package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/audit"
)

type exportCommand struct {
	period
	Format  audit.Format `help:"csv, with columns for spreadsheets, or jsonl, with the whole record of a transaction on each line." enum:"csv,jsonl" default:"csv"`
	BOM     bool         `name:"bom" help:"Begin a CSV with a byte order mark: Excel on Windows takes it for UTF-8 then."`
	Status  status       `help:"Those that stand there: a code, such as 18, or a name, such as TRANSACTION_PAYMENT_COMPLETE." placeholder:"STATUS"`
	Outcome outcome      `help:"Those that the fraud check said this of: approve, review, decline or not_evaluated." placeholder:"OUTCOME"`
	Output  string       `help:"The file to write, which is replaced once all of it is written; - is the standard output." default:"-"`
}

// Validate refuses arguments that cannot mean anything.
func (c exportCommand) Validate() error {
	if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
		return fmt.Errorf("--output: must be a file, and %s is a folder", c.Output)
	}
	if c.BOM && c.Format != audit.CSV {
		return errors.New("--bom: is for --format=csv alone: JSON has no byte order mark (RFC 8259)")
	}
	return c.check(audit.Span{Since: c.Since.Time, Until: c.Until.Time})
}

// Run writes the transactions, and says on the side how many they were.
func (c exportCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"ledger": func(p *process) func(context.Context) error {
		book := p.env.ledger(p.values)
		return func(ctx context.Context) error {
			defer func() { _ = book.Close() }()
			if err := book.Ready(ctx); err != nil {
				return err
			}
			return c.export(ctx, book, standard())
		}
	}})
}

func (c exportCommand) export(ctx context.Context, book ledger.Reader, out output) error {
	q := ledger.Query{Status: c.Status.Status, Outcome: c.Outcome.Outcome, Since: c.Since.Time, Until: c.Until.Time}
	written := 0
	err := into(c.Output, out.results, func(to io.Writer) (err error) {
		if c.BOM {
			if _, err := io.WriteString(to, "\ufeff"); err != nil {
				return err
			}
		}
		written, err = audit.Export(ctx, book, q, c.Format, to)
		return err
	})
	if err != nil && ctx.Err() != nil {
		err = errors.New("stopped before the end")
	}
	if err != nil && c.Output == "-" {
		return fmt.Errorf("export: %w, after %d transactions", err, written)
	}
	if err != nil {
		return fmt.Errorf("export to %s: %w; it is as it was before", c.Output, err)
	}
	fmt.Fprintln(out.progress, written, "transactions written")
	return nil
}

// into has write fill a file, all of it or nothing: it takes the file's place only once it is whole. What is no regular
// file, such as a pipe, and the standard output are written straight away.
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
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // only its owner may read it
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func intoDevice(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // whoever runs the command names it
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// status is a flag that takes a status by its code or by its name.
type status struct {
	transaction.Status
}

// UnmarshalText reads what a flag says.
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

// UnmarshalText reads what a flag says.
func (o *outcome) UnmarshalText(text []byte) error {
	known := []fraud.Outcome{fraud.Approve, fraud.Review, fraud.Decline, fraud.NotEvaluated}
	if o.Outcome = fraud.Outcome(text); !slices.Contains(known, o.Outcome) {
		return fmt.Errorf("%q must be one of approve, review, decline, not_evaluated", text)
	}
	return nil
}
