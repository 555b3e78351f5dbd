package ledger_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// Rows that are still being read are not disturbed if their statement runs again meanwhile.
func TestPreparedTwiceAtOnce(t *testing.T) {
	l := engines["SQLite"].migrated(t)
	tx, err := l.Writer().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	count := func(from int) *sql.Rows {
		rows, err := tx.QueryContext(t.Context(), "WITH RECURSIVE n(value) AS (SELECT ?1 UNION ALL SELECT value + 1 FROM n WHERE value < ?1 + 2) SELECT value FROM n", from)
		require.NoError(t, err)
		return rows
	}
	next := func(rows *sql.Rows, want int) {
		var got int
		require.True(t, rows.Next())
		require.NoError(t, rows.Scan(&got))
		require.Equal(t, want, got)
	}
	for range 2 {
		one, other := count(10), count(20)
		for n := range 3 {
			next(one, 10+n)
			next(other, 20+n)
		}
		require.NoError(t, one.Close())   //nolint:sqlclosecheck // the next round uses the statement again
		require.NoError(t, other.Close()) //nolint:sqlclosecheck // likewise
		require.NoError(t, one.Err())
		require.NoError(t, other.Err())
	}
}

// A connection runs more statements than it keeps.
func TestPreparedMany(t *testing.T) {
	l := engines["SQLite"].migrated(t)
	for range 2 {
		for n := range 2*ledgerdb.MostPrepared + 1 {
			var got int
			require.NoError(t, l.Writer().QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + ?", n), 1).Scan(&got))
			require.Equal(t, n+1, got)
		}
	}
}

// What was posted stays as the first entry has it.
func TestPostedStays(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			first, later := ledgertest.Accepted(1), ledgertest.Ended(1, start.Add(time.Hour))
			later.Transaction.Payment.Amount = money.Money{Minor: 1, Currency: "INR"}
			require.NoError(t, l.Save(t.Context(), first))
			require.NoError(t, l.Save(t.Context(), later))
			found, err := l.Find(t.Context(), identity.AllMerchants(), first.Record.TransactionID)
			require.NoError(t, err)
			require.Equal(t, first.Transaction, found.Transaction)
			require.Equal(t, later.Record.Status(), found.Record.Status())
		})
	}
}
