package workers

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"dummyorders/domain/ledger"
)

const (
	// pruneEvery is how often the ledger is looked through, give or take pruneJitter, so that several workers do not
	// look at the same moment for ever.
	pruneEvery  = time.Hour
	pruneJitter = 6 * time.Minute
	// pruneBatch is how many transactions are deleted at once: savers wait for no more than that.
	pruneBatch = 500
	// pruneWithin is how long the deletion of a batch may take.
	pruneWithin = time.Minute
)

// KeepTidy deletes from the ledger what ended longer ago than retention, at once and then every hour, until ctx ends,
// which is no error. What fails is tried again the next hour: nothing depends on it.
func KeepTidy(ctx context.Context, pruner ledger.Pruner, retention time.Duration, log *slog.Logger) error {
	for {
		deleted, err := prune(ctx, pruner, time.Now().Add(-retention))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.WarnContext(ctx, "Old transactions could not be deleted from the ledger", "deleted", deleted, "error", err)
		case deleted > 0:
			log.InfoContext(ctx, "Old transactions were deleted from the ledger", "deleted", deleted, "retention", retention)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pruneEvery - pruneJitter + rand.N(2*pruneJitter)): //nolint:gosec // no secret hangs on it
		}
	}
}

// prune deletes batch after batch until one is not full.
func prune(ctx context.Context, pruner ledger.Pruner, endedBefore time.Time) (int, error) {
	total := 0
	for {
		deleted, err := pruneOnce(ctx, pruner, endedBefore)
		total += deleted
		if err != nil || deleted < pruneBatch {
			return total, err
		}
	}
}

func pruneOnce(ctx context.Context, pruner ledger.Pruner, endedBefore time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	return pruner.Prune(ctx, endedBefore, pruneBatch)
}
