package postgres_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/usage"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/internal/usagetest"
)

// throughPgBouncer is the URL of a database behind a pooler that has two connections to its server, each for a database
// transaction.
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
* = host=127.0.0.1 port=%s user=postgres password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`, behind.Port(), password, port), 0o644))
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

func TestTheLedgerWorksThroughAPoolerByTransaction(t *testing.T) {
	direct := server.URL("postgres", server.Database(t))
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
				use := usagetest.Use(id, "a")
				_, err := l.Decide(t.Context(), usagetest.Check(use), use, nil, func(usage.Past) fraud.Decision { return fraud.Decision{} })
				if err != nil {
					return fmt.Errorf("decide: %w", err)
				}
				if _, err := l.Find(t.Context(), ledgertest.Accepted(id).Record.TransactionID); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	page, err := l.List(t.Context(), ledger.Query{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, page.Entries, callers*each)
}

func TestNoConnectionThatIsCutThroughAPoolerCountsTwice(t *testing.T) {
	direct := server.URL("postgres", server.Database(t))
	l := connect(t, throughPgBouncer(t, direct))
	require.NoError(t, l.Migrate(t.Context()))
	const callers, each = 10, 20
	deadline := time.Now().Add(time.Minute)
	again := func(do func() error) error { // as the workflow tries activities again
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
				use := usagetest.Use(id, "a")
				err := again(func() error {
					_, err := l.Decide(t.Context(), usagetest.Check(use), use, nil, func(usage.Past) fraud.Decision { return fraud.Decision{} })
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
	page, err := l.List(t.Context(), ledger.Query{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, page.Entries, callers*each)
	execute(t, direct, fmt.Sprintf(`DO $$ BEGIN
		ASSERT (SELECT count(*) FROM uses) = (SELECT count(DISTINCT (dimension, value, transaction_id)) FROM uses);
		ASSERT (SELECT count(DISTINCT transaction_id) FROM uses) = %[1]d;
		ASSERT (SELECT count(*) FROM decisions) = %[1]d; END $$`, callers*each))
}
