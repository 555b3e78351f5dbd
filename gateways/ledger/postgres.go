package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"
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

// Deleting passes over rows that another process is deleting. Rows of the history are never changed, so that one that is
// locked stays where it is.
const (
	postgresPrune = `DELETE FROM transactions WHERE id = ANY (ARRAY(
		SELECT id FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ? FOR UPDATE SKIP LOCKED))`
	postgresPruneUses = `DELETE FROM uses WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM uses WHERE at AT TIME ZONE 'UTC' < ?::timestamptz AT TIME ZONE 'UTC'
		ORDER BY at AT TIME ZONE 'UTC' LIMIT ? FOR UPDATE SKIP LOCKED))`
	postgresPruneDecisions = `DELETE FROM decisions WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM decisions WHERE at < ? ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED))`

	// postgresLock also has a few things to say of the database transaction, and they end with it. Its commit need not be flushed: a
	// crash of the server may take the last ones, of less than a second, each whole. Where its client stands still,
	// or is gone without a word, the server ends it, and with it the locks that others wait for. And it reads no
	// more uses than it is asked for, also of a value that is more frequent than the planner knows: a bitmap has all.
	postgresLock = `SELECT set_config('synchronous_commit', 'off', true), set_config('idle_in_transaction_session_timeout', '30s', true),
		set_config('enable_bitmapscan', 'off', true), pg_advisory_xact_lock(key) FROM unnest(?::bigint[]) AS key`
)

// openPostgres returns a ledger in the database that the URL names, for processes on any number of machines. The database must
// be there; its tables need not before Migrate is called. To read, a role needs no more than SELECT on the tables. A context that ends takes its statement off the
// server.
func openPostgres(text string) (*Ledger, error) {
	config, err := parsePostgres(text)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations/postgres")
	if err != nil {
		return nil, err
	}
	servers := &failover{}
	options := servers.watch(config)
	db := postgresPool(config, options)
	return newLedger(engine{
		Place:   fmt.Sprintf("the database %s on %s", config.Database, config.Host),
		Dialect: goose.DialectPostgres, Migrations: files, Numbered: true,
		Prune: postgresPrune, PruneUses: postgresPruneUses, PruneDecisions: postgresPruneDecisions, Lock: postgresLock,
		Time:     func(t time.Time) any { return t },
		NoTables: noPostgresTables,
		Alone:    withTableLocked,
		Again:    mayWorkAgain,
		ReadOnly: `SELECT current_setting('transaction_read_only') = 'on'`,
		Renew:    servers.renew,
	}, pools{Writer: db, Reader: db, History: postgresPool(config, options)}), nil
}

// postgresPool opens nothing yet. Checks have one of their own: those of a value that many share wait for each other, and whoever
// reads or saves must not wait behind them.
func postgresPool(config *pgx.ConnConfig, options []stdlib.OptionOpenDB) *sql.DB {
	db := sql.OpenDB(newConnector(config, options))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleFor)
	db.SetConnMaxLifetime(renewAfter)
	return db
}

// withTableLocked leaves the lock to goose: a row that is leased, since a pooler gives no connection that could hold a lock. A
// process that dies meanwhile holds it for as long as the lease.
func withTableLocked(_ context.Context, migrate func(...goose.ProviderOption) error) error {
	locker, err := gooselock.NewPostgresTableLocker(gooselock.WithTableName(lockTable), gooselock.WithTableLockTimeout(time.Second, lockTries))
	if err != nil {
		return err
	}
	return migrate(goose.WithLocker(locker))
}

func noPostgresTables(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == undefinedTable
}

// serverGone are the SQLSTATE codes, from PostgreSQL's appendix A, by which a server says that it is not, or no longer, the
// one that works for us, and that it did nothing of what it was asked to: it is a reader now (25006), it shuts down, has
// crashed or is starting (57P01 to 57P03), or the connection failed (class 08).
var serverGone = []string{"25006", "57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006"}

// failover has connections leave their pool once one of them has met a server that is gone: the others lead to the same one. A
// connection that is made anew goes to whichever server the URL leads to by then, as target_session_attrs says.
type failover struct {
	changes atomic.Int64 // how often a server was gone
}

// madeAt is where a connection keeps the changes that had been when it was made.
const madeAt = "made at"

// watch changes a configuration so that its connections tell, and returns what a pool of them needs.
func (f *failover) watch(config *pgx.ConnConfig) []stdlib.OptionOpenDB {
	closeWhenFatal := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, e *pgconn.PgError) bool {
		if slices.Contains(serverGone, e.Code) {
			f.renew()
			return false // closes the connection
		}
		return closeWhenFatal == nil || closeWhenFatal(c, e)
	}
	return []stdlib.OptionOpenDB{
		stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
			c.PgConn().CustomData()[madeAt] = f.changes.Load()
			return nil
		}),
		stdlib.OptionResetSession(func(_ context.Context, c *pgx.Conn) error {
			if c.PgConn().CustomData()[madeAt] != f.changes.Load() {
				return driver.ErrBadConn
			}
			return nil
		}),
	}
}

