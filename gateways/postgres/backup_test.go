package postgres_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/internal/ledgertest"
)

// The commands are those of docs/ledger.md.
func TestADumpIsTheLedgerOfAMomentThoughWritesGoOn(t *testing.T) {
	from, to, file := server.Database(t), server.Database(t), filepath.Join(t.TempDir(), "orders.dump")
	l := connect(t, server.URL("postgres", from))
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	for n := range 300 {
		require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(n)))
	}
	begun, ended, writing := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { // a second save of a transaction, and a new one, until the dump has been made
		close(begun)
		for n := 300; ; n++ {
			for _, e := range []ledger.Entry{ledgertest.Ended(n-300, time.Now()), ledgertest.Accepted(n)} {
				if err := l.Save(context.Background(), e); err != nil {
					writing <- err
					return
				}
			}
			select {
			case <-ended:
				writing <- nil
				return
			default:
			}
		}
	}()
	<-begun
	tool(t, "pg_dump", "--format=custom", "--file="+file, server.URL("postgres", from))
	close(ended)
	require.NoError(t, <-writing)

	tool(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+server.URL("postgres", to), file)
	restored := connect(t, server.URL("postgres", to))
	require.NoError(t, restored.Ready(t.Context()))
	require.NoError(t, restored.Migrate(t.Context()))
	found, err := restored.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found))
	page, err := restored.List(t.Context(), ledger.Query{Limit: 100_000})
	require.NoError(t, err)
	require.Greater(t, len(page.Entries), 300, "what was saved before the dump is missing")
	require.NoError(t, restored.Save(t.Context(), ledgertest.Accepted(1_000_000)))
}

// tool runs one of the programs that come with the server.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), server.Program(name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, said)
}
