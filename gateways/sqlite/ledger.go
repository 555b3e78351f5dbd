// Package sqlite keeps the ledger in a SQLite file, for processes that share a machine: any number of them read and
// write it at once. It stands on modernc.org/sqlite, which is SQLite without cgo.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
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

	"dummyorders/gateways/sqlledger"
)

const (
	// readers is how many questions a process asks of the file at once.
	readers = 4
	// lockTimeout is how long SQLite waits for other processes to finish writing. A context that ends sooner ends it.
	lockTimeout = time.Minute
	// askLock is how often a process that waits for another's migration looks whether it is done.
	askLock = 50 * time.Millisecond
)

// The two ways to commit to a write-ahead log.
const (
	// flushed outlives a power failure: each commit flushes the log.
	flushed = "FULL"
	// unflushed outlives the end of its process, as what is flushed does. A power failure, or a crash of the machine, may
	// take the last commits, those of the last seconds, each whole; it leaves the file as sound as before
	// (sqlite.org/pragma.html#pragma_synchronous).
	unflushed = "NORMAL"
)

//go:embed migrations
var migrations embed.FS

// Rows are named by rowid, which needs no look into another index. Uses have none, and are looked for by their times: by
// dimension and value, which the planner may prefer, it would go through all uses of a busy value.
const (
	prune = `DELETE FROM transactions WHERE rowid IN
		(SELECT rowid FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ?)`
	pruneUses = `DELETE FROM uses INDEXED BY uses_by_time WHERE (dimension, value, at, transaction_id) IN
		(SELECT dimension, value, at, transaction_id FROM uses WHERE at < ? ORDER BY at LIMIT ?)`
	pruneDecisions = `DELETE FROM decisions WHERE rowid IN
		(SELECT rowid FROM decisions WHERE at < ? ORDER BY at LIMIT ?)`
)

// Open is a ledger in the file at path. Neither the file, nor its folder, nor its tables need to be there before Migrate
// is called.
//
// A process saves over a single connection, since SQLite takes one writer at a time; the others would only wait for
// locks. What was saved is on the disk. The history is written over a connection of its own, which does not flush.
func Open(path string) (*sqlledger.Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open SQLite file: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	pools, err := pools(path)
	if err != nil {
		return nil, err
	}
	return sqlledger.New(sqlledger.Engine{
		Place:   path,
		Dialect: goose.DialectSQLite3, Migrations: files, OneWriter: true,
		Prune: prune, PruneUses: pruneUses, PruneDecisions: pruneDecisions,
		Time:     func(t time.Time) any { return t.UnixMicro() },
		NoTables: func(err error) bool { return noTables(path, err) },
		Alone: func(ctx context.Context, migrate func(...goose.ProviderOption) error) error {
			return alone(ctx, path, migrate)
		},
	}, pools), nil
}

func pools(path string) (sqlledger.Pools, error) {
	writer, err := writing(path, flushed)
	if err != nil {
		return sqlledger.Pools{}, err
	}
	history, err := writing(path, unflushed)
	if err != nil {
		return sqlledger.Pools{}, errors.Join(err, writer.Close())
	}
	reader, err := pool(path, readers, url.Values{"mode": {"ro"}})
	if err != nil {
		return sqlledger.Pools{}, errors.Join(err, writer.Close(), history.Close())
	}
	return sqlledger.Pools{Writer: writer, Reader: reader, History: history}, nil
}

// writing is the pool that writes. Pages of a new file are of 8 KB, since only one transaction fits into the usual 4: the
// file is a third smaller. A log that a long question made grow is cut down to 64 MB again.
func writing(path, synchronous string) (*sql.DB, error) {
	return pool(path, 1, url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {synchronous}, "_foreign_keys": {"on"},
		"_pragma": {"page_size(8192)", "journal_size_limit(67108864)"},
	})
}

// pool opens nothing yet. Double quotes never make a string, and no statement can break the file's inner structure.
func pool(path string, size int, options url.Values) (*sql.DB, error) {
	options.Set("_busy_timeout", fmt.Sprint(lockTimeout.Milliseconds()))
	options.Set("_dqs", "false")
	options.Set("_defensive", "true")
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	connector, err := driver.NewConnector(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// alone makes the file and its folder if they are not there, for its owner's eyes only, and holds a lock beside it
// meanwhile.
func alone(ctx context.Context, path string, migrate func(...goose.ProviderOption) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of SQLite file %s: %w", path, err)
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, askLock); err != nil {
		return fmt.Errorf("lock %s.lock: %w", path, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := create(path); err != nil {
		return err
	}
	return migrate()
}

// create never opens a file that is there: closing it would end the locks that SQLite holds on it in this process
// (sqlite.org/howtocorrupt.html, 2.2).
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // whoever runs the service names it
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make SQLite file: %w", err)
	}
	return file.Close()
}

func noTables(path string, err error) bool {
	if !errors.As(err, new(*driver.Error)) {
		return false
	}
	_, missing := os.Stat(path)
	return errors.Is(missing, fs.ErrNotExist) || strings.Contains(err.Error(), "no such table")
}
