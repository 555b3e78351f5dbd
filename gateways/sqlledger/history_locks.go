package sqlledger

import (
	"context"
	"database/sql"
	"hash/fnv"
	"slices"

	"dummyorders/domain/usage"
)

// lock waits until no other check is under way that is of the same transaction, or shares a value with it. So of two
// transactions that share a value one sees the other. All take the locks in the order of their numbers, and so none
// waits for one that waits for it. Where two values happen to have the same number, their checks only wait longer.
func (l *Ledger) lock(ctx context.Context, tx *sql.Tx, use usage.Use, lookups []usage.Lookup) error {
	if l.historyStatements.lock == "" {
		return nil
	}
	keys := []int64{lockKey("transaction", use.TransactionID)}
	for dimension, value := range use.Values {
		keys = append(keys, lockKey("use", string(dimension), value))
	}
	for _, lookup := range lookups {
		keys = append(keys, lockKey("use", string(lookup.By), lookup.Value))
	}
	slices.Sort(keys)
	_, err := tx.ExecContext(ctx, l.historyStatements.lock, slices.Compact(keys))
	return err
}

// lockKey is the same in every process.
func lockKey(parts ...string) int64 {
	hash := fnv.New64a()
	for _, part := range parts {
		_, _ = hash.Write([]byte(stored(part) + "\x00")) // which stands in nothing that is stored
	}
	return int64(hash.Sum64()) //nolint:gosec // any number will do
}
