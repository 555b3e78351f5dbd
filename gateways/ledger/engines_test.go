package ledger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

var server ledgertest.Server

func TestMain(m *testing.M) {
	if path := os.Getenv(asSaver); path != "" {
		saveUntilKilled(path)
		return
	}
	if place := os.Getenv(asChecker); place != "" {
		os.Exit(checkUntilKilled(place))
	}
	os.Exit(server.Main(m))
}

// engine is a kind of database. place returns the place of a ledger that does not exist yet; it can be opened several
// times.
type engine struct {
	place   func(t testing.TB) string
	open    func(place string) (*ledgerdb.Ledger, error)
	explain string
}

var engines = map[string]engine{
	"SQLite": {
		place:   func(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger.db") },
		open:    ledgerdb.OpenSQLite,
		explain: "EXPLAIN QUERY PLAN",
	},
	"PostgreSQL": {place: database, open: ledgerdb.OpenPostgres, explain: "EXPLAIN"},
}

// database creates a database, and returns its URL.
func database(t testing.TB) string {
	t.Helper()
	return server.URL("postgres", server.Database(t))
}

// at opens a ledger that may have no tables yet.
func (e engine) at(t testing.TB, place string) *ledgerdb.Ledger {
	t.Helper()
	l, err := e.open(place)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// migrated returns a migrated ledger in a place of its own.
func (e engine) migrated(t testing.TB) *ledgerdb.Ledger {
	t.Helper()
	l := e.at(t, e.place(t))
	require.NoError(t, l.Migrate(t.Context()))
	return l
}
