// Package postgres keeps the ledger in a PostgreSQL database, for processes on any number of machines. It stands on pgx.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"

	"dummyorders/gateways/sqlledger"
)

const (
	// connections is how many a process has at most, and as many again for the checks that wait for each other.
	connections = 16
	// idleFor is how long one is kept that nobody uses.
	idleFor = 5 * time.Minute
	// renewAfter makes room for a server that was added, or replaced, behind the same name.
	renewAfter = time.Hour
	// lockTries is how often, a second apart, a process that waits for another's migration looks whether it is done. Its
	// context ends it sooner.
	lockTries = 3600

	lockTable      = "ledger_lock"
	undefinedTable = "42P01" // SQLSTATE, from PostgreSQL's appendix A
)

//go:embed migrations
var migrations embed.FS

// Deleting passes over rows that another process is deleting. Rows of the history are never changed, so that one that is
// locked stays where it is.
const (
	prune = `DELETE FROM transactions WHERE id = ANY (ARRAY(
		SELECT id FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ? FOR UPDATE SKIP LOCKED))`
	pruneUses = `DELETE FROM uses WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM uses WHERE at AT TIME ZONE 'UTC' < ?::timestamptz AT TIME ZONE 'UTC'
		ORDER BY at AT TIME ZONE 'UTC' LIMIT ? FOR UPDATE SKIP LOCKED))`
	pruneDecisions = `DELETE FROM decisions WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM decisions WHERE at < ? ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED))`

	// lock also has a few things to say of the database transaction, and they end with it. Its commit need not be flushed: a
	// crash of the server may take the last ones, of less than a second, each whole. Where its client stands still,
	// or is gone without a word, the server ends it, and with it the locks that others wait for. And it reads no
	// more uses than it is asked for, also of a value that is more frequent than the planner knows: a bitmap has all.
	lock = `SELECT set_config('synchronous_commit', 'off', true), set_config('idle_in_transaction_session_timeout', '30s', true),
		set_config('enable_bitmapscan', 'off', true), pg_advisory_xact_lock(key) FROM unnest(?::bigint[]) AS key`
)

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
	servers := &failover{}
	options := servers.watch(config)
	db := pool(config, options)
	return sqlledger.New(sqlledger.Engine{
		Place:   fmt.Sprintf("the database %s on %s", config.Database, config.Host),
		Dialect: goose.DialectPostgres, Migrations: files, Numbered: true,
		Prune: prune, PruneUses: pruneUses, PruneDecisions: pruneDecisions, Lock: lock,
		Time:     func(t time.Time) any { return t },
		NoTables: noTables,
		Alone:    alone,
		Again:    again,
		ReadOnly: `SELECT current_setting('transaction_read_only') = 'on'`,
		Renew:    servers.renew,
	}, sqlledger.Pools{Writer: db, Reader: db, History: pool(config, options)}), nil
}

// pool opens nothing yet. Checks have one of their own: those of a value that many share wait for each other, and whoever
// reads or saves must not wait behind them.
func pool(config *pgx.ConnConfig, options []stdlib.OptionOpenDB) *sql.DB {
	db := sql.OpenDB(newConnector(config, options))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleFor)
	db.SetConnMaxLifetime(renewAfter)
	return db
}

// alone leaves the lock to goose: a row that is leased, since a pooler gives no connection that could hold a lock. A
// process that dies meanwhile holds it for as long as the lease.
func alone(_ context.Context, migrate func(...goose.ProviderOption) error) error {
	locker, err := gooselock.NewPostgresTableLocker(gooselock.WithTableName(lockTable), gooselock.WithTableLockTimeout(time.Second, lockTries))
	if err != nil {
		return err
	}
	return migrate(goose.WithLocker(locker))
}

func noTables(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == undefinedTable
}
