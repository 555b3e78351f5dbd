package ledger_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/internal/velocitytest"
)

// execute runs statements unchanged.
func execute(t *testing.T, url, statements string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	_, err = connection.PgConn().Exec(t.Context(), statements).ReadAll()
	require.NoError(t, err)
}

// connect opens a ledger that may have no tables yet.
func connect(t *testing.T, url string) *ledgerdb.Ledger {
	t.Helper()
	l, err := ledgerdb.OpenPostgres(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func TestPostgresConformance(t *testing.T) {
	ledgertest.Conformance(t, func(t *testing.T) ledgertest.Store { return engines["PostgreSQL"].migrated(t) })
}

// docs/ledger.md gives these rights to a role of the API's own.
const readerRights = `GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_reader;`

// role makes a role as setup.sh does, before there are tables. Roles belong to the server, which other tests share.
func role(t *testing.T, url, name string) {
	t.Helper()
	execute(t, url, fmt.Sprintf(`DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%[1]s') THEN CREATE ROLE %[1]s LOGIN PASSWORD 'postgres'; END IF;
	END $$;
	ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO %[1]s`, name))
}

func TestReadOnlyRole(t *testing.T) {
	name := server.Database(t)
	writer := connect(t, server.URL("postgres", name))
	require.NoError(t, writer.Migrate(t.Context()))
	require.NoError(t, writer.Save(t.Context(), ledgertest.Whole()))
	role(t, server.URL("postgres", name), "orders_reader")
	execute(t, server.URL("postgres", name), readerRights)
	reader := connect(t, server.URL("orders_reader", name))
	require.NoError(t, reader.Ready(t.Context()))
	_, err := reader.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	page, err := reader.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Entries, 1)
	require.ErrorContains(t, reader.Save(t.Context(), ledgertest.Accepted(1)), "permission denied")
	_, err = reader.Prune(t.Context(), time.Now(), 1)
	require.ErrorContains(t, err, "permission denied")
}

// A server that was set up without a language makes databases of no encoding.
func TestPostgresWithoutEncoding(t *testing.T) {
	execute(t, server.URL("postgres", "postgres"), "CREATE DATABASE plain ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	l := connect(t, server.URL("postgres", "plain"))
	require.NoError(t, l.Migrate(t.Context()))
	e := ledgertest.Whole()
	e.Record.CustomerID = "Käse 奶酪"
	require.NoError(t, l.Save(t.Context(), e))
	found, err := l.Find(t.Context(), identity.AllMerchants(), e.Record.TransactionID)
	require.NoError(t, err)
	require.Equal(t, "Käse 奶酪", found.Record.CustomerID)
}

// A context that ends stops its statement on the server.
func TestContextEndsStatement(t *testing.T) {
	name := server.Database(t)
	l := connect(t, server.URL("postgres", name))
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	other, err := pgx.Connect(t.Context(), server.URL("postgres", name))
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close(context.Background())) }()
	holding, err := other.Begin(t.Context())
	require.NoError(t, err)
	_, err = holding.Exec(t.Context(), "SELECT 1 FROM transactions FOR UPDATE")
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Save(ctx, ledgertest.Whole()), context.DeadlineExceeded)
	watcher, err := pgx.Connect(t.Context(), server.URL("postgres", name))
	require.NoError(t, err)
	defer func() { require.NoError(t, watcher.Close(context.Background())) }()
	waiting := 1
	for deadline := time.Now().Add(time.Minute); waiting > 0; time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the server still waits for the lock")
		require.NoError(t, watcher.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'orders' AND state = 'active'`).Scan(&waiting))
	}
	require.NoError(t, holding.Rollback(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
}

// A ledger opens while its server is away, and works once the server is there.
func TestPostgresStartsLater(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	l := connect(t, fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/postgres?sslmode=disable", port))
	require.ErrorContains(t, l.Ready(t.Context()), "connect")
	own, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: t.TempDir(), Port: port})
	require.NoError(t, err)
	defer own.Kill()
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))

	own.Kill()
	require.Error(t, l.Ready(t.Context()))
	require.NoError(t, own.Start(t.Context()))
	found, err := l.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err, "a connection of before the outage is in the way")
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found), "what was saved is not there after a crash")
}

// A dump is the ledger of one moment, although writes go on. The commands are those of docs/ledger.md.
func TestPostgresDump(t *testing.T) {
	from, to, file := server.Database(t), server.Database(t), filepath.Join(t.TempDir(), "orders.dump")
	l := connect(t, server.URL("postgres", from))
	require.NoError(t, l.Migrate(t.Context()))
	require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
	for n := range 300 {
		require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(n)))
	}
	begun, ended, writing := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { // save a transaction again, and a new one, until the dump has been made
		close(begun)
		for n := 300; ; n++ {
			for _, e := range []ledger.Entry{ledgertest.Ended(n-300, time.Now()), ledgertest.Accepted(n)} {
				if err := l.Save(context.Background(), e); err != nil {
					writing <- err
					return
				}
			}
			select {
			case <-ended:
				writing <- nil
				return
			default:
			}
		}
	}()
	<-begun
	tool(t, "pg_dump", "--format=custom", "--file="+file, server.URL("postgres", from))
	close(ended)
	require.NoError(t, <-writing)

	tool(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+server.URL("postgres", to), file)
	restored := connect(t, server.URL("postgres", to))
	require.NoError(t, restored.Ready(t.Context()))
	require.NoError(t, restored.Migrate(t.Context()))
	found, err := restored.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(ledgertest.Whole(), found))
	page, err := restored.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 100_000})
	require.NoError(t, err)
	require.Greater(t, len(page.Entries), 300, "what was saved before the dump is missing")
	require.NoError(t, restored.Save(t.Context(), ledgertest.Accepted(1_000_000)))
}

// tool runs one of the programs that come with the server.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), server.Program(name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, said)
}

// checked counts a transaction of a card, and looks back at the card with everything that a lookup can ask for.
func checked(t *testing.T, l *ledgerdb.Ledger, n int) int {
	t.Helper()
	use := velocitytest.Use(n, "a")
	lookups := []velocity.Lookup{{By: velocity.Card, Value: "a", Merchant: identity.DefaultMerchant, Values: true, Labels: true}}
	d, err := l.Decide(t.Context(), velocitytest.Check(use), use, lookups, func(past velocity.Past) fraud.Decision {
		return fraud.Decision{Score: len(past[velocity.Pool{By: velocity.Card}])}
	})
	require.NoError(t, err)
	_, err = l.Look(t.Context(), "", lookups)
	require.NoError(t, err)
	return d.Score
}

// The rights of fraud-police let it count and change nothing else.
func TestFraudPoliceRights(t *testing.T) {
	name := server.Database(t)
	role(t, server.URL("postgres", name), "orders_police")
	owner := connect(t, server.URL("postgres", name))
	require.NoError(t, owner.Migrate(t.Context()))
	police := connect(t, server.URL("orders_police", name))
	require.NoError(t, police.Ready(t.Context()))
	require.Equal(t, 0, checked(t, police, 1))
	require.Equal(t, 1, checked(t, police, 2))
	require.Equal(t, 0, checked(t, police, 1))
	_, err := police.PruneVelocity(t.Context(), time.Now(), 1)
	require.ErrorContains(t, err, "permission denied")
	require.ErrorContains(t, police.Save(t.Context(), ledgertest.Accepted(1)), "permission denied")
}

// Without the roles of the script the tables are made as well. A role with another name is granted the same rights by
// hand.
func TestMigrateWithoutRoles(t *testing.T) {
	l := connect(t, database(t))
	require.NoError(t, l.Migrate(t.Context()))
	require.Equal(t, 0, checked(t, l, 1))
}

// soon is longer than a failover can take here, with both servers on one slow machine.
const soon = 30 * time.Second

// pair is a primary and its standby, and a ledger that knows both.
type pair struct {
	*testing.T

	primary, standby *stack.Postgres
	ledger           *ledgerdb.Ledger
}

func startPair(t *testing.T) *pair {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p := &pair{T: t}
	var err error
	p.primary, err = stack.StartPostgres(ctx, stack.PostgresOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(p.primary.Kill)
	p.standby, err = stack.StartStandby(ctx, stack.PostgresOptions{Dir: t.TempDir()}, p.primary)
	require.NoError(t, err)
	t.Cleanup(p.standby.Kill)
	both := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", "postgres"), Path: "/postgres",
		Host:     fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", p.primary.Port(), p.standby.Port()),
		RawQuery: "sslmode=disable&target_session_attrs=read-write",
	}
	p.ledger = connect(t, both.String())
	require.NoError(t, p.ledger.Migrate(ctx))
	return p
}

func (p *pair) promote() {
	execute(p.T, p.standby.URL("postgres", "postgres"), "SELECT pg_promote()")
}

// work does everything that writes and reads, many times at once, so that each pool has many connections to the first
// server. It fails if a call fails.
func (p *pair) work(ctx context.Context, round int) error {
	var all sync.WaitGroup
	failed := make(chan error, 100)
	for n := range 10 {
		id := 100*round + n
		all.Go(func() {
			entry := ledgertest.Accepted(id)
			if err := p.ledger.Save(ctx, entry); err != nil {
				failed <- err
				return
			}
			use := velocitytest.Use(id, "a")
			_, err := p.ledger.Decide(ctx, velocitytest.Check(use), use, nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
			if err != nil {
				failed <- err
			}
			if _, err = p.ledger.Find(ctx, identity.AllMerchants(), entry.Record.TransactionID); err != nil {
				failed <- err
			}
			label := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: time.Now()}
			if _, err = p.ledger.Label(ctx, identity.AllMerchants(), entry.Record.TransactionID, label); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// worksSoon requires that work succeeds again, and readiness says so.
func (p *pair) worksSoon(round int) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), soon)
	defer cancel()
	for {
		err := p.work(ctx, round)
		if err == nil {
			err = p.ledger.Writable(ctx)
		}
		if err == nil {
			return
		}
		require.NoError(p.T, ctx.Err(), "%v", err)
	}
}

func TestPostgresFailover(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*pair){
		// Its connections stay open, as in the failovers of Aurora and Patroni, and no call fails.
		"to a reader": func(p *pair) {
			p.promote()
			for _, statement := range []string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"} {
				execute(p.T, p.primary.URL("postgres", "postgres"), statement)
			}
			require.Eventually(p.T, func() bool { return !writable(p.T, p.primary) && writable(p.T, p.standby) }, soon, 20*time.Millisecond)
			require.NoError(p.T, p.work(p.Context(), 2))
		},
		"of a server that shuts down": func(p *pair) { require.NoError(p.T, p.primary.Stop(p.Context())); p.promote() },
		"of a server that crashes":    func(p *pair) { p.primary.Kill(); p.promote() },
	} {
		t.Run(name, func(t *testing.T) {
			p := startPair(t)
			require.NoError(t, p.work(t.Context(), 1))
			require.NoError(t, p.ledger.Writable(t.Context()))
			fail(p)
			p.worksSoon(2)
			found, err := p.ledger.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 100})
			require.NoError(t, err)
			require.Len(t, found.Entries, 20, "each saved once, and none lost")
		})
	}
}

// A ledger that takes no writes is not ready.
func TestReadOnlyIsNotReady(t *testing.T) {
	t.Parallel()
	l := engines["PostgreSQL"].migrated(t)
	require.NoError(t, l.Writable(t.Context()))
	p := startPair(t)
	standby := connect(t, p.standby.URL("postgres", "postgres"))
	require.Eventually(t, func() bool { return standby.Ready(t.Context()) == nil }, soon, 20*time.Millisecond, "it can be read")
	require.ErrorContains(t, standby.Writable(t.Context()), "takes no writes: it is a standby, or read-only")
}

func writable(t *testing.T, server *stack.Postgres) bool {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), server.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { _ = connection.Close(t.Context()) }()
	var is bool
	require.NoError(t, connection.QueryRow(t.Context(), "SELECT current_setting('transaction_read_only') = 'off'").Scan(&is))
	return is
}

// throughPgBouncer returns the URL of a database behind a pooler that has two connections to its server, and assigns one
// for each database transaction.
func throughPgBouncer(t *testing.T, direct string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("PgBouncer is not installed")
	}
	port, err := stack.FreePort()
	require.NoError(t, err)
	behind, err := url.Parse(direct)
	require.NoError(t, err)
	password, _ := behind.User.Password()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	settings := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil, `[databases]
* = host=127.0.0.1 port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`, behind.Port(), behind.User.Username(), password, port), 0o644))
	args := []string{settings}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	pooler, err := stack.StartProcess(stack.Command{Name: "PgBouncer", Path: program, Args: args, Dir: dir, Log: filepath.Join(dir, "log")})
	require.NoError(t, err)
	t.Cleanup(pooler.Kill)
	behind.Host = fmt.Sprintf("127.0.0.1:%d", port)
	require.Eventually(t, func() bool {
		c, err := pgx.Connect(t.Context(), behind.String())
		return err == nil && c.Close(t.Context()) == nil
	}, time.Minute, 20*time.Millisecond)
	return behind.String()
}

// The ledger works through a pooler by transaction.
func TestPooler(t *testing.T) {
	direct := database(t)
	pooled := throughPgBouncer(t, direct)
	var migrations errgroup.Group
	for range 3 {
		l := connect(t, pooled)
		migrations.Go(func() error { return l.Migrate(t.Context()) })
	}
	require.NoError(t, migrations.Wait())
	l := connect(t, pooled)
	require.NoError(t, l.Migrate(t.Context()), "again")

	const callers, each = 10, 20
	var all errgroup.Group
	for caller := range callers {
		all.Go(func() error {
			for n := range each {
				id := caller*each + n
				if err := l.Save(t.Context(), ledgertest.Accepted(id)); err != nil {
					return fmt.Errorf("save: %w", err)
				}
				use := velocitytest.Use(id, "a")
				_, err := l.Decide(t.Context(), velocitytest.Check(use), use, nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
				if err != nil {
					return fmt.Errorf("decide: %w", err)
				}
				if _, err := l.Find(t.Context(), identity.AllMerchants(), ledgertest.Accepted(id).Record.TransactionID); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	page, err := l.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 1000})
	require.NoError(t, err)
	require.Len(t, page.Entries, callers*each)
}

// A connection that is cut through a pooler does not count a use twice.
func TestPoolerCutConnections(t *testing.T) {
	direct := database(t)
	l := connect(t, throughPgBouncer(t, direct))
	require.NoError(t, l.Migrate(t.Context()))
	const callers, each = 10, 20
	deadline := time.Now().Add(time.Minute)
	again := func(do func() error) error { // the workflow tries activities again in the same way
		for {
			if err := do(); err == nil || time.Now().After(deadline) {
				return err
			}
		}
	}
	var all errgroup.Group
	for caller := range callers {
		all.Go(func() error {
			for n := range each {
				id := caller*each + n
				use := velocitytest.Use(id, "a")
				err := again(func() error {
					_, err := l.Decide(t.Context(), velocitytest.Check(use), use, nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
					return err
				})
				if err == nil {
					err = again(func() error { return l.Save(t.Context(), ledgertest.Accepted(id)) })
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	done := make(chan error, 1)
	go func() { done <- all.Wait() }()
	cuts := 0
	for working := true; working; {
		select {
		case err := <-done:
			require.NoError(t, err)
			working = false
		case <-time.After(50 * time.Millisecond):
			execute(t, direct, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			cuts++
		}
	}
	require.Positive(t, cuts)
	page, err := l.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 1000})
	require.NoError(t, err)
	require.Len(t, page.Entries, callers*each)
	execute(t, direct, fmt.Sprintf(`DO $$ BEGIN
		ASSERT (SELECT count(*) FROM uses) = (SELECT count(DISTINCT (dimension, value, transaction_id)) FROM uses);
		ASSERT (SELECT count(DISTINCT transaction_id) FROM uses) = %[1]d;
		ASSERT (SELECT count(*) FROM decisions) = %[1]d; END $$`, callers*each))
}

const secret = "hunter%2" // its % makes a URL malformed unless it is percent-encoded

// A wrong URL is refused with what would be right and without its password.
func TestPostgresWrongURL(t *testing.T) {
	for url, fault := range map[string]string{
		"postgres://orders:" + secret + "@localhost/orders":                                 "malformed: must be like postgres://user:password@host:5432/database",
		"postgres://orders:front@hunter2@localhost/orders":                                  "malformed: must be like",
		"postgres://orders:a/hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a?hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a#hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a,hunter2@x@localhost/orders":                                    "malformed: must be like",
		"postgres://orders:hunter2@localhost,local host/orders":                             "malformed: must be like",
		"postgres://orders:hunter2@local host/orders":                                       "malformed: must be like",
		"postgres://orders:hunter2@localhost:x/orders":                                      "malformed: must be like",
		"postgres://orders:hunter2@localhost":                                               "names no database: must be like",
		"postgres://orders:hunter2@/orders":                                                 "names no host: must be like",
		"postgres://localhost/orders?password=hunter2":                                      "names no user: must be like",
		"postgres://orders:hunter2@localhost/orders?sslmode=maybe":                          "sslmode",
		"postgres://orders@localhost/orders?sslmode=maybe&password=hunter2":                 "sslmode",
		"postgres://orders:hunter2@localhost/orders?sslrootcert=/missing&sslmode=verify-ca": "/missing",
		"postgres://orders:hunter2@localhost:99999/orders":                                  "port",
	} {
		_, err := ledgerdb.OpenPostgres(url)
		require.ErrorContains(t, err, fault, url)
		require.ErrorContains(t, err, "PostgreSQL URL", url)
		require.NotContains(t, err.Error(), "hunter")
	}
}

// The URLs of libpq are taken.
func TestPostgresURLs(t *testing.T) {
	for _, url := range []string{
		"postgres://orders:p%40ss@db.example:5433/orders?sslmode=require",
		"postgresql://orders@localhost/orders",
		"postgres:///orders?host=/var/run/postgresql&user=orders",
		"postgres://orders@a.example,b.example/orders?target_session_attrs=read-write",
		"postgres://orders:a%40b@127.0.0.1:5433,127.0.0.1:5434/orders?target_session_attrs=read-write",
		"postgres://orders:a,b@[::1]:5433,b.example/orders",
	} {
		l, err := ledgerdb.OpenPostgres(url)
		require.NoError(t, err, url)
		require.NoError(t, l.Close())
	}
}
