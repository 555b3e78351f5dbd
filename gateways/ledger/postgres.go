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

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"
	"go.opentelemetry.io/otel/metric/noop"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/internal/telemetry"
)

const (
	// connections bounds how many connections a process opens. The checks, which wait for each other, get as many again.
	connections = 16
	// idleFor is how long an unused connection is kept.
	idleFor = 5 * time.Minute
	// renewAfter bounds a connection's age, so that connections reach a server that was added, or replaced, behind the same
	// name.
	renewAfter = time.Hour
	// lockTries is how often, a second apart, a process that waits for another's migration checks whether it is done. The
	// end of its context stops it sooner.
	lockTries = 3600

	lockTable      = "ledger_lock"
	undefinedTable = "42P01" // SQLSTATE, from PostgreSQL's appendix A
)

// Deleting skips rows that another process is deleting. Rows of the uses are never changed, so a locked row keeps its
// ctid.
const (
	postgresPrune = `DELETE FROM transactions WHERE id = ANY (ARRAY(
		SELECT id FROM transactions WHERE ended_at < ? ORDER BY ended_at LIMIT ? FOR UPDATE SKIP LOCKED))`
	postgresPruneUses = `DELETE FROM uses WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM uses WHERE at AT TIME ZONE 'UTC' < ?::timestamptz AT TIME ZONE 'UTC'
		ORDER BY at AT TIME ZONE 'UTC' LIMIT ? FOR UPDATE SKIP LOCKED))`
	postgresPruneChanges = `DELETE FROM label_changes WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM label_changes WHERE at < ? ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED))`
	postgresPruneDecisions = `DELETE FROM decisions WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM decisions WHERE at < ? ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED))`

	// postgresLock also changes settings, for this database transaction only. Its commit need not be flushed: a crash of
	// the server may lose the last commits, of less than a second, but never a part of one. If the client hangs, or
	// vanishes silently, the server ends the transaction, and releases the locks that others wait for. Without bitmap
	// scans, it reads no more uses than it is asked for, even of a value that is more frequent than the planner knows: a
	// bitmap scan reads them all. To plan its statements each time would take longer than to run them. Without sequential scans, a
	// plan that was made while the tables were empty stays good. The planner then takes a table of one row for expensive, and without
	// jit = off would compile its plan.
	postgresLock = `SELECT set_config('synchronous_commit', 'off', true), set_config('idle_in_transaction_session_timeout', '30s', true),
		set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
		set_config('plan_cache_mode', 'force_generic_plan', true), pg_advisory_xact_lock(key) FROM unnest(?::bigint[]) AS key`

	// postgresChangedSince leaves out numbers of another server, whose dump was restored into this one.
	postgresChangedSince = `number >= ? AND number < txid_snapshot_xmax(txid_current_snapshot())`

	// postgresHurry has the server end a transaction whose client hangs, or vanishes silently: others wait for it.
	postgresHurry = `SELECT set_config('idle_in_transaction_session_timeout', '10s', true)`

	// postgresRestrict names the merchants for the policies in migrations/.
	postgresRestrict = `SELECT set_config('orders.merchants', $1, true)`
)

