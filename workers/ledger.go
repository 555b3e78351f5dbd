package workers

import (
	"context"
	"log/slog"
	"time"

	"dummyorders/internal/health"
)

// LedgerStore is the ledger's database, as far as KeepLedger needs it.
type LedgerStore interface {
	Pruner
	Migrate(ctx context.Context) error
}

// KeepLedger migrates the ledger's tables to what this code needs, retrying for as long as the database is down. It then
// deletes old rows, as KeepPruned does. It returns when ctx ends.
func KeepLedger(ctx context.Context, store LedgerStore, retention time.Duration, log *slog.Logger) error {
	if !health.Await(ctx, log, "ledger", store.Migrate) {
		return nil
	}
	return KeepPruned(ctx, store, retention, log)
}
