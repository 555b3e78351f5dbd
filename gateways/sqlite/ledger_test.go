package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/gateways/sqlite"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/ledgertest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(asSaver); path != "" {
		saveUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// connect is a ledger that may have no tables yet.
func connect(t *testing.T, path string) *sqlledger.Ledger {
	t.Helper()
	l, err := sqlite.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// open is a migrated ledger in a file.
func open(t *testing.T, path string) *sqlledger.Ledger {
	t.Helper()
	l := connect(t, path)
	require.NoError(t, l.Migrate(t.Context()))
	return l
}

func TestTheLedgerInSQLiteDoesWhatALedgerMust(t *testing.T) {
	ledgertest.Conformance(t, func(t *testing.T) ledgertest.Store { return open(t, filepath.Join(t.TempDir(), "ledger.db")) })
}

func TestAPathMayHoldWhatIsSpecialInAURL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%41?c#d&mode=memory.db")
	require.NoError(t, open(t, path).Save(t.Context(), ledgertest.Whole()))
	require.FileExists(t, path)
	_, err := connect(t, path).Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
}

func TestOnlyTheOwnerMayReadTheFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, filepath.Join(dir, "ledger.db")).Save(t.Context(), ledgertest.Whole()))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "the file, its log, the log's index, and the migration's lock")
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s: %s", entry.Name(), info.Mode())
	}
}

func TestTheFolderIsMadeWithTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "ledger.db")
	l := connect(t, path)
	require.ErrorContains(t, l.Ready(t.Context()), "the worker makes them at its start")
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Ready(t.Context()))
	info, err := os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "%s", info.Mode())
}

func TestReadingNeedsNoWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	writer, err := sqlite.Open(path)
	require.NoError(t, err)
	require.NoError(t, writer.Migrate(t.Context()))
	require.NoError(t, writer.Save(t.Context(), ledgertest.Whole()))
	reader := connect(t, path)
	_, err = reader.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	for _, l := range []*sqlledger.Ledger{reader, connect(t, path)} {
		_, err = l.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
		require.NoError(t, err)
	}
}

// A commit is flushed, and so outlives a power failure, only at level 2, and only a log leaves readers alone. What is
// counted waits for no flush, and with a log the file stays sound all the same.
func TestWhatIsSavedIsFlushedAndWhatIsCountedIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	open(t, path)
	for pragma, want := range map[string][2]string{"synchronous": {"2", "1"}, "foreign_keys": {"1", "1"}, "journal_mode": {"wal", "wal"}} {
		saving, counting, err := sqlite.Pragma(t.Context(), path, pragma)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{saving, counting}, pragma)
	}
	require.True(t, logged(t, path))
}

// logged says whether the file keeps a write-ahead log (sqlite.org/fileformat2.html, 1.3.3).
func logged(t *testing.T, path string) bool {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return file[18] == 2 && file[19] == 2
}
