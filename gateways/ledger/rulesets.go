package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dummyorders/domain/ruleset"
)

// The columns of a ruleset's version but for its files.
const versionColumns = `number, digest, note, proposed_by, proposed_at, approved_by, approved_at`

// Propose keeps a version of the ruleset, which does not decide yet, and returns it with its number.
func (l *Ledger) Propose(ctx context.Context, v ruleset.Version) (ruleset.Version, error) {
	files, err := json.Marshal(v.Files)
	if err != nil {
		return v, fmt.Errorf("propose a ruleset: %w", err)
	}
	err = l.once(ctx, func(tx *sql.Tx) error { // not again after a failure: a version has no key by which it would be known
		return tx.QueryRowContext(ctx, l.engine.bind(`INSERT INTO rulesets (digest, files, note, proposed_by, proposed_at) VALUES (?, ?, ?, ?, ?) RETURNING number`),
			v.Digest, string(files), v.Note, v.By, l.engine.sqlTime(v.At)).Scan(&v.Number)
	})
	if err != nil {
		return v, fmt.Errorf("propose a ruleset: %w", l.explainChange("rulesets", err))
	}
	return v, nil
}

// Approve has a version decide. It fails with ruleset.ErrNotFound, and with ruleset.ErrApproved if it is approved already or a later
// version is.
func (l *Ledger) Approve(ctx context.Context, number int64, by string, at time.Time) (ruleset.Version, error) {
	approved := false
	err := l.once(ctx, func(tx *sql.Tx) (err error) { // not again after a failure: what was approved, although its answer was lost, would be refused
		approved, err = l.change(ctx, tx, `UPDATE rulesets SET approved_by = ?, approved_at = ? WHERE number = ? AND approved_at IS NULL AND number >
			(SELECT coalesce(max(number), 0) FROM rulesets WHERE approved_at IS NOT NULL)`, by, l.engine.sqlTime(at), number)
		return err
	})
	if err != nil {
		return ruleset.Version{}, fmt.Errorf("approve version %d of the ruleset: %w", number, l.explainChange("rulesets", err))
	}
	v, err := l.Version(ctx, number)
	if err == nil && !approved {
		err = ruleset.ErrApproved
	}
	return v, err
}

// Version returns a version with its files, or ruleset.ErrNotFound.
func (l *Ledger) Version(ctx context.Context, number int64) (ruleset.Version, error) {
	var v ruleset.Version
	err := l.retry(ctx, func() (err error) {
		var files string
		row := l.reader.QueryRowContext(ctx, l.engine.bind(`SELECT `+versionColumns+`, files FROM rulesets WHERE number = ?`), number)
		if v, err = scanVersion(row, &files); err != nil {
			return err
		}
		return json.Unmarshal([]byte(files), &v.Files)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return v, ruleset.ErrNotFound
	case err != nil:
		return v, fmt.Errorf("read version %d of the ruleset: %w", number, l.explain("rulesets", err))
	}
	return v, nil
}

// Versions returns the versions with lower numbers than before, the newest first, without their files.
func (l *Ledger) Versions(ctx context.Context, before int64, limit int) ([]ruleset.Version, error) {
	all := []ruleset.Version{}
	rows, err := l.reader.QueryContext(ctx, l.engine.bind(`SELECT `+versionColumns+` FROM rulesets WHERE number < ? ORDER BY number DESC LIMIT ?`), before, limit)
	if err != nil {
		return nil, fmt.Errorf("list the versions of the ruleset: %w", l.explain("rulesets", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scanVersion(rows)
		if err != nil {
			return nil, fmt.Errorf("list the versions of the ruleset: %w", err)
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// Deciding returns the number of the approved version that is the newest, or 0 if none is approved.
func (l *Ledger) Deciding(ctx context.Context) (number int64, err error) {
	err = l.retry(ctx, func() error {
		return l.reader.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) FROM rulesets WHERE approved_at IS NOT NULL`).Scan(&number)
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the version of the ruleset that decides: %w", l.explain("rulesets", err))
	}
	return number, nil
}

func scanVersion(from row, more ...any) (v ruleset.Version, err error) {
	var proposed, approved instant
	var by sql.NullString
	err = from.Scan(append([]any{&v.Number, &v.Digest, &v.Note, &v.By, &proposed, &by, &approved}, more...)...)
	v.At, v.ApprovedBy, v.ApprovedAt = proposed.Time, by.String, approved.Time
	return v, err
}
