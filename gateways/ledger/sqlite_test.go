package ledger_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/velocitytest"
)

// connectFile opens a ledger that may have no tables yet.
func connectFile(t *testing.T, path string) *ledgerdb.Ledger {
	t.Helper()
	l, err := ledgerdb.OpenSQLite(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// openFile returns a migrated ledger in a file.
func openFile(t *testing.T, path string) *ledgerdb.Ledger {
	t.Helper()
	l := connectFile(t, path)
	require.NoError(t, l.Migrate(t.Context()))
	return l
}

func TestSQLiteConformance(t *testing.T) {
	ledgertest.Conformance(t, func(t *testing.T) ledgertest.Store { return engines["SQLite"].migrated(t) })
}

// A path may hold what is special in a URL.
func TestSQLitePathWithURLCharacters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%41?c#d&mode=memory.db")
	require.NoError(t, openFile(t, path).Save(t.Context(), ledgertest.Whole()))
	require.FileExists(t, path)
	_, err := connectFile(t, path).Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
}

// Only the owner may read the files.
func TestSQLiteFileModes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openFile(t, filepath.Join(dir, "ledger.db")).Save(t.Context(), ledgertest.Whole()))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "the file, its log, the log's index, and the migration's lock")
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s: %s", entry.Name(), info.Mode())
	}
}

func TestSQLiteMakesFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "ledger.db")
	l := connectFile(t, path)
	require.ErrorContains(t, l.Ready(t.Context()), "the worker makes them at its start")
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Ready(t.Context()))
	info, err := os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "%s", info.Mode())
}

func TestReadingNeedsNoWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	writer, err := ledgerdb.OpenSQLite(path)
	require.NoError(t, err)
	require.NoError(t, writer.Migrate(t.Context()))
	require.NoError(t, writer.Save(t.Context(), ledgertest.Whole()))
	reader := connectFile(t, path)
	_, err = reader.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	for _, l := range []*ledgerdb.Ledger{reader, connectFile(t, path)} {
		_, err = l.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
		require.NoError(t, err)
	}
}

// What is saved is flushed and what is counted is not. Only at level 2 is a commit flushed, so that it survives a power
// failure, and only with a log can readers read meanwhile. What is counted waits for no flush; with a log, the file
// still stays sound.
func TestSQLitePragmas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	openFile(t, path)
	for pragma, want := range map[string][2]string{"synchronous": {"2", "1"}, "foreign_keys": {"1", "1"}, "journal_mode": {"wal", "wal"}} {
		saving, counting, err := ledgerdb.Pragma(t.Context(), path, pragma)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{saving, counting}, pragma)
	}
	require.True(t, logged(t, path))
}

// logged reports whether the file keeps a write-ahead log (sqlite.org/fileformat2.html, 1.3.3).
func logged(t *testing.T, path string) bool {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return file[18] == 2 && file[19] == 2
}

// A backup is the ledger of one moment, although writes go on.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	l := openFile(t, path)
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	for n := range 500 {
		require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(n)))
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	last, saved, ended := 500, make(chan int, 1), make(chan struct{})
	writing := make(chan error, 1)
	go func() { // save a transaction again, and a new one, until the backup has been made
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
	require.NoError(t, ledgerdb.Backup(ctx, path, copied))
	close(ended)
	require.NoError(t, <-writing)

	info, err := os.Stat(copied)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "others may read it: %s", info.Mode())
	restored := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.Rename(copied, restored))
	require.NoError(t, connectFile(t, restored).Ready(t.Context()), "an API that reads it before a worker has opened it")
	again := openFile(t, restored)
	found, err := again.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found))
	page, err := again.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 100_000})
	require.NoError(t, err)
	require.Greater(t, len(page.Entries), 500, "what was saved before the backup is missing")
	require.NoError(t, again.Save(t.Context(), ledgertest.Accepted(1_000_000)))
	require.True(t, logged(t, restored))
}

