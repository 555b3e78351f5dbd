package ledger_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
// times. copier returns a function that copies a closed ledger, and returns the place of the copy.
type engine struct {
	name    string
	place   func(t testing.TB) string
	copier  func(t testing.TB, place string) func(t testing.TB) string
	open    func(place string) (*ledgerdb.Ledger, error)
	explain string
}

var engines = map[string]engine{
	"SQLite":     {name: "SQLite", place: file, copier: fileCopier, open: ledgerdb.OpenSQLite, explain: "EXPLAIN QUERY PLAN"},
	"PostgreSQL": {name: "PostgreSQL", place: database, copier: databaseCopier, open: ledgerdb.OpenPostgres, explain: "EXPLAIN"},
}

func file(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "ledger.db")
}

func fileCopier(t testing.TB, place string) func(t testing.TB) string {
	t.Helper()
	content, err := ledgertest.ReadFile(place)
	require.NoError(t, err)
	return func(t testing.TB) string {
		t.Helper()
		place := file(t)
		require.NoError(t, os.WriteFile(place, content, 0o600))
		return place
	}
}

// database creates a database, and returns its URL.
func database(t testing.TB) string {
	t.Helper()
	return server.URL("postgres", server.Database(t))
}

func databaseCopier(t testing.TB, place string) func(t testing.TB) string {
	t.Helper()
	from := databaseName(t, place)
	return func(t testing.TB) string {
		t.Helper()
		return server.URL("postgres", server.Copy(t, from))
	}
}

func databaseName(t testing.TB, place string) string {
	t.Helper()
	at, err := url.Parse(place)
	require.NoError(t, err)
	return strings.TrimPrefix(at.Path, "/")
}

// prepared returns a function that returns the place of a ledger of an engine, prepared by prepare. It prepares one for each engine,
// and copies it for each caller: a copy takes far less time than tables or rows.
func prepared(prepare func(t testing.TB, e engine, l *ledgerdb.Ledger)) func(t testing.TB, e engine) (place string) {
	var mu sync.Mutex
	copies := map[string]func(t testing.TB) string{}
	return func(t testing.TB, e engine) string {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if copies[e.name] == nil {
			place := e.place(t)
			l, err := e.open(place)
			require.NoError(t, err)
			prepare(t, e, l)
			require.NoError(t, l.Close())
			copies[e.name] = e.copier(t, place)
		}
		return copies[e.name](t)
	}
}

// withTables prepares the newest tables without rows.
var withTables = prepared(func(t testing.TB, _ engine, l *ledgerdb.Ledger) {
	t.Helper()
	require.NoError(t, l.Migrate(t.Context()))
})

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
	return e.at(t, withTables(t, e))
}
