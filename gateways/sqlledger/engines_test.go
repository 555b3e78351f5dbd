package sqlledger_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/gateways/postgres"
	"dummyorders/gateways/sqlite"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/stack"
)

// server is one for all tests of the package, each of which has a database of its own.
var server *stack.Postgres

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postgres")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		server, err = stack.StartPostgres(context.Background(), stack.PostgresOptions{Dir: dir})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(context.Background()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var databases atomic.Int64

// engine is a kind of database: its place is one for a ledger that nobody has made yet, to be opened several times.
type engine struct {
	place   func(t testing.TB) string
	open    func(place string) (*sqlledger.Ledger, error)
	explain string
}

var engines = map[string]engine{
	"SQLite": {
		place:   func(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger.db") },
		open:    sqlite.Open,
		explain: "EXPLAIN QUERY PLAN",
	},
	"PostgreSQL": {place: database, open: postgres.Open, explain: "EXPLAIN"},
}

// database is the URL of a new one.
func database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("ledger_%d", databases.Add(1))
	connection, err := pgx.Connect(t.Context(), server.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	_, err = connection.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return server.URL("postgres", name)
}

// at opens a ledger that may have no tables yet.
func (e engine) at(t testing.TB, place string) *sqlledger.Ledger {
	t.Helper()
	l, err := e.open(place)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// migrated is a ledger in a place of its own.
func (e engine) migrated(t testing.TB) *sqlledger.Ledger {
	t.Helper()
	l := e.at(t, e.place(t))
	require.NoError(t, l.Migrate(t.Context()))
	return l
}
