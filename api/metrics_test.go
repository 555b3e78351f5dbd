package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
	"dummyorders/internal/telemetrytest"
)

const requests = "orders_http_request_duration_seconds"

// gained returns a function for what a metric gains from now on.
func gained(t *testing.T, metric string, labels ...string) func() float64 {
	t.Helper()
	before := telemetrytest.Value(t, metric, labels...)
	return func() float64 { return telemetrytest.Value(t, metric, labels...) - before }
}

// Requests are measured by the pattern of their route, so nothing that callers make up becomes a label.
func TestRequestMetrics(t *testing.T) {
	handler := api.New(options(nowhere(t), newMemory()))
	ask := func(method, path, host string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{"))
		r.Host = host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer.Code
	}
	live := gained(t, requests, "route", "/livez", "method", "GET", "status", "200")
	shown := gained(t, requests, "route", "/transactions/{id}", "method", "GET")
	posted := gained(t, requests, "route", "/transact", "method", "POST", "status", "415")
	lost := gained(t, requests, "route", "other", "method", "GET", "status", "404")
	require.Equal(t, http.StatusOK, ask(http.MethodGet, "/livez", "localhost"))
	ask(http.MethodPost, "/transact", "localhost")
	ask("BREW0", "/livez", "localhost")
	ask(http.MethodGet, "/nothing/0", "localhost")
	ask(http.MethodGet, "/transactions/no-uuid-0", "localhost")
	series := telemetrytest.Series(t, requests)
	for n := range 1000 {
		ask(http.MethodGet, fmt.Sprintf("/nothing/%d?card=4716190207394368", n), fmt.Sprintf("host-%d.example", n))
		ask(fmt.Sprint("BREW", n), "/livez", "localhost")
		ask(http.MethodGet, fmt.Sprint("/transactions/no-uuid-", n), "localhost")
	}
	assert.Equal(t, series, telemetrytest.Series(t, requests))
	assert.InDelta(t, 1, live(), 0)
	assert.InDelta(t, 1, posted(), 0)
	assert.InDelta(t, 1001, lost(), 0)
	assert.InDelta(t, 1001, shown(), 0)
}

// A request without valid credentials is counted by what is wrong with them.
func TestRefusedLoginMetrics(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var keys keyring
	expired := keys.add(func(k *identity.Key) { k.ExpiresAt = now.Add(-time.Hour) }, "acme", identity.Read)
	revoked := keys.add(func(k *identity.Key) { k.RevokedAt = now.Add(-time.Hour) }, "acme", identity.Read)
	disabled := keys.add(func(k *identity.Key) { k.MerchantDisabled = true }, "acme", identity.Read)
	live := keys.add(func(k *identity.Key) { k.ExpiresAt = now.Add(time.Hour) }, "acme", identity.Read)
	o := options(nowhere(t), newMemory())
	stored := api.NewStoredKeys(keys, time.Hour, func() time.Time { return now }, o.Log)
	o.Authenticators = []api.Authenticator{stored, persons{}}
	handler := api.New(o)
	for header, reason := range map[string]string{
		"":                        "no_credentials",
		"Basic c2hvcDpzZWNyZXQ=":  "malformed",
		"Bearer 4716190207394368": "unknown_key",
		"Bearer " + expired:       "expired_key",
		"Bearer " + revoked:       "revoked_key",
		"Bearer " + disabled:      "disabled_merchant",
		"Bearer an.old.token":     "expired_token",
	} {
		t.Run(reason, func(t *testing.T) {
			more := gained(t, "orders_logins_refused_total", "reason", reason)
			all := gained(t, "orders_logins_refused_total")
			var headers []string
			if header != "" {
				headers = []string{"Authorization: " + header}
			}
			answer := asked{path: "/transactions", from: "192.0.2.1:1", headers: headers}.of(t, handler)
			require.Equal(t, http.StatusUnauthorized, answer.Code, "%s", answer.Body)
			assert.InDelta(t, 1, more(), 0)
			assert.InDelta(t, 1, all(), 0)
		})
	}
	all := gained(t, "orders_logins_refused_total")
	asked{path: "/transactions", from: "192.0.2.1:1", headers: []string{"Authorization: Bearer " + live}}.of(t, handler)
	assert.Zero(t, all())
	assert.InDelta(t, float64(now.Add(time.Hour).Unix()), telemetrytest.Value(t, "orders_key_expiry_timestamp_seconds"), 0,
		"the expired key counts, or the live one does not")
}

// Requests beyond a limit are counted by the limit.
func TestLimitMetrics(t *testing.T) {
	o, _ := limited(t, api.Limits{Rate: 1, Burst: 1, InFlight: 10, WrongKeys: 10})
	handler := api.New(o)
	more := gained(t, "orders_http_limited_total", "limit", "rate")
	for range 3 {
		asked{path: "/transactions/" + uuid.NewString(), from: "192.0.2.77:1"}.of(t, handler)
	}
	assert.InDelta(t, 2, more(), 0)
}

// settledBefore answers every transaction with an earlier one.
type settledBefore struct{ api.Transactions }

func (settledBefore) Process(_ context.Context, t transaction.Transaction, _ time.Duration) (ledger.Answer, bool, error) {
	return ledger.PendingAnswer(t.ID), true, nil
}

// A transaction that is answered with an earlier one is counted.
func TestReplayMetric(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Transactions = settledBefore{}
	more := gained(t, "orders_idempotent_replays_total")
	answer := request(t, api.New(o), http.MethodPost, "/transact", api.SeedExample, "Idempotency-Key: "+uuid.NewString())
	require.Equal(t, http.StatusAccepted, answer.Code, "%s", answer.Body)
	assert.InDelta(t, 1, more(), 0)
}

// /metrics is there only where it is wanted.
func TestMetricsPath(t *testing.T) {
	registry, err := telemetry.Start()
	require.NoError(t, err)
	o := options(nowhere(t), newMemory())
	assert.Equal(t, http.StatusNotFound, request(t, api.New(o), http.MethodGet, "/metrics", "").Code)
	o.Metrics = telemetry.Handler(registry)
	shown := request(t, api.New(o), http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusOK, shown.Code)
	assert.Contains(t, shown.Body.String(), `orders_http_request_duration_seconds_count{method="GET",route="other",status="404"}`)
}
