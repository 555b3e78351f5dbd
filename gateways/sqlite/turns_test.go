package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/ledgertest"
)

// busy is a ledger that another process is writing to, until it ends its transaction.
func busy(t *testing.T) (l *sqlledger.Ledger, other *sql.Tx) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l = open(t, path)
	db, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	other, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Rollback() })
	return l, other
}

// saveAll saves that many transactions at once, each with its own order, and gives what came of each.
func saveAll(ctx context.Context, l *sqlledger.Ledger, orders ...string) map[string]chan error {
	results := map[string]chan error{}
	for n, order := range orders {
		e := ledgertest.Accepted(n)
		e.Record.Order.ID = order
		result := make(chan error, 1)
		results[order] = result
		go func() { result <- l.Save(ctx, e) }()
	}
	return results
}

func TestASaveThatWaitsForAnotherProcessEndsWithItsContextAndReadersDoNotWait(t *testing.T) {
	l, other := busy(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Save(ctx, ledgertest.Whole()), context.DeadlineExceeded)
	_, err := l.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.ErrorIs(t, err, ledger.ErrNotFound)
	pruning, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err = l.Prune(pruning, time.Now(), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, other.Rollback())
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
}

func TestASaverThatGivesUpTakesNobodyWithIt(t *testing.T) {
	l, other := busy(t)
	ctx, giveUp := context.WithCancel(t.Context())
	first := saveAll(ctx, l, "first", "second", "third")
	stay := saveAll(t.Context(), l, "fourth", "fifth")
	giveUp()
	for _, result := range first {
		require.ErrorIs(t, <-result, context.Canceled)
	}
	require.NoError(t, other.Rollback())
	for _, result := range stay {
		require.NoError(t, <-result)
	}
}

func TestASaveThatFailsFailsNobodyElse(t *testing.T) {
	l, other := busy(t)
	_, err := other.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON transactions WHEN new.order_id = 'poison'
		BEGIN SELECT raise(ABORT, 'this one cannot be saved'); END`)
	require.NoError(t, err)
	results := saveAll(t.Context(), l, "a", "b", "poison", "c", "d", "e", "f", "g", "h", "i", "j")
	require.NoError(t, other.Commit())
	for order, result := range results {
		if err := <-result; order == "poison" {
			require.ErrorContains(t, err, "this one cannot be saved")
		} else {
			require.NoError(t, err, order)
		}
	}
	page, err := l.List(t.Context(), ledger.Query{Limit: 100})
	require.NoError(t, err)
	require.Len(t, page.Entries, len(results)-1)
}
