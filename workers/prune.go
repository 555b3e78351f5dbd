package workers

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

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
)

// Pruner deletes old rows from the ledger's database.
type Pruner interface {
	ledger.Pruner
	fraud.VelocityPruner
	audit.Pruner
	ruleset.EntryPruner
}

// KeepPruned deletes transactions from the ledger and entries of lists that ended longer ago than retention, uses that no fraud
// check looks at any more, and what is old in the audit trail. It does so at once and then every hour, until ctx ends, which is
// not an error. A deletion that fails is tried again the next hour: nothing depends on it.
func KeepPruned(ctx context.Context, pruner Pruner, retention time.Duration, log *slog.Logger) error {
	for {
		pruneLedger(ctx, pruner, retention, log)
		pruneVelocity(ctx, pruner, log)
		pruneAudit(ctx, pruner, log)
		pruneLists(ctx, pruner, retention, log)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pruneEvery - pruneJitter + rand.N(2*pruneJitter)): //nolint:gosec // no secret hangs on it
		}
	}
}

func pruneLedger(ctx context.Context, pruner ledger.Pruner, retention time.Duration, log *slog.Logger) {
	deleted, err := prune(ctx, pruner.Prune, retention)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.WarnContext(ctx, "Deleting old transactions from the ledger failed", "deleted", deleted, "error", err)
	case deleted > 0:
		log.InfoContext(ctx, "Old transactions were deleted from the ledger", "deleted", deleted, "retention", retention)
	}
}

func pruneVelocity(ctx context.Context, pruner fraud.VelocityPruner, log *slog.Logger) {
	deleted, err := prune(ctx, pruner.PruneVelocity, velocityRetention)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.WarnContext(ctx, "Pruning old fraud-check data failed; it is tried again within the hour", "deleted", deleted, "error", err)
	case deleted > 0:
		log.InfoContext(ctx, "Old fraud-check data was deleted", "deleted", deleted, "retention", velocityRetention)
	}
}

func pruneAudit(ctx context.Context, pruner audit.Pruner, log *slog.Logger) {
	deleted, err := prune(ctx, pruner.PruneAudit, audit.Retention)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.WarnContext(ctx, "Deleting old entries of the audit trail failed; it is tried again within the hour", "deleted", deleted, "error", err)
	case deleted > 0:
		log.InfoContext(ctx, "Old entries were deleted from the audit trail", "deleted", deleted, "retention", audit.Retention)
	}
}

// pruneLists keeps entries as long as transactions, whose backtests need them. An entry that ended before its transaction did,
// as in a review, goes before it.
func pruneLists(ctx context.Context, pruner ruleset.EntryPruner, retention time.Duration, log *slog.Logger) {
	deleted, err := prune(ctx, pruner.PruneEntries, retention)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.WarnContext(ctx, "Deleting old entries of lists failed; it is tried again within the hour", "deleted", deleted, "error", err)
	case deleted > 0:
		log.InfoContext(ctx, "Old entries of lists were deleted", "deleted", deleted, "retention", retention)
	}
}

// prune deletes one batch after the other until one is not full.
func prune(ctx context.Context, batch func(context.Context, time.Time, int) (int, error), retention time.Duration) (int, error) {
	before, total := time.Now().Add(-retention), 0
	for {
		deleted, err := pruneOnce(ctx, batch, before)
		total += deleted
		if err != nil || deleted < pruneBatch {
			return total, err
		}
	}
}

func pruneOnce(ctx context.Context, batch func(context.Context, time.Time, int) (int, error), before time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	return batch(ctx, before, pruneBatch)
}
