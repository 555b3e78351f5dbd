package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/internal/ledgertest"
)

// A backup holds what the ledger holds.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "copy.db")
	store := ledgertest.Open(t, "sqlite:"+path)
	saved := ledgertest.Whole()
	require.NoError(t, store.Save(t.Context(), saved))
	t.Setenv("LEDGER_URL", "sqlite:"+path)

	require.Equal(t, 0, execute(t.Context(), []string{"ledger", "backup", copied}))

	found, err := ledgertest.Open(t, "sqlite:"+copied).Find(t.Context(), identity.AllMerchants(), saved.Record.TransactionID)
	require.NoError(t, err)
	require.Equal(t, saved.Record.Answer, found.Record.Answer)
	require.Equal(t, exitFailure, execute(t.Context(), []string{"ledger", "backup", copied}), "an existing file is replaced")
}

// A backup of what is not an SQLite file is refused.
func TestBackupRefuses(t *testing.T) {
	to := filepath.Join(t.TempDir(), "copy.db")
	t.Setenv("LEDGER_URL", "postgres://orders:secret@localhost/orders")
	require.Equal(t, exitFailure, execute(t.Context(), []string{"ledger", "backup", to}))
	t.Setenv("LEDGER_URL", "mysql://localhost")
	require.Equal(t, exitConfig, execute(t.Context(), []string{"ledger", "backup", to}))
	_, err := os.Stat(to)
	require.ErrorIs(t, err, os.ErrNotExist)
}