func TestBackupKeepsExistingFile(t *testing.T) {
	dir := t.TempDir()
	path, taken := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	require.NoError(t, openFile(t, path).Save(t.Context(), ledgertest.Whole()))
	require.NoError(t, os.WriteFile(taken, []byte("precious"), 0o600))
	require.ErrorContains(t, ledgerdb.Backup(t.Context(), path, taken), "the file exists already")
	text, err := os.ReadFile(taken)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	require.ErrorContains(t, ledgerdb.Backup(t.Context(), path, filepath.Join(taken, "backup.db")), "not a directory")

	free := filepath.Join(dir, "free.db")
	const number = 8
	results := make(chan error, number)
	for range number {
		go func() { results <- ledgerdb.Backup(t.Context(), path, free) }()
	}
	made := 0
	for range number {
		if err := <-results; err == nil {
			made++
		} else {
			require.ErrorContains(t, err, "the file exists already", "another backup made it meanwhile")
		}
	}
	require.Equal(t, 1, made)
	require.NoError(t, connectFile(t, free).Ready(t.Context()))
	left, err := filepath.Glob(filepath.Join(dir, "*.part*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A backup that fails leaves no file.
func TestBackupFails(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, ledgerdb.Backup(t.Context(), filepath.Join(dir, "missing.db"), filepath.Join(dir, "backup.db")), "missing.db")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(dir, "ledger.db")
	require.NoError(t, openFile(t, path).Save(t.Context(), ledgertest.Whole()))
	require.Error(t, ledgerdb.Backup(ended, path, filepath.Join(dir, "backup.db")))
	left, err := filepath.Glob(filepath.Join(dir, "backup*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, ledgerdb.Backup(t.Context(), path, filepath.Join(dir, "backup.db")), "what an earlier one left is in the way")
}

// A check that waits for another process ends with its context. To look does not wait.
func TestDecideWaitsForOtherProcess(t *testing.T) {
	l, other := busy(t)
	use := velocitytest.Use(1, "a")
	check := func(ctx context.Context) error {
		_, err := l.Decide(ctx, velocitytest.Check(use), use, nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, check(ctx), context.DeadlineExceeded)
	past, err := l.Look(t.Context(), "", []velocity.Lookup{{By: velocity.Card, Value: "a"}})
	require.NoError(t, err)
	require.Empty(t, past)
	pruning, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err = l.PruneVelocity(pruning, time.Now(), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, other.Rollback())
	require.NoError(t, check(t.Context()))
}

// asSaver makes a process of this test a worker on the file that it names.
const asSaver = "SAVE_IN_LEDGER"

// saveUntilKilled creates the tables, and then prints the id of each transaction once it is saved.
func saveUntilKilled(path string) {
	ctx := context.Background()
	l, err := ledgerdb.OpenSQLite(path)
	if err == nil {
		err = l.Migrate(ctx)
	}
	for n := os.Getpid() * 1000; err == nil; n++ {
		e := ledgertest.Accepted(n)
		if err = l.Save(ctx, e); err == nil {
			fmt.Println(e.Record.TransactionID)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Processes share a file, and nothing that was saved is lost when they are killed. Four workers start at once on a file
// that does not exist, while this process reads it, and are killed one by one.
func TestSQLiteKilledProcesses(t *testing.T) {
	const each = 100
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	reader := connectFile(t, path)
	var said []*bufio.Reader
	var workers []*exec.Cmd
	for range 4 {
		worker := exec.CommandContext(ctx, os.Args[0])
		worker.Env = append(os.Environ(), asSaver+"="+path)
		worker.Stderr = os.Stderr
		out, err := worker.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, worker.Start())
		said, workers = append(said, bufio.NewReader(out)), append(workers, worker)
	}
	var saved []string
	for i, worker := range workers {
		for range each {
			line, err := said[i].ReadString('\n')
			require.NoError(t, err, "a worker ended by itself")
			saved = append(saved, strings.TrimSpace(line))
			_, err = reader.List(ctx, ledger.Query{Merchants: identity.AllMerchants(), Limit: 1})
			require.NoError(t, err)
		}
		require.NoError(t, worker.Process.Kill())
		rest, err := io.ReadAll(said[i]) // what it printed before it was killed
		require.NoError(t, err)
		lines := strings.SplitAfter(string(rest), "\n")
		for _, line := range lines[:len(lines)-1] {
			saved = append(saved, strings.TrimSpace(line))
		}
		require.Error(t, worker.Wait())
	}
	require.GreaterOrEqual(t, len(saved), len(workers)*each)
	for _, id := range saved {
		_, err := reader.Find(ctx, identity.AllMerchants(), id)
		require.NoError(t, err)
	}
	require.NoError(t, openFile(t, path).Save(ctx, ledgertest.Whole()), "a lock has outlived its process")
}

// busy returns a ledger that another process is writing to, until it ends its transaction.
func busy(t *testing.T) (l *ledgerdb.Ledger, other *sql.Tx) {
	t.Helper()
	path := withTables(t, engines["SQLite"])
	l = connectFile(t, path)
	db, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	other, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Rollback() })
	return l, other
}

// saveAll saves a transaction for each order, all at once, and returns the result of each.
func saveAll(ctx context.Context, l *ledgerdb.Ledger, orders ...string) map[string]chan error {
	results := map[string]chan error{}
	for n, order := range orders {
		e := ledgertest.Accepted(n)
		e.Record.Order.ID = order
		result := make(chan error, 1)
		results[order] = result
		go func() { result <- l.Save(ctx, e) }()
	}
	return results
}

// A save that waits for another process ends with its context. Readers do not wait.
func TestSaveWaitsForOtherProcess(t *testing.T) {
	l, other := busy(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Save(ctx, ledgertest.Whole()), context.DeadlineExceeded)
	_, err := l.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.ErrorIs(t, err, ledger.ErrNotFound)
	pruning, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err = l.Prune(pruning, time.Now(), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, other.Rollback())
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
}

// A saver that gives up does not stop others.
func TestSaveCancelled(t *testing.T) {
	l, other := busy(t)
	ctx, giveUp := context.WithCancel(t.Context())
	first := saveAll(ctx, l, "first", "second", "third")
	stay := saveAll(t.Context(), l, "fourth", "fifth")
	giveUp()
	for _, result := range first {
		require.ErrorIs(t, <-result, context.Canceled)
	}
	require.NoError(t, other.Rollback())
	for _, result := range stay {
		require.NoError(t, <-result)
	}
}

// A save that fails does not fail others.
func TestSaveFailsAlone(t *testing.T) {
	l, other := busy(t)
	_, err := other.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON transactions WHEN new.order_id = 'poison'
		BEGIN SELECT raise(ABORT, 'this one cannot be saved'); END`)
	require.NoError(t, err)
	results := saveAll(t.Context(), l, "a", "b", "poison", "c", "d", "e", "f", "g", "h", "i", "j")
	require.NoError(t, other.Commit())
	for order, result := range results {
		if err := <-result; order == "poison" {
			require.ErrorContains(t, err, "this one cannot be saved")
		} else {
			require.NoError(t, err, order)
		}
	}
	page, err := l.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 100})
	require.NoError(t, err)
	require.Len(t, page.Entries, len(results)-1)
}
