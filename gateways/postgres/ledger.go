// Package postgres keeps the ledger in a PostgreSQL database, for processes on any number of machines. It stands on pgx.
package postgres

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"dummyorders/gateways/sqlledger"
)

const (
	// connections is how many a process has at most.
	connections = 16
	// idleFor is how long one is kept that nobody uses.
	idleFor = 5 * time.Minute
	// renewAfter makes room for a server that was added, or replaced, behind the same name.
	renewAfter = time.Hour
	// lockTries is how often, a second apart, a process that waits for another's migration looks whether it is done. Its
	// context ends it sooner.
	lockTries = 3600

	undefinedTable = "42P01" // SQLSTATE, from PostgreSQL's appendix A
)

//go:embed migrations
var migrations embed.FS

// prune passes over rows that another process is deleting.
const prune = `DELETE FROM transactions WHERE id = ANY (ARRAY(
	SELECT id FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ? FOR UPDATE SKIP LOCKED))`

// Open is a ledger in the database that the URL names, which must be there; its tables need not before Migrate is
// called. To read, a role needs no more than SELECT on the tables. A context that ends takes its statement off the
// server.
func Open(text string) (*sqlledger.Ledger, error) {
	config, err := parse(text)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleFor)
	db.SetConnMaxLifetime(renewAfter)
	return sqlledger.New(sqlledger.Engine{
		Dialect: goose.DialectPostgres, Migrations: files, Numbered: true, Prune: prune,
		Time:     func(t time.Time) any { return t },
		NoTables: noTables,
		Alone:    alone,
	}, db, db), nil
}

// alone leaves the lock to goose, which takes an advisory one on the connection that it works on.
func alone(_ context.Context, migrate func(...goose.ProviderOption) error) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, lockTries))
	if err != nil {
		return err
	}
	return migrate(goose.WithSessionLocker(locker))
}

func noTables(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == undefinedTable
}
