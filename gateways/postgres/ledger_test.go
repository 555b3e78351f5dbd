package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/gateways/postgres"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
)

var server ledgertest.Server

func TestMain(m *testing.M) {
	os.Exit(server.Main(m))
}

// execute runs statements as they are.
func execute(t *testing.T, url, statements string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	_, err = connection.PgConn().Exec(t.Context(), statements).ReadAll()
	require.NoError(t, err)
}

// connect is a ledger that may have no tables yet.
func connect(t *testing.T, url string) *sqlledger.Ledger {
	t.Helper()
	l, err := postgres.Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// open is a migrated ledger in a database of its own.
func open(t *testing.T) *sqlledger.Ledger {
	t.Helper()
	l := connect(t, server.URL("postgres", server.Database(t)))
	require.NoError(t, l.Migrate(t.Context()))
	return l
}

func TestTheLedgerInPostgreSQLDoesWhatALedgerMust(t *testing.T) {
	ledgertest.Conformance(t, func(t *testing.T) ledgertest.Store { return open(t) })
}

// docs/ledger.md gives these rights to a role of the API's own.
const readerRights = `
	CREATE ROLE orders_reader LOGIN PASSWORD 'postgres';
	GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_reader;`

func TestARoleThatMayOnlyReadReads(t *testing.T) {
	name := server.Database(t)
	writer := connect(t, server.URL("postgres", name))
	require.NoError(t, writer.Migrate(t.Context()))
	require.NoError(t, writer.Save(t.Context(), ledgertest.Whole()))
	execute(t, server.URL("postgres", name), readerRights)
	reader := connect(t, server.URL("orders_reader", name))
	require.NoError(t, reader.Ready(t.Context()))
	_, err := reader.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	page, err := reader.List(t.Context(), ledger.Query{Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Entries, 1)
	require.ErrorContains(t, reader.Save(t.Context(), ledgertest.Accepted(1)), "permission denied")
	_, err = reader.Prune(t.Context(), time.Now(), 1)
	require.ErrorContains(t, err, "permission denied")
}

func TestAContextThatEndsTakesItsStatementOffTheServer(t *testing.T) {
	name := server.Database(t)
	l := connect(t, server.URL("postgres", name))
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	other, err := pgx.Connect(t.Context(), server.URL("postgres", name))
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close(context.Background())) }()
	holding, err := other.Begin(t.Context())
	require.NoError(t, err)
	_, err = holding.Exec(t.Context(), "SELECT 1 FROM transactions FOR UPDATE")
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Save(ctx, ledgertest.Whole()), context.DeadlineExceeded)
	watcher, err := pgx.Connect(t.Context(), server.URL("postgres", name))
	require.NoError(t, err)
	defer func() { require.NoError(t, watcher.Close(context.Background())) }()
	waiting := 1
	for deadline := time.Now().Add(time.Minute); waiting > 0; time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the server still waits for the lock")
		require.NoError(t, watcher.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'orders' AND state = 'active'`).Scan(&waiting))
	}
	require.NoError(t, holding.Rollback(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
}

func TestALedgerOpensWhileItsServerIsAwayAndWorksOnceItIsThere(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	l := connect(t, fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/postgres?sslmode=disable", port))
	require.ErrorContains(t, l.Ready(t.Context()), "connect")
	own, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: t.TempDir(), Port: port})
	require.NoError(t, err)
	defer own.Kill()
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))

	own.Kill()
	require.Error(t, l.Ready(t.Context()))
	require.NoError(t, own.Start(t.Context()))
	found, err := l.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err, "a connection of before the outage is in the way")
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found), "what was saved is not there after a crash")
}
