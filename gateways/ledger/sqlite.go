package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
)

const (
	// readers is how many queries a process runs on the file at once.
	readers = 4
	// lockTimeout is how long SQLite waits for other processes to finish writing. The end of a context stops the wait
	// sooner.
	lockTimeout = time.Minute
	// askLock is how often a process that waits for another's migration checks whether it is done.
	askLock = 50 * time.Millisecond
)

// The two ways to commit to a write-ahead log.
const (
	// flushed commits survive a power failure: each commit flushes the log.
	flushed = "FULL"
	// unflushed commits survive the end of their process, as flushed ones do. A power failure, or a crash of the machine,
	// may lose the last commits, those of the last seconds, but never a part of one. The file stays as sound as before
	// (sqlite.org/pragma.html#pragma_synchronous).
	unflushed = "NORMAL"
)

// Rows are deleted by rowid, which needs no look into another index. Uses have no rowid, and are found by their times: if
// the planner chose their key, it would go through all uses of a frequent value.
const (
	sqlitePrune = `DELETE FROM transactions WHERE rowid IN
		(SELECT rowid FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ?)`
	sqlitePruneUses = `DELETE FROM uses INDEXED BY uses_by_time WHERE (merchant, dimension, value, at, transaction_id) IN
		(SELECT merchant, dimension, value, at, transaction_id FROM uses WHERE at < ? ORDER BY at LIMIT ?)`
	sqlitePruneChanges = `DELETE FROM label_changes WHERE number IN
		(SELECT number FROM label_changes WHERE at < ? ORDER BY at LIMIT ?)`
	sqlitePruneDecisions = `DELETE FROM decisions WHERE rowid IN
		(SELECT rowid FROM decisions WHERE at < ? ORDER BY at LIMIT ?)`
)

// openSQLite returns a ledger in the SQLite file at path, for processes that share a machine: any number of them read and
// write it at once. The file, its folder and its tables need not exist before Migrate is called.
//
// A process saves over a single connection, since SQLite takes one writer at a time: more connections would only wait for
// locks. What was saved is on the disk. Uses are written over a connection of its own, which does not flush.
func openSQLite(path string) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open SQLite file: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return nil, err
	}
	pools, err := sqlitePools(path)
	if err != nil {
		return nil, err
	}
	return newLedger(engine{
		place:   path,
		dialect: goose.DialectSQLite3, migrations: files, oneWriter: true, namesIndex: true, find: "instr(record, ?) > 0",
		tried:      map[fraud.Shadow]string{fraud.ShadowRules: sqliteTried("LIKE"), fraud.ShadowRuleset: sqliteTried("NOT LIKE")},
		sum:        `CAST(min(total(amount), 9223372036854775807) AS INTEGER)`, // sum would fail; total is exact up to 2^53
		nextChange: `(SELECT coalesce(max(number), 0) + 1 FROM label_changes)`, changedSince: `number >= ?`,
		prune: sqlitePrune, pruneUses: sqlitePruneUses, pruneDecisions: sqlitePruneDecisions, pruneChanges: sqlitePruneChanges,
		lockLast: auditEnd + "last", lockFirst: auditEnd + "first",
		read: readSQLite, inRounds: inRoundsSQLite,
		sqlTime: func(t time.Time) any { return t.UnixMicro() }, now: `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`,
		day: `date(t.started_at / 1000000, 'unixepoch')`, minute: `t.started_at / 60000000`, micros: `l.at`,
		noTables: func(err error) bool { return noSQLiteTables(path, err) },
		withLock: func(ctx context.Context, migrate func(...goose.ProviderOption) error) error {
			return withFileLocked(ctx, path, migrate)
		},
	}, pools), nil
}

// sqliteTried returns the outcome of the trial whose ruleset's id is, or is not, like that of a ruleset with its rules in shadow.
func sqliteTried(like string) string {
	return `(SELECT value ->> '$.outcome' FROM json_each(record, '$.explanation.trials')
		WHERE value ->> '$.ruleset.id' ` + like + ` '%` + fraud.WithShadow + `')`
}

