package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/internal/safetext"
)

type auditCommand struct {
	List   listAuditCommand   `cmd:"" help:"List entries of the audit trail, by default the last 100 of the last 24 hours."`
	Export exportAuditCommand `cmd:"" help:"Export the audit trail, the oldest entry first, as CSV or as JSON lines."`
	Verify verifyAuditCommand `cmd:"" help:"Check that no entry was changed, removed or put in between; exits with 1 and the first that was, if one was."`
}

// auditFilter holds the flags that choose entries.
type auditFilter struct {
	Since    moment `help:"Only those of that time or later: a time, such as 2026-11-02T09:30:00Z, a date, which is its midnight in UTC, or how long ago, such as 24h or 30d." placeholder:"WHEN"`
	Until    moment `help:"Only those from before that time, given in the same way." placeholder:"WHEN"`
	Subject  string `help:"Only those of this subject: a name, such as acme/shop, a kind, such as anonymous, or both, such as 'client acme/shop'." placeholder:"SUBJECT"`
	Merchant name   `help:"Only those about this merchant." placeholder:"NAME"`
	Action   string `help:"Only those of this action: an operation of the API, such as reviewTransaction, or a command, such as 'keys new'." placeholder:"ACTION"`
	Object   string `help:"Only those about this object, such as the id of a transaction, 'key k3x7q2mz' or 'merchant acme'." placeholder:"OBJECT"`
	Result   string `help:"Only those with this result: begun, done, failed, or an HTTP status, such as 403." placeholder:"RESULT"`
}

// Validate refuses arguments that contradict each other.
func (f auditFilter) Validate() error {
	return period{}.check(inspect.Span{Since: f.Since.Time, Until: f.Until.Time})
}

func (f auditFilter) query() audit.Query {
	return audit.Query{
		Merchants: identity.AllMerchants(), Since: f.Since.Time, Until: f.Until.Time,
		Subject: f.Subject, Merchant: string(f.Merchant), Action: f.Action, Object: f.Object, Result: f.Result,
	}
}

type listAuditCommand struct {
	auditFilter
	Last int `help:"At most so many, the last ones." default:"100"`
	jsonFlag
}

// Run lists entries, the oldest first.
func (c listAuditCommand) Run(ctx context.Context) error {
	if c.Since.IsZero() {
		c.Since.Time = time.Now().Add(-defaultSince)
	}
	return withLedger(ctx, func(ctx context.Context, trail *ledgerdb.Ledger) error {
		q := c.query()
		q.Last = max(1, c.Last)
		var found []audit.Kept
		for kept, err := range trail.Audit(ctx, q) {
			if err != nil {
				return err
			}
			found = append(found, kept)
		}
		slices.Reverse(found)
		return printRows(standard().results, c.JSON, found, "NUMBER\tTIME\tSUBJECT\tADDRESS\tMERCHANT\tACTION\tOBJECT\tRESULT\tTIMES", showAudit)
	})
}

// showAudit returns an entry as JSON and as a line of a table.
func showAudit(k audit.Kept) (any, string) {
	subject := identity.Subject{Kind: k.Kind, Name: k.Subject}.String()
	cells := []string{
		fmt.Sprint(k.Number), k.Time.Format("2006-01-02T15:04:05Z"), subject, k.Address, k.Merchant, k.Action, k.Object, k.Result, fmt.Sprint(k.Times),
	}
	for i, cell := range cells {
		cells[i] = cmp.Or(safetext.Line(cell), "-")
	}
	return k, strings.Join(cells, "\t")
}

type exportAuditCommand struct {
	auditFilter
	Format inspect.Format `help:"csv, for spreadsheets, or jsonl, a JSON object on each line." enum:"csv,jsonl" default:"csv"`
	Output string         `help:"The file to write; it is replaced when the export is complete. - is the standard output." default:"-"`
}

// Validate refuses arguments that make no sense.
func (c exportAuditCommand) Validate() error {
	if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
		return fmt.Errorf("--output: must be a file, and %s is a folder", c.Output)
	}
	return c.auditFilter.Validate()
}

// Run writes the entries to the output and reports on the standard error how many there were.
func (c exportAuditCommand) Run(ctx context.Context) error {
	return withLedger(ctx, func(ctx context.Context, trail *ledgerdb.Ledger) error {
		written := 0
		err := into(c.Output, standard().results, func(to io.Writer) (err error) {
			written, err = inspect.ExportAudit(trail.Audit(ctx, c.query()), c.Format, to)
			return err
		})
		if err != nil {
			return fmt.Errorf("export the audit trail to %s, after %d entries: %w", c.Output, written, err)
		}
		fmt.Fprintln(standard().progress, written, "entries written")
		return nil
	})
}

type verifyAuditCommand struct {
	jsonFlag
}

// Run checks the chain.
func (c verifyAuditCommand) Run(ctx context.Context) error {
	return withLedger(ctx, func(ctx context.Context, trail *ledgerdb.Ledger) error {
		report, err := trail.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		if report.Broken != nil {
			err = errors.New("the audit trail is not as it was: " + report.Broken.String())
		}
		switch {
		case c.JSON:
			return errors.Join(printJSON(standard().results, report), err)
		case err != nil:
			return err
		}
		fmt.Fprintf(standard().results, "%d entries, all as they were kept; the last is number %d with digest %s\n", report.Entries, report.Last.Number, report.Last.Digest)
		return nil
	})
}

// operator returns who runs a command.
func operator() identity.Subject {
	name := "uid " + strconv.Itoa(os.Getuid())
	if known, err := user.Current(); err == nil {
		name = known.Username
	}
	return identity.Subject{Kind: identity.Operator, Name: name}
}

// audited runs a change between two entries of the audit trail: that it is begun, and how it ended. What cannot be kept there
// is not done. change may add to the second entry what it did. That is kept also if the command was stopped meanwhile.
func audited(ctx context.Context, trail audit.Trail, e audit.Entry, change func(e *audit.Entry) error) error {
	keep := func(ctx context.Context) (audit.Kept, error) {
		e.Time = time.Now()
		return trail.Append(ctx, e.By(operator()))
	}
	e.Result = audit.Begun
	begun, err := keep(ctx)
	if err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	e.Ends, e.Result = begun.Number, audit.Done
	changed := change(&e)
	if changed != nil {
		e.Result = audit.Failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditPatience)
	defer cancel()
	if _, err = keep(ctx); err != nil {
		err = fmt.Errorf("what came of it is not in the audit trail: %w", err)
	}
	return errors.Join(changed, err)
}

// auditPatience bounds how long the second entry is waited for.
const auditPatience = 5 * time.Second

// inUseEvery is how often it is looked at what a process goes by. Changed files are looked for less often, so no change is
// missed.
const inUseEvery = time.Second

// keepInUse keeps in the audit trail what a process goes by, at its start and after each change, until ctx ends. What cannot
// be kept is tried again: a process does not wait for it.
func keepInUse(ctx context.Context, trail audit.Trail, action string, current func() (object, digest string), log *slog.Logger) error {
	was, failing := "", false
	for {
		if object, digest := current(); digest != was {
			e := audit.Entry{Time: time.Now(), Action: action, Object: object, Before: was, After: digest, Result: audit.Done}
			_, err := trail.Append(ctx, e.By(operator()))
			switch {
			case err == nil:
				was = digest
			case !failing && ctx.Err() == nil:
				log.WarnContext(ctx, "Entry of the audit trail not kept; it is tried again", "action", action, "object", object, "digest", digest, "error", err)
			}
			failing = err != nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(inUseEvery):
		}
	}
}
