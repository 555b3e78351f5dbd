package ledgertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
)

// Open opens a ledger with the newest tables for as long as the test runs.
func Open(t testing.TB, url string) *ledgerdb.Ledger {
	t.Helper()
	l, err := ledgerdb.Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, l.Migrate(t.Context()))
	return l
}
