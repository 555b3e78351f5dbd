package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/usage"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/internal/usagetest"
)

// soon is more than a failover may take here, with both servers on one slow machine.
const soon = 30 * time.Second

// pair is a primary and its standby, and a ledger that knows both.
type pair struct {
	*testing.T

	primary, standby *stack.Postgres
	ledger           *sqlledger.Ledger
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

// work is everything that writes and reads, by many at once, so that each pool has many connections to the first server. It
// fails where a call fails.
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
			use := usagetest.Use(id, "a")
			_, err := p.ledger.Decide(ctx, usagetest.Check(use), use, nil, func(usage.Past) fraud.Decision { return fraud.Decision{} })
			if err != nil {
				failed <- err
			}
			if _, err = p.ledger.Find(ctx, entry.Record.TransactionID); err != nil {
				failed <- err
			}
			label := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: time.Now()}
			if _, err = p.ledger.Label(ctx, entry.Record.TransactionID, label); err != nil {
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

func TestTheLedgerFollowsAFailover(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*pair){
		// Its connections stay, as in the failovers of Aurora and Patroni, and no call fails.
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
			found, err := p.ledger.List(t.Context(), ledger.Query{Limit: 100})
			require.NoError(t, err)
			require.Len(t, found.Entries, 20, "each saved once, and none lost")
		})
	}
}

func TestALedgerThatTakesNoWritesIsNotReady(t *testing.T) {
	t.Parallel()
	l := open(t)
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