// renew has each connection that is idle, or comes back to its pool, closed before it is used again.
func (f *failover) renew() { f.changes.Add(1) }

// mayWorkAgain reports whether work that failed may succeed on a new connection: its server is gone, or the connection is.
func mayWorkAgain(err error) bool {
	if refused, is := errors.AsType[*pgconn.PgError](err); is {
		return slices.Contains(serverGone, refused.Code)
	}
	broken, isNet := errors.AsType[*net.OpError](err)
	return isNet && !broken.Timeout() && broken.Op != "dial" || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed)
}

// connector makes connections that work through a pooler as well. One that gives a client another server for each database
// transaction, as PgBouncer does by transaction, keeps no prepared statements for it: there, each statement goes whole.
type connector struct {
	direct, pooled driver.Connector
	pooler         atomic.Bool // whether there was one last time
}

func newConnector(config *pgx.ConnConfig, options []stdlib.OptionOpenDB) *connector {
	c := &connector{direct: stdlib.GetConnector(*config, options...)}
	c.pooled = c.direct
	if config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement { // pgx's default
		whole := config.Copy()
		whole.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.pooled = stdlib.GetConnector(*whole, options...)
	}
	return c
}

// Connect connects as what answers needs it.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.pooler.Load() {
		return c.pooled.Connect(ctx)
	}
	made, err := c.direct.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pooler, err := throughPooler(ctx, made)
	if err == nil && !pooler {
		return made, nil
	}
	_ = made.Close() // it is in the way, or broken
	if err != nil {
		return nil, fmt.Errorf("ask whether there is a pooler: %w", err)
	}
	c.pooler.Store(true)
	return c.pooled.Connect(ctx)
}

// Driver is pgx's.
func (c *connector) Driver() driver.Driver { return c.direct.Driver() }

// throughPooler reports whether the process that answers is another than the one that greeted: poolers greet with a number of
// their own.
func throughPooler(ctx context.Context, made driver.Conn) (bool, error) {
	pgxConn, is := made.(*stdlib.Conn)
	if !is {
		return false, fmt.Errorf("%T is no connection of pgx", made)
	}
	connection := pgxConn.Conn()
	var pid uint32
	err := connection.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid != connection.PgConn().PID(), err
}

// postgresExample is what a right URL looks like.
//
//nolint:gosec // the password opens nothing
const postgresExample = "postgres://user:password@host:5432/database?sslmode=require, with whatever is special in a URL percent-encoded"

// parsePostgres takes the URLs that libpq takes. Its errors show no password.
func parsePostgres(text string) (*pgx.ConnConfig, error) {
	parsed, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	query := parsed.Query()
	for _, part := range []struct{ name, value string }{
		{"host", cmp.Or(parsed.Host, query.Get("host"))},
		{"user", cmp.Or(parsed.User.Username(), query.Get("user"))},
		{"database", cmp.Or(strings.Trim(parsed.Path, "/"), query.Get("dbname"), query.Get("database"))},
	} {
		if part.value == "" {
			return nil, fmt.Errorf("PostgreSQL URL names no %s: must be like %s", part.name, postgresExample)
		}
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL URL: %w", withoutPassword(err, parsed))
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "orders"
	}
	return config, nil
}

// parseURL reads a URL with one host or several, each with its port or without, and returns it with the first host. What is
// special in a URL must be percent-encoded, an @ in the password as well: pgx takes the first @ for the end of the
// password, and would look for the rest of it as a host.
func parseURL(text string) (*url.URL, error) {
	malformed := errors.New("PostgreSQL URL is malformed: must be like " + postgresExample) // url's own error may quote the password
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest+"/", "/?#")
	login, hosts, path := "", rest[:end], rest[end:]
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		login, hosts = hosts[:at+1], hosts[at+1:]
	}
	if strings.Count(login, "@") > 1 {
		return nil, malformed
	}
	var first *url.URL
	for host := range strings.SplitSeq(hosts, ",") {
		parsed, err := url.Parse(scheme + "://" + login + host + path)
		if err != nil {
			return nil, malformed
		}
		if first == nil {
			first = parsed
		}
	}
	return first, nil
}

// withoutPassword makes sure that an error, which pgx has redacted as well as it could, holds none.
func withoutPassword(err error, parsed *url.URL) error {
	text := err.Error()
	password, _ := parsed.User.Password()
	for _, secret := range []string{password, parsed.Query().Get("password"), parsed.Query().Get("sslpassword")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "xxxxx")
		}
	}
	return errors.New(text)
}
