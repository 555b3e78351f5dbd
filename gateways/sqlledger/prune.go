package sqlledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Prune deletes those first that ended first, and their labels with them.
func (l *Ledger) Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	deleted, err := l.delete(ctx, l.writer, l.statements.prune, endedBefore, limit)
	if err != nil {
		return 0, fmt.Errorf("delete from the ledger what ended before %s: %w", endedBefore.UTC().Format(time.RFC3339), err)
	}
	return deleted, nil
}

// delete runs a statement that deletes what is from before a time, and says how many rows it has deleted.
func (l *Ledger) delete(ctx context.Context, pool *sql.DB, statement string, before time.Time, limit int) (int, error) {
	var result sql.Result
	err := l.twice(ctx, func() (err error) {
		result, err = pool.ExecContext(ctx, statement, l.engine.Time(before), limit)
		return err
	})
	if err != nil {
		return 0, l.explain(err)
	}
	deleted, err := result.RowsAffected()
	return int(deleted), err
}
