package sqlledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
)

// Decide is one database transaction: what it counts and what it keeps is there for others, in whatever process, once all
// of it is. A transaction that is counted has a decision, so that the rows of decisions also say what was counted.
func (l *Ledger) Decide(
	ctx context.Context, c fraud.Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) fraud.Decision,
) (fraud.Decision, error) {
	var decision fraud.Decision
	err := ready(c, use)
	if err == nil {
		err = l.twice(ctx, func() error {
			return l.counting(ctx, func(tx *sql.Tx) (err error) {
				decision, err = l.decideOnce(ctx, tx, c, use, lookups, decide)
				return err
			})
		})
	}
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check %d of transaction %s in the history: %w", c.Number, c.ID, l.explain(ended(ctx, err)))
	}
	return decision, nil
}

func ready(c fraud.Check, use usage.Use) error {
	switch {
	case c.ID == "" || c.ID != use.TransactionID:
		return fmt.Errorf("it must have the id of the transaction that is counted, which is %q", use.TransactionID)
	case c.Number < 1 || c.AsOf.IsZero() || use.At.IsZero():
		return errors.New("it needs a number from 1 on, the moment that it is for, and the transaction's own time")
	}
	return nil
}

// counting does all of it or nothing, also where do panics: its connection would be lost to all others.
func (l *Ledger) counting(ctx context.Context, do func(*sql.Tx) error) error {
	// Each statement must see what others have committed by then. One that saw the tables as they were at the beginning
	// would not see the transaction that it has just waited for.
	tx, err := l.history.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit, it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// ended says of a failure whose context has ended that it is that: the database may have noticed it in its own words.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w (%w)", over, err)
	}
	return err
}

func (l *Ledger) decideOnce(
	ctx context.Context, tx *sql.Tx, c fraud.Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) fraud.Decision,
) (fraud.Decision, error) {
	if err := l.lock(ctx, tx, use, lookups); err != nil {
		return fraud.Decision{}, fmt.Errorf("wait for checks that share a value: %w", err)
	}
	before, err := l.decisions(ctx, tx, c.ID)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("look for earlier decisions: %w", err)
	}
	if kept, decided := before[c.Number]; decided {
		return kept, nil
	}
	if len(before) == 0 {
		if err := l.count(ctx, tx, use); err != nil {
			return fraud.Decision{}, fmt.Errorf("count it: %w", err)
		}
	}
	past, err := l.look(ctx, tx, c.ID, lookups)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("look for what came before: %w", err)
	}
	decision := decide(past)
	if err := l.keep(ctx, tx, c, decision); err != nil {
		return fraud.Decision{}, fmt.Errorf("keep the decision: %w", err)
	}
	return decision, nil
}

// decisions are those about a transaction, by the numbers of their checks.
func (l *Ledger) decisions(ctx context.Context, tx *sql.Tx, transactionID string) (map[int]fraud.Decision, error) {
	rows, err := tx.QueryContext(ctx, l.historyStatements.decisions, stored(transactionID))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[int]fraud.Decision{}
	for rows.Next() {
		var number int
		var text []byte
		if err := rows.Scan(&number, &text); err != nil {
			return nil, err
		}
		var d fraud.Decision
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("read that of check %d: %w", number, err)
		}
		all[number] = d
	}
	return all, rows.Err()
}

func (l *Ledger) count(ctx context.Context, tx *sql.Tx, use usage.Use) error {
	if len(use.Values) == 0 {
		return nil
	}
	q, err := l.countQuery(use)
	if err == nil {
		_, err = tx.ExecContext(ctx, q.text, q.args...)
	}
	return err
}

func (l *Ledger) keep(ctx context.Context, tx *sql.Tx, c fraud.Check, d fraud.Decision) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write it as JSON: %w", err)
	}
	_, err = tx.ExecContext(ctx, l.historyStatements.keep, stored(c.ID), c.Number, l.engine.Time(c.AsOf), string(text))
	return err
}

// PruneHistory deletes those first that are oldest.
func (l *Ledger) PruneHistory(ctx context.Context, before time.Time, limit int) (int, error) {
	uses, errUses := l.delete(ctx, l.history, l.historyStatements.pruneUses, before, limit)
	decisions, errDecisions := l.delete(ctx, l.history, l.historyStatements.pruneDecisions, before, limit)
	if err := errors.Join(errUses, errDecisions); err != nil {
		return uses + decisions, fmt.Errorf("delete from the history what is from before %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	return uses + decisions, nil
}