func readSQLite(ctx context.Context, db *sql.DB, _ identity.Merchants, q query, each func(row) error) error {
	rows, err := db.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inRoundsSQLite runs each statement by itself.
func inRoundsSQLite(ctx context.Context, db *sql.DB, rounds ...round) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit, it does nothing
	for _, next := range rounds {
		all, err := next()
		if err != nil {
			return err
		}
		for _, s := range all {
			if err := s.runSQLite(ctx, tx); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func (s statement) runSQLite(ctx context.Context, tx *sql.Tx) error {
	if s.each == nil {
		_, err := tx.ExecContext(ctx, s.text, s.args...)
		return s.explain(err)
	}
	rows, err := tx.QueryContext(ctx, s.text, s.args...) //nolint:rowserrcheck // take checks it
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = rows.Close() }()
	return s.take(rows)
}

func sqlitePools(path string) (pools, error) {
	writer, err := sqliteWriter(path, flushed)
	if err != nil {
		return pools{}, err
	}
	velocity, err := sqliteWriter(path, unflushed)
	if err != nil {
		return pools{}, errors.Join(err, writer.Close())
	}
	reader, err := sqlitePool(path, readers, url.Values{"mode": {"ro"}})
	if err != nil {
		return pools{}, errors.Join(err, writer.Close(), velocity.Close())
	}
	return pools{writer: writer, reader: reader, velocity: velocity}, nil
}

// sqliteWriter returns a pool that writes. Pages of a new file have 8 KB, since only one transaction fits into the usual 4
// KB: this makes the file a third smaller. A log that a long query made grow is cut down to 64 MB again.
func sqliteWriter(path, synchronous string) (*sql.DB, error) {
	return sqlitePool(path, 1, url.Values{
		"mode": {"rw"}, "_journal_mode": {"WAL"}, "_synchronous": {synchronous}, "_foreign_keys": {"on"},
		"_pragma": {"page_size(8192)", "journal_size_limit(67108864)"},
	})
}

// sqlitePool returns a pool, and opens nothing yet. Double quotes never make a string, and no statement can break the
// file's inner structure.
func sqlitePool(path string, size int, options url.Values) (*sql.DB, error) {
	options.Set("_busy_timeout", fmt.Sprint(lockTimeout.Milliseconds()))
	options.Set("_dqs", "false")
	options.Set("_defensive", "true")
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	connector, err := driver.NewConnector(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	db := sql.OpenDB(preparing{connector})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// withFileLocked migrates while it holds a lock file beside the file. It first creates the file and its folder if they do
// not exist, for their owner only.
func withFileLocked(ctx context.Context, path string, migrate func(...goose.ProviderOption) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of SQLite file %s: %w", path, err)
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, askLock); err != nil {
		return fmt.Errorf("lock %s.lock: %w", path, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := createFile(path); err != nil {
		return err
	}
	return migrate()
}

// createFile creates an empty file, for its owner only. It never opens a file that exists: closing that would release the
// locks that SQLite holds on it in this process (sqlite.org/howtocorrupt.html, 2.2).
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make SQLite file: %w", err)
	}
	return file.Close()
}

func noSQLiteTables(path string, err error) bool {
	if _, is := errors.AsType[*driver.Error](err); !is {
		return false
	}
	_, missing := os.Stat(path)
	return errors.Is(missing, fs.ErrNotExist) || strings.Contains(err.Error(), "no such table")
}

// Backup writes a complete copy of the ledger in the file from to the file to, which must not exist. Processes may write
// during the backup: the copy is the ledger as it was when the backup began. The copy gets its name only once all of it is
// on the disk. To restore it, put it in the place of the ledger's file while no process uses that.
func Backup(ctx context.Context, from, to string) error {
	exists := fmt.Errorf("back up the ledger to %s: the file exists already", to)
	switch _, err := os.Stat(to); {
	case err == nil:
		return exists
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("back up the ledger: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".part*") // readable by its owner only
	if err != nil {
		return fmt.Errorf("back up the ledger: %w", err)
	}
	if err = part.Close(); err == nil {
		err = copyFile(ctx, from, part.Name())
	}
	if err == nil {
		err = moveNew(part.Name(), to)
	}
	if err == nil {
		err = flush(filepath.Dir(to))
	}
	if errors.Is(err, fs.ErrExist) {
		err = exists
	} else if err != nil {
		err = fmt.Errorf("back up the ledger %s to %s: %w", from, to, err)
	}
	return errors.Join(err, os.RemoveAll(part.Name()))
}

// moveNew gives a file a name that must not exist: a rename would replace a file that has it. Where a file system has no links, it renames.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(from, to)
	}
	return err
}

// copyFile makes the copy in an empty file, and flushes it, which VACUUM INTO does not do.
func copyFile(ctx context.Context, from, to string) error {
	path, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	db, err := sqlitePool(path, 1, url.Values{"mode": {"ro"}})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	return flush(to)
}

// flush writes a file, or a folder's names, to the disk.
func flush(path string) error {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