// openPostgres returns a ledger in the database that the URL names, for processes on any number of machines. The database
// must exist; its tables need not exist before Migrate is called. For reading, a role needs only SELECT on the tables. When
// a context ends, its statement is cancelled on the server.
func openPostgres(text string) (*Ledger, error) {
	config, err := parsePostgres(text)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations/postgres")
	if err != nil {
		return nil, err
	}
	config.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(telemetry.OfContext{}), otelpgx.WithMeterProvider(noop.NewMeterProvider()))
	servers := &failover{}
	options := servers.watch(config)
	db := postgresPool(config, options)
	return newLedger(engine{
		place:   fmt.Sprintf("the database %s on %s", config.Database, config.Host),
		dialect: goose.DialectPostgres, migrations: files, numbered: true, find: "strpos(record::text, ?) > 0",
		tried:      map[fraud.Shadow]string{fraud.ShadowRules: postgresTried(`\` + fraud.WithShadow), fraud.ShadowRuleset: postgresTried("")},
		sum:        `CAST(least(sum(amount), 9223372036854775807) AS bigint)`,
		nextChange: `txid_snapshot_xmin(txid_current_snapshot())`, changedSince: postgresChangedSince,
		prune: postgresPrune, pruneUses: postgresPruneUses, pruneDecisions: postgresPruneDecisions, pruneChanges: postgresPruneChanges, lock: postgresLock,
		hurry:    postgresHurry,
		lockLast: postgresAuditEnd + "last FOR UPDATE", lockFirst: postgresAuditEnd + "first FOR UPDATE", snapshot: sql.LevelRepeatableRead,
		read: readPostgres, inRounds: inRoundsPostgres, restrict: postgresRestrict,
		sqlTime: func(t time.Time) any { return t }, now: `clock_timestamp()`,
		day: `to_char(t.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`, minute: `floor(extract(epoch FROM t.started_at) / 60)::bigint`, micros: `(extract(epoch FROM l.at) * 1000000)::bigint`,
		noTables: func(err error) bool { return sqlState(err) == undefinedTable },
		withLock: withTableLocked,
		mayRetry: mayWorkAgain,
		readOnly: `SELECT current_setting('transaction_read_only') = 'on'`,
		renew:    servers.renew,
	}, pools{writer: db, reader: db, velocity: postgresPool(config, options)}), nil
}

// postgresTried returns the outcome of a trial whose ruleset's id ends so, as the text of the record has it.
func postgresTried(end string) string {
	return `substring(record::text FROM '\{"ruleset":\{"id":"[a-z0-9_-]*` + end + `","version":\d+,"digest":"[^"]*"\},"outcome":"([a-z]*)"')`
}

// postgresPool returns a pool, and does not connect yet. Checks have a pool of their own: checks that share a frequent
// value wait for each other, and must not delay readers and savers.
func postgresPool(config *pgx.ConnConfig, options []stdlib.OptionOpenDB) *sql.DB {
	db := sql.OpenDB(newConnector(config, options))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleFor)
	db.SetConnMaxLifetime(renewAfter)
	return db
}

// readPostgres sends both statements at once. What is sent together, without a BEGIN, is one database transaction, and a pooler
// gives it one server.
func readPostgres(ctx context.Context, db *sql.DB, of identity.Merchants, q query, each func(row) error) error {
	return onPostgres(ctx, db, func(c *pgx.Conn) error {
		return sendPostgres(ctx, c, []statement{{query: query{postgresRestrict, []any{of.String()}}}, {query: q, each: each}})
	})
}

// inRoundsPostgres sends the statements of a round at once, BEGIN with the first and COMMIT with the last. If anything fails, it
// closes the connection, and so the server rolls back and lets go of the locks.
func inRoundsPostgres(ctx context.Context, db *sql.DB, rounds ...round) error {
	return onPostgres(ctx, db, func(c *pgx.Conn) (err error) {
		defer func() {
			if err != nil {
				short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer cancel()
				_ = c.Close(short)
			}
		}()
		unsent := []statement{{query: query{text: "BEGIN ISOLATION LEVEL READ COMMITTED"}}}
		for i, next := range rounds {
			more, err := next()
			if err != nil {
				return err
			}
			unsent = append(unsent, more...)
			if i == len(rounds)-1 {
				unsent = append(unsent, statement{query: query{text: "COMMIT"}})
			} else if len(more) == 0 {
				continue
			}
			if err := sendPostgres(ctx, c, unsent); err != nil {
				return err
			}
			unsent = nil
		}
		return nil
	})
}

// onPostgres runs do on a connection of the pool. A panic of do closes the connection.
func onPostgres(ctx context.Context, db *sql.DB, do func(*pgx.Conn) error) error {
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // returns it to the pool
	return connection.Raw(func(made any) error {
		pgxConn, is := made.(*stdlib.Conn)
		if !is {
			return fmt.Errorf("%T is not a connection of pgx", made)
		}
		err := do(pgxConn.Conn())
		if pgconn.SafeToRetry(err) {
			return errors.Join(driver.ErrBadConn, err)
		}
		return err
	})
}

// sendPostgres runs the statements in their order, and waits for the server once.
func sendPostgres(ctx context.Context, c *pgx.Conn, all []statement) error {
	var batch pgx.Batch
	for _, s := range all {
		batch.Queue(s.text, s.args...).Query(func(rows pgx.Rows) error { return s.take(rows) })
	}
	return c.SendBatch(ctx, &batch).Close()
}

// withTableLocked uses goose's lock: a leased row, since a pooler gives no connection that could hold a lock. If a process
// dies during a migration, the lock stays until the lease ends.
func withTableLocked(_ context.Context, migrate func(...goose.ProviderOption) error) error {
	locker, err := gooselock.NewPostgresTableLocker(gooselock.WithTableName(lockTable), gooselock.WithTableLockTimeout(time.Second, lockTries))
	if err != nil {
		return err
	}
	return migrate(goose.WithLocker(locker))
}

// serverGone lists the SQLSTATE codes, from PostgreSQL's appendix A, with which a server says that it cannot work for us,
// or no longer can, and that it did nothing of what it was asked to: it is read-only now (25006), it shuts down, has
// crashed or is starting (57P01 to 57P03), or the connection failed (class 08).
var serverGone = []string{"25006", "57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006"}

// failover removes all connections from their pool once one of them has met a server that is gone: the others lead to the
// same server. A new connection goes to the server that the URL leads to by then, as target_session_attrs says.
type failover struct {
	changes atomic.Int64 // how often a server was gone, or renew was called
}

// madeAt is the key under which a connection keeps the value of changes from when it was made.
const madeAt = "made at"

// watch changes config so that its connections report a server that is gone, and returns the options that their pool needs.
func (f *failover) watch(config *pgx.ConnConfig) []stdlib.OptionOpenDB {
	closeWhenFatal := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, e *pgconn.PgError) bool {
		if slices.Contains(serverGone, e.Code) {
			f.renew()
			return false // false closes the connection
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

// renew has every connection that is idle, or returns to its pool, closed before it is used again.
func (f *failover) renew() { f.changes.Add(1) }

// mayWorkAgain reports whether work that failed may succeed on a new connection: the server or the connection is gone.
func mayWorkAgain(err error) bool {
	if refused, is := errors.AsType[*pgconn.PgError](err); is {
		return slices.Contains(serverGone, refused.Code)
	}
	broken, isNet := errors.AsType[*net.OpError](err)
	return isNet && !broken.Timeout() && broken.Op != "dial" || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed)
}

// connector makes connections that also work through a pooler. A pooler that gives a client another server for each
// database transaction, as PgBouncer does in transaction mode, keeps no prepared statements for the client. Through a
// pooler, each statement is therefore sent whole.
type connector struct {
	direct, pooled driver.Connector
	pooler         atomic.Bool // whether the last direct connection met a pooler
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

// Connect connects directly, or without prepared statements if a pooler answers.
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
	_ = made.Close() // it is not needed, or broken
	if err != nil {
		return nil, fmt.Errorf("ask whether there is a pooler: %w", err)
	}
	c.pooler.Store(true)
	return c.pooled.Connect(ctx)
}

// Driver returns pgx's driver.
func (c *connector) Driver() driver.Driver { return c.direct.Driver() }

// throughPooler reports whether the connection goes through a pooler: the process that answers is then not the one that
// greeted, since poolers greet with a number of their own.
func throughPooler(ctx context.Context, made driver.Conn) (bool, error) {
	pgxConn, is := made.(*stdlib.Conn)
	if !is {
		return false, fmt.Errorf("%T is not a connection of pgx", made)
	}
	connection := pgxConn.Conn()
	var pid uint32
	err := connection.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid != connection.PgConn().PID(), err
}

// postgresExample describes a valid URL, for messages.
//
//nolint:gosec // the password opens nothing
const postgresExample = "postgres://user:password@host:5432/database?sslmode=require, with special characters percent-encoded"

// parsePostgres reads the URLs that libpq reads. Its errors show no password.
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
	config.RuntimeParams["client_encoding"] = "UTF8" // a database of another encoding would choose its own, in which pgx cannot write
	return config, nil
}

// parseURL reads a URL with one host or several, each with or without a port, and returns it with the first host. Special
// characters must be percent-encoded, also an @ in the password: pgx would end the password at the first @, and look up the
// rest as a host.
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

// withoutPassword removes the passwords from an error: pgx redacts what it can, which may not be all.
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
