package fraud

import (
	"context"
	"time"

	"dummyorders/domain/usage"
)

// History is what is remembered of transactions, for later ones to be compared with, and what was decided about each.
type History interface {
	// Decide answers what was decided before under the check's id and number. Where nothing was, it hands decide what is
	// known, counts the transaction if it is not counted yet, and keeps the decision: all of it or nothing. So a
	// transaction counts once, however often it is asked about, and of two that share a value one sees the other.
	//
	// The use's values are what the transaction is counted under, and lookups what decide is given. decide may be called
	// more than once, and must come to the same each time for the same past.
	Decide(ctx context.Context, c Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) Decision) (Decision, error)
}

// HistoryReader is for those who only look.
type HistoryReader interface {
	// Look is the past of a transaction that need not be in the history itself.
	Look(ctx context.Context, transactionID string, lookups []usage.Lookup) (usage.Past, error)
}

// HistoryPruner lets go of what is old.
type HistoryPruner interface {
	// PruneHistory deletes at most limit uses, and at most as many decisions, from before a time, and says how many it has
	// deleted.
	PruneHistory(ctx context.Context, before time.Time, limit int) (int, error)
}
