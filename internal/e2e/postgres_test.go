package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// TestLedgerOutage runs on PostgreSQL, as set up for production: the worker owns
// the tables, and the API can only read them.
func TestLedgerOutage(t *testing.T) {
	server := startPostgres(t)
	w := newWorld(t, map[string]string{"LEDGER_URL": server.URL("orders", "orders")}).start(worker, fraudPolice)
	w.startWith(alertman, map[string]string{"LEDGER_URL": server.URL("orders_alertman", "orders")})
	w.startWith(apiProcess, map[string]string{"LEDGER_URL": server.URL("orders_reader", "orders")})
	require.NoError(t, w.processes[apiProcess].WaitHealthy(t.Context(), w.api+"/readyz"))
	w.findsLedger()
	eventually(t, func() error {
		if trail, code := w.command("audit", "list"); code != 0 || !strings.Contains(trail, "use routes") {
			return fmt.Errorf("%d %s", code, trail)
		}
		return nil
	})
	before := w.post(body(small, goodCard), "Idempotency-Key", "before", "Prefer", "wait=60")
	require.Equal(t, http.StatusOK, before.status, "%s", before.body)
	w.ends(before.answer(t).TransactionID)

	require.NoError(t, server.Stop(context.WithoutCancel(t.Context())))
	for _, headers := range [][]string{nil, {"Idempotency-Key", "before"}, {"Idempotency-Key", "new"}} {
		refused := w.post(body(small, goodCard), append(headers, "Prefer", "wait=60")...)
		assert.Equal(t, http.StatusServiceUnavailable, refused.status, "%s", refused.body)
		assert.Contains(t, string(refused.body), "the audit trail cannot be written now; nothing was accepted")
	}
	assert.Equal(t, http.StatusOK, w.get("/transactions/"+before.answer(t).TransactionID).status)
	require.NoError(t, server.Start(context.WithoutCancel(t.Context())))

	eventually(t, func() error {
		if got := w.post(body(small, goodCard), "Idempotency-Key", "new", "Prefer", "wait=60"); got.status != http.StatusOK {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
	w.everythingEnds(soon)
	eventually(t, func() error {
		if got := w.get("/transactions?status=18"); got.status != http.StatusOK || strings.Count(string(got.body), `"transactionID"`) != 2 {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
	w.verify(2)
	whole, code := w.command("audit", "verify")
	assert.Zero(t, code, whole)
}

// startPostgres starts a server for this test, with the ledger's database and users.
func startPostgres(t *testing.T) *stack.Postgres {
	t.Helper()
	server, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: filepath.Join(shared.dir, "postgres", t.Name())})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	require.NoError(t, server.SetUpLedger(t.Context()))
	require.NoError(t, server.SetUpLedger(t.Context()), "it can be done again")
	return server
}
