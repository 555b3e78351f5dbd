package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/gateways/sqlite"
	"dummyorders/internal/ledgertest"
)

func TestABackupIsTheLedgerOfAMomentThoughWritesGoOn(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	l := open(t, path)
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	for n := range 500 {
		require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(n)))
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	last, saved, ended := 500, make(chan int, 1), make(chan struct{})
	writing := make(chan error, 1)
	go func() { // a second save of a transaction, and a new one, until the backup has been made
		for n := last; ; n++ {
			if err := l.Save(ctx, ledgertest.Ended(n-last, time.Now())); err != nil {
				writing <- err
				return
			}
			if err := l.Save(ctx, ledgertest.Accepted(n)); err != nil {
				writing <- err
				return
			}
			select {
			case saved <- n:
			case <-ended:
				writing <- nil
				return
			default:
			}
		}
	}()
	<-saved
	require.NoError(t, sqlite.Backup(ctx, path, copied))
	close(ended)
	require.NoError(t, <-writing)

	info, err := os.Stat(copied)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "others may read it: %s", info.Mode())
	restored := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.Rename(copied, restored))
	require.NoError(t, connect(t, restored).Ready(t.Context()), "an API that reads it before a worker has opened it")
	again := open(t, restored)
	found, err := again.Find(t.Context(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found))
	page, err := again.List(t.Context(), ledger.Query{Limit: 100_000})
	require.NoError(t, err)
	require.Greater(t, len(page.Entries), 500, "what was saved before the backup is missing")
	require.NoError(t, again.Save(t.Context(), ledgertest.Accepted(1_000_000)))
	require.True(t, logged(t, restored))
}

func TestABackupNeverTakesThePlaceOfAFile(t *testing.T) {
	dir := t.TempDir()
	path, taken := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	require.NoError(t, open(t, path).Save(t.Context(), ledgertest.Whole()))
	require.NoError(t, os.WriteFile(taken, []byte("precious"), 0o600))
	require.ErrorContains(t, sqlite.Backup(t.Context(), path, taken), "there is such a file already")
	text, err := os.ReadFile(taken)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, sqlite.Backup(t.Context(), filepath.Join(dir, "missing.db"), filepath.Join(dir, "backup.db")), "missing.db")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(dir, "ledger.db")
	require.NoError(t, open(t, path).Save(t.Context(), ledgertest.Whole()))
	require.Error(t, sqlite.Backup(ended, path, filepath.Join(dir, "backup.db")))
	left, err := filepath.Glob(filepath.Join(dir, "backup*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, sqlite.Backup(t.Context(), path, filepath.Join(dir, "backup.db")), "what an earlier one left is in the way")
}
