package sqlledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dummyorders/domain/ledger"
)

// foreignKeyViolation is SQLSTATE, from PostgreSQL's appendix A.
const foreignKeyViolation = "23503"

// Label keeps a label of whoever is not the transaction itself. No save takes it back.
func (l *Ledger) Label(ctx context.Context, transactionID string, label ledger.Label) (ledger.Label, error) {
	var kept ledger.Label
	if label.Label == "" || label.Source == "" || label.Time.IsZero() {
		return kept, fmt.Errorf("label transaction %s in the ledger: the label needs its word, its source and its time", transactionID)
	}
	err := l.inTransaction(ctx, func(tx *sql.Tx) (err error) {
		kept, err = scanLabel(tx.QueryRowContext(ctx, l.statements.keepLabel,
			nullable(label.Source), nullable(label.Label), nullable(label.Note), l.engine.Time(label.Time), nullable(transactionID)))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows), violatesForeignKey(err):
		return ledger.Label{}, fmt.Errorf("label transaction %s: %w", transactionID, ledger.ErrNotFound)
	case err != nil:
		return ledger.Label{}, fmt.Errorf("label transaction %s in the ledger: %w", transactionID, l.explain(err))
	}
	return kept, nil
}

// scanLabel fails with sql.ErrNoRows where there is no transaction to label.
func scanLabel(row *sql.Row) (ledger.Label, error) {
	var label ledger.Label
	var note sql.NullString
	var at instant
	err := row.Scan(&label.Label, &label.Source, &note, &at)
	label.Note, label.Time = note.String, at.Time
	return label, err
}

// violatesForeignKey says whether the transaction was deleted while it was labelled. SQLite has one writer at a time,
// so that it cannot happen there.
func violatesForeignKey(err error) bool {
	var refused interface{ SQLState() string }
	return errors.As(err, &refused) && refused.SQLState() == foreignKeyViolation
}
