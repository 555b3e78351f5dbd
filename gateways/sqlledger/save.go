package sqlledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// Save is one statement, in a database transaction only where the record speaks of labels, or others save at the same
// time.
func (l *Ledger) Save(ctx context.Context, e ledger.Entry) error {
	row, err := l.row(e)
	s := saving{id: e.Record.TransactionID, row: row, sources: sources(e.Record), labels: e.Record.Labels}
	switch {
	case err != nil:
	case l.turns != nil:
		err = l.turns.save(ctx, s)
	case len(s.sources) > 0:
		err = l.saveAll(ctx, []saving{s})
	default:
		_, err = l.writer.ExecContext(ctx, l.statements.save, row...)
	}
	if err != nil {
		return fmt.Errorf("save transaction %s in the ledger: %w", e.Record.TransactionID, l.explain(err))
	}
	return nil
}

// saving is an entry on its way into the tables.
type saving struct {
	id      string
	row     []any
	sources []string // whose labels the record holds
	labels  []ledger.Label
}

// sources are those that the record speaks for. A review speaks for its reviewer also where it gave no label: the entry
// of a verdict that was never recorded, since its worker was killed, may have left one.
func sources(r ledger.Record) []string {
	var all []string
	if r.Review != nil {
		all = append(all, ledger.ByReviewer)
	}
	for _, label := range r.Labels {
		if !slices.Contains(all, label.Source) {
			all = append(all, label.Source)
		}
	}
	return all
}

// saveAll saves all or none.
func (l *Ledger) saveAll(ctx context.Context, all []saving) error {
	return l.inTransaction(ctx, func(tx *sql.Tx) error {
		for _, s := range all {
			if err := l.saveOne(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Ledger) saveOne(ctx context.Context, tx *sql.Tx, s saving) error {
	saved, err := tx.ExecContext(ctx, l.statements.save, s.row...)
	if err != nil || len(s.sources) == 0 {
		return err
	}
	if changed, err := saved.RowsAffected(); err != nil || changed == 0 {
		return err // a later entry is there, with its labels
	}
	return l.label(ctx, tx, s)
}

// label replaces what the record's sources have said so far. What other sources have said stays.
func (l *Ledger) label(ctx context.Context, tx *sql.Tx, s saving) error {
	for _, source := range s.sources {
		if _, err := tx.ExecContext(ctx, l.statements.dropLabels, s.id, source); err != nil {
			return fmt.Errorf("drop labels of source %s: %w", source, err)
		}
	}
	for _, label := range s.labels {
		_, err := tx.ExecContext(ctx, l.statements.addLabel, s.id, label.Source, label.Label, nullable(label.Note), l.engine.Time(label.Time))
		if err != nil {
			return fmt.Errorf("add label %s of source %s: %w", label.Label, label.Source, err)
		}
	}
	return nil
}

// row is the entry in the order of columns.
func (l *Ledger) row(e ledger.Entry) ([]any, error) {
	r, t := e.Record, e.Transaction
	if r.TransactionID == "" || r.StartTime.IsZero() || e.Mark.At.IsZero() {
		return nil, errors.New("the entry needs a transaction id, a start time, and the time of its mark")
	}
	record, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the record as JSON: %w", err)
	}
	posted, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("write the transaction as JSON: %w", err)
	}
	outcome, score := decided(r)
	return []any{
		r.TransactionID, nullable(t.Receipt.Client), nullable(t.Receipt.BodyDigest), nullable(r.Order.ID), nullable(r.PaymentMethod),
		int(r.Status()), outcome, score, t.Payment.Amount.Minor, nullable(string(t.Payment.Amount.Currency)),
		nullable(t.Payment.Card.Fingerprint), nullable(customer(t)), l.engine.Time(r.StartTime), l.ended(r.EndTime),
		e.Mark.At.UnixNano(), e.Mark.Number, string(record), string(posted),
	}, nil
}

// decided is the decision's outcome and score, both nil while there is none.
func decided(r ledger.Record) (outcome, score any) {
	if r.Decision == nil {
		return nil, nil
	}
	return nullable(string(r.Decision.Outcome)), r.Decision.Score
}

func customer(t transaction.Transaction) string {
	if t.Customer == nil {
		return ""
	}
	return t.Customer.ID
}

func (l *Ledger) ended(at *time.Time) any {
	if at == nil {
		return nil
	}
	return l.engine.Time(*at)
}

// nullable is a text as PostgreSQL takes it: without the NUL characters and broken UTF-8 that JSON can hold. An empty one
// is no value.
func nullable(text string) any {
	if text == "" {
		return nil
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
