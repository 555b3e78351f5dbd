package workers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"dummyorders/internal/health"
	"dummyorders/internal/telemetry"
)

// LedgerStore is the ledger's database, as far as KeepLedger needs it.
type LedgerStore interface {
	Pruner
	Migrate(ctx context.Context) error
	// MeasureReviews shows in the metrics what the transactions in review come to.
	MeasureReviews(ctx context.Context) error
}

// KeepLedger migrates the ledger's tables to what this code needs, retrying for as long as the database is down. It then
// deletes old rows, as KeepPruned does, and has reviews measured. It returns when ctx ends.
func KeepLedger(ctx context.Context, store LedgerStore, retention time.Duration, log *slog.Logger) error {
	if !health.Await(ctx, log, "ledger", store.Migrate) {
		return nil
	}
	var measuring sync.WaitGroup
	defer measuring.Wait()
	measuring.Go(func() { telemetry.Poll(ctx, log, "reviews", store.MeasureReviews) })
	return KeepPruned(ctx, store, retention, log)
}
