package sqlledger

import (
	"context"
	"fmt"
	"time"
)

// Prune deletes those first that ended first, and their labels with them.
func (l *Ledger) Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	var deleted int64
	result, err := l.writer.ExecContext(ctx, l.statements.prune, l.engine.Time(endedBefore), limit)
	if err == nil {
		deleted, err = result.RowsAffected()
	}
	if err != nil {
		return 0, fmt.Errorf("delete from the ledger what ended before %s: %w", endedBefore.UTC().Format(time.RFC3339), l.explain(err))
	}
	return int(deleted), nil
}
