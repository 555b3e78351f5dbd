package ledgertest

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
)

// Open opens a ledger with the newest tables for as long as the test runs.
func Open(t testing.TB, url string) *ledgerdb.Ledger {
	t.Helper()
	if path, is := ledgerdb.SQLiteFile(url); is {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			MakeFile(t, path)
		}
	}
	l, err := ledgerdb.Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, l.Migrate(t.Context()))
	return l
}

// MakeFile makes an SQLite file with the newest tables. It copies one whose tables are made once, which takes far less time.
func MakeFile(t testing.TB, path string) {
	t.Helper()
	file, err := withTables()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, file, 0o600))
}

// withTables returns an SQLite file that has the newest tables and no rows.
var withTables = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "ledger-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "ledger.db")
	l, err := ledgerdb.Open("sqlite:" + path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(l.Migrate(context.Background()), l.Close()); err != nil {
		return nil, err
	}
	return ReadFile(path)
})

// ReadFile returns the content of a ledger's file that no process has open, with what was still in its log.
func ReadFile(path string) ([]byte, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // the test's own file
}
