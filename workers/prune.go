package workers

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/velocity"
)

const (
	// pruneEvery is the time between two rounds of deletion, give or take pruneJitter, which keeps several workers from
	// doing their rounds at the same moment.
	pruneEvery  = time.Hour
	pruneJitter = 6 * time.Minute
	// pruneBatch is how many rows are deleted at once. Writers and fraud checks wait at most for one batch.
	pruneBatch = 500
	// pruneWithin bounds the deletion of one batch.
	pruneWithin = time.Minute
	// velocityRetention is how long uses are kept: a day longer than any feature looks back, for checks that
	// are made late.
	velocityRetention = velocity.Horizon + 24*time.Hour
	// windowRetention is long enough that none is deleted while an alert opens it again.
	windowRetention = time.Hour
)

// Pruner deletes old rows from the ledger's database.
type Pruner interface {
	ledger.Pruner
	fraud.VelocityPruner
	audit.Pruner
	ruleset.EntryPruner
	alert.WindowPruner
}

// KeepPruned deletes transactions from the ledger and entries of lists that ended longer ago than retention, uses that no fraud
// check looks at any more, windows of alerts that are over, and what is old in the audit trail. It does so at once and then every hour, until ctx ends, which is
// not an error. A deletion that fails is tried again the next hour: nothing depends on it.
func KeepPruned(ctx context.Context, pruner Pruner, retention time.Duration, log *slog.Logger) error {
	for {
		for _, old := range []struct {
			what      string
			batch     batch
			retention time.Duration
		}{
			{"transactions", pruner.Prune, retention},
			{"data of fraud checks", pruner.PruneVelocity, velocityRetention},
			{"entries of the audit trail", pruner.PruneAudit, audit.Retention},
			{"entries of lists", pruner.PruneEntries, retention}, // backtests of the transactions need them as long
			{"windows of alerts", pruner.PruneWindows, windowRetention},
		} {
			deleted, err := prune(ctx, old.batch, old.retention)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				log.WarnContext(ctx, "Deleting old rows failed; it is tried again within the hour", "of", old.what, "deleted", deleted, "error", err)
			case deleted > 0:
				log.InfoContext(ctx, "Old rows were deleted", "of", old.what, "deleted", deleted, "retention", old.retention)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pruneEvery - pruneJitter + rand.N(2*pruneJitter)): //nolint:gosec // no secret hangs on it
		}
	}
}

// batch deletes rows older than a time, at most as many as the number, and returns how many.
type batch func(context.Context, time.Time, int) (int, error)

// prune deletes one batch after the other until one is not full.
func prune(ctx context.Context, next batch, retention time.Duration) (int, error) {
	before, total := time.Now().Add(-retention), 0
	for {
		deleted, err := pruneOnce(ctx, next, before)
		total += deleted
		if err != nil || deleted < pruneBatch {
			return total, err
		}
	}
}

func pruneOnce(ctx context.Context, next batch, before time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	return next(ctx, before, pruneBatch)
}
