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
	// MeasureReviews shows in the metrics what the transactions in review come to, and all money that is held.
	MeasureReviews(ctx context.Context) error
	// CountDays counts the days again whose transactions have changed, for reports.
	CountDays(ctx context.Context, now time.Time) error
}

// KeepLedger migrates the ledger's tables to what this code needs, retrying for as long as the database is down. It then
// deletes old rows, as KeepPruned does, and has reviews measured and days counted. It returns when ctx ends.
func KeepLedger(ctx context.Context, store LedgerStore, retention time.Duration, log *slog.Logger) error {
	if !health.Await(ctx, log, "ledger", store.Migrate) {
		return nil
	}
	var measuring sync.WaitGroup
	defer measuring.Wait()
	measuring.Go(func() { telemetry.Poll(ctx, log, "reviews", store.MeasureReviews) })
	measuring.Go(func() { countDays(ctx, store, log) })
	return KeepPruned(ctx, store, retention, log)
}

// countEvery is how often days are counted, and countWithin bounds it.
const (
	countEvery  = time.Minute
	countWithin = 10 * time.Minute
)

// countDays has days counted until ctx ends.
func countDays(ctx context.Context, store LedgerStore, log *slog.Logger) {
	ticker := time.NewTicker(countEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, countWithin)
		err := store.CountDays(within, time.Now())
		cancel()
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "Days not counted for reports; they are counted as soon as it is possible", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
