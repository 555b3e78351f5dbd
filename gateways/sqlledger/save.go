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
	s := saving{id: e.Record.TransactionID, row: row, labels: e.Record.Labels, mayLabel: e.Record.Review != nil || len(e.Record.Labels) > 0}
	switch {
	case err != nil:
	case l.turns != nil:
		err = l.turns.save(ctx, s)
	case s.mayLabel:
		err = l.saveAll(ctx, []saving{s})
	default:
		err = l.twice(ctx, func() error {
			_, err := l.writer.ExecContext(ctx, l.statements.save, row...)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("save transaction %s in the ledger: %w", e.Record.TransactionID, l.explain(err))
	}
	return nil
}

// saving is an entry on its way into the tables.
type saving struct {
	id     string
	row    []any
	labels []ledger.Label
	// mayLabel says that an entry of this transaction may have labels. One with a review may, also where this one has
	// none: the entry of a verdict that was never recorded, since its worker was killed, may have left one.
	mayLabel bool
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
	if !s.mayLabel {
		_, err := tx.ExecContext(ctx, l.statements.save, s.row...)
		return err
	}
	added, err := changes(tx.ExecContext(ctx, l.statements.add, s.row...))
	if err != nil {
		return err
	}
	if added {
		return l.label(ctx, tx, s, nil)
	}
	said, err := l.said(ctx, tx, s.id)
	if err != nil {
		return err
	}
	if saved, err := changes(tx.ExecContext(ctx, l.statements.save, s.row...)); !saved || err != nil {
		return err // a later entry is there, with its labels
	}
	return l.label(ctx, tx, s, said)
}

// said is what the entry that is there says for labels. It stays as it is until the end of the database transaction.
func (l *Ledger) said(ctx context.Context, tx *sql.Tx, id string) ([]ledger.Label, error) {
	var text []byte
	var record struct{ Labels []ledger.Label }
	err := tx.QueryRowContext(ctx, l.statements.said, id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) { // it was deleted this very moment
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil {
		return nil, fmt.Errorf("read the labels of the entry before: %w", err)
	}
	return record.Labels, nil
}

// label takes back what the entry before said and this one does not say to the letter, and adds what this one says. All
// other labels were posted, or had their notes changed so, and stay as they are.
func (l *Ledger) label(ctx context.Context, tx *sql.Tx, s saving, said []ledger.Label) error {
	for _, label := range said {
		if slices.ContainsFunc(s.labels, label.Equal) {
			continue
		}
		_, err := tx.ExecContext(ctx, l.statements.dropLabel, s.id, label.Source, label.Label, nullable(label.Note), l.engine.Time(label.Time))
		if err != nil {
			return fmt.Errorf("drop label %s of source %s: %w", label.Label, label.Source, err)
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

// changes says whether a statement has changed a row.
func changes(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	changed, err := result.RowsAffected()
	return changed > 0, err
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
