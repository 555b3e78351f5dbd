package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/ruleset"
)

const entryColumns = `number, list, looked_up, value, reason, added_by, added_at, expires_at, removed_in, removed_by, removed_at, removed_reason`

// changeLists makes a change of lists, which is given its number. Changes wait for each other. It never tries again: a change that was
// made, although the connection was lost before its answer came, would then seem to have been made before.
func (l *Ledger) changeLists(ctx context.Context, do func(tx *sql.Tx, number int64) error) error {
	err := l.once(ctx, func(tx *sql.Tx) error {
		if l.engine.hurry != "" {
			if _, err := tx.ExecContext(ctx, l.engine.hurry); err != nil {
				return err
			}
		}
		number := int64(0)
		if err := tx.QueryRowContext(ctx, `UPDATE list_changes SET number = number + 1 RETURNING number`).Scan(&number); err != nil {
			return err
		}
		return do(tx, number)
	})
	if _, listed := errors.AsType[*ruleset.ListedError](err); listed || errors.Is(err, ruleset.ErrNoEntry) {
		return err
	}
	return l.explainChange("lists", err)
}

// explainChange is explain for a change that not every process may make.
func (l *Ledger) explainChange(operation string, err error) error {
	if sqlState(err) == insufficientPrivilege {
		return fmt.Errorf("%w: %w", ruleset.ErrMayNotChange, err)
	}
	return l.explain(operation, err)
}

// AddEntry keeps an entry of a list, and returns it with its number. It fails with a *ruleset.ListedError if the value is on the list
// already and has not expired.
func (l *Ledger) AddEntry(ctx context.Context, e ruleset.ListEntry) (ruleset.ListEntry, error) {
	err := l.changeLists(ctx, func(tx *sql.Tx, number int64) error {
		e.Number = number
		row := tx.QueryRowContext(ctx, l.engine.bind(`SELECT `+entryColumns+` FROM list_entries WHERE list = ? AND looked_up = ? AND value = ?
			AND removed_in IS NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT 1`), e.List, e.Of, e.Value, l.engine.sqlTime(e.At))
		switch listed, err := scanEntry(row); {
		case err == nil:
			return &ruleset.ListedError{Entry: listed}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		_, err := tx.ExecContext(ctx, l.engine.bind(`INSERT INTO list_entries (number, list, looked_up, value, reason, added_by, added_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`), e.Number, e.List, e.Of, e.Value, e.Reason, e.By, l.engine.sqlTime(e.At), l.orNull(e.Expires))
		return err
	})
	if err != nil {
		return e, fmt.Errorf("add to the list %s: %w", e.List, err)
	}
	return e, nil
}

// orNull returns a time as a column keeps it, or NULL for the zero time.
func (l *Ledger) orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return l.engine.sqlTime(t)
}

// RemoveEntry ends the entry of that number, list and value looked up, and returns it. It fails with ruleset.ErrNoEntry, also if the
// entry was removed before.
func (l *Ledger) RemoveEntry(ctx context.Context, removed ruleset.ListEntry) (e ruleset.ListEntry, err error) {
	err = l.changeLists(ctx, func(tx *sql.Tx, number int64) error {
		row := tx.QueryRowContext(ctx, l.engine.bind(`UPDATE list_entries SET removed_in = ?, removed_by = ?, removed_at = ?, removed_reason = ?
			WHERE number = ? AND list = ? AND looked_up = ? AND removed_in IS NULL RETURNING `+entryColumns),
			number, removed.RemovedBy, l.engine.sqlTime(removed.RemovedAt), removed.RemovedReason, removed.Number, removed.List, removed.Of)
		if e, err = scanEntry(row); errors.Is(err, sql.ErrNoRows) {
			return ruleset.ErrNoEntry
		}
		return err
	})
	if err != nil {
		return e, fmt.Errorf("remove entry %d from the list %s: %w", removed.Number, removed.List, err)
	}
	return e, nil
}

// Entries returns entries of a list, the newest first.
func (l *Ledger) Entries(ctx context.Context, q ruleset.EntryQuery) ([]ruleset.ListEntry, error) {
	var c conditions
	c.add("list = ? AND looked_up = ?", q.List, q.Of)
	if q.Before > 0 {
		c.add("number < ?", q.Before)
	}
	if !q.Removed {
		c.add("removed_in IS NULL")
	}
	if q.Search != "" {
		written := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Search) + "%"
		small := strings.ToLower(written)
		// The databases' lower leaves letters beyond ASCII as they are: a text with those is found as it is written.
		c.add(`(value LIKE ? ESCAPE '\' OR lower(value) LIKE ? ESCAPE '\' OR reason LIKE ? ESCAPE '\' OR lower(reason) LIKE ? ESCAPE '\')`,
			written, small, written, small)
	}
	return l.entries(ctx, c.where()+`ORDER BY number DESC LIMIT ?`, append(c.args, q.Limit)...)
}

// changedSince is asked every two seconds by each process.
const changedSince = `WHERE number > ? OR removed_in > ?`

// EntryChanges returns the entries of all lists that were added or removed by changes with higher numbers than that one.
func (l *Ledger) EntryChanges(ctx context.Context, after int64) ([]ruleset.ListEntry, error) {
	return l.entries(ctx, changedSince, after, after)
}

// EntryNumbers returns the numbers of the entries of all lists that have not been deleted.
func (l *Ledger) EntryNumbers(ctx context.Context) (all []int64, err error) {
	rows, err := l.reader.QueryContext(ctx, `SELECT number FROM list_entries`)
	if err != nil {
		return nil, fmt.Errorf("read the numbers of the entries of lists: %w", l.explain("lists", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		number := int64(0)
		if err := rows.Scan(&number); err != nil {
			return nil, fmt.Errorf("read the numbers of the entries of lists: %w", err)
		}
		all = append(all, number)
	}
	return all, rows.Err()
}

// PruneEntries deletes the entries of lists that were removed before a time, or expired before it and were not removed. It leaves those
// that ended after a transaction of the ledger began, such as one that was long in review.
func (l *Ledger) PruneEntries(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	deleted, err := l.delete(ctx, l.writer, l.engine.bind(`DELETE FROM list_entries WHERE number IN
		(SELECT number FROM list_entries e WHERE coalesce(removed_at, expires_at) < ?
			AND NOT EXISTS (SELECT 1 FROM transactions WHERE started_at <= coalesce(e.removed_at, e.expires_at)) ORDER BY number LIMIT ?)`), endedBefore, limit)
	if err != nil {
		return 0, fmt.Errorf("delete the entries of lists that ended before %s: %w", endedBefore.UTC().Format(time.RFC3339), err)
	}
	return deleted, nil
}

func (l *Ledger) entries(ctx context.Context, which string, args ...any) (all []ruleset.ListEntry, err error) {
	rows, err := l.reader.QueryContext(ctx, l.engine.bind(`SELECT `+entryColumns+` FROM list_entries `+which), args...)
	if err != nil {
		return nil, fmt.Errorf("read the entries of lists: %w", l.explain("lists", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("read the entries of lists: %w", err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

func scanEntry(from row) (e ruleset.ListEntry, err error) {
	var added, expires, removed instant
	var removedIn sql.NullInt64
	var removedBy, removedReason sql.NullString
	err = from.Scan(&e.Number, &e.List, &e.Of, &e.Value, &e.Reason, &e.By, &added, &expires, &removedIn, &removedBy, &removed, &removedReason)
	e.At, e.Expires, e.RemovedAt = added.Time, expires.Time, removed.Time
	e.RemovedIn, e.RemovedBy, e.RemovedReason = removedIn.Int64, removedBy.String, removedReason.String
	return e, err
}
