package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
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
	live := telemetrytest.Gained(t, requests, "server", "api", "route", "/livez", "method", "GET", "status", "200")
	shown := telemetrytest.Gained(t, requests, "route", "/transactions/{id}", "method", "GET")
	posted := telemetrytest.Gained(t, requests, "route", "/transact", "method", "POST", "status", "415")
	lost := telemetrytest.Gained(t, requests, "route", "other", "method", "GET", "status", "404")
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
	live := keys.add(nil, "acme", identity.Read)
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
			more := telemetrytest.Gained(t, "orders_logins_refused_total", "reason", reason)
			all := telemetrytest.Gained(t, "orders_logins_refused_total")
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
	all := telemetrytest.Gained(t, "orders_logins_refused_total")
	asked{path: "/transactions", from: "192.0.2.1:1", headers: []string{"Authorization: Bearer " + live}}.of(t, handler)
	assert.Zero(t, all())
}

// A client is without a key once the last of its live ones expires: an earlier one, such as a rolled key, does not count.
func TestKeyExpiryMetric(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	key := func(client string, expires time.Time) identity.Key {
		return identity.Key{Merchant: "acme", Client: client, ExpiresAt: expires}
	}
	revoked, disabled, namesake := key("shop", day(9)), key("shop", day(9)), key("shop", day(2))
	revoked.RevokedAt, disabled.MerchantDisabled, namesake.Merchant = day(-1), true, "globex"
	for name, test := range map[string]struct {
		keys keyring
		want time.Time
	}{
		"no key":                        {},
		"a key without an end":          {keys: keyring{key("shop", time.Time{})}},
		"one key":                       {keyring{key("shop", day(1))}, day(1)},
		"rolled":                        {keyring{key("shop", day(1)), key("shop", day(90))}, day(90)},
		"rolled, without an end":        {keyring{key("shop", day(1)), key("shop", time.Time{})}, time.Time{}},
		"the later one is revoked":      {keyring{key("shop", day(1)), revoked}, day(1)},
		"the later one is disabled":     {keyring{key("shop", day(1)), disabled}, day(1)},
		"expired":                       {keyring{key("shop", day(-1))}, time.Time{}},
		"two clients":                   {keyring{key("shop", day(3)), key("till", day(90)), key("till", day(2))}, day(3)},
		"a client of the same name":     {keyring{key("shop", day(90)), namesake}, day(2)},
		"another client without an end": {keyring{key("shop", day(4)), key("till", time.Time{})}, day(4)},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range test.keys {
				test.keys[i].Name = strconv.Itoa(i)
			}
			stored := api.NewStoredKeys(test.keys, time.Hour, func() time.Time { return now }, options(nowhere(t), newMemory()).Log)
			ended, end := context.WithCancel(t.Context())
			end()
			require.NoError(t, stored.Run(ended), "it reads the keys once")
			assert.InDelta(t, telemetry.At(test.want).Value, telemetrytest.Value(t, "orders_key_expiry_timestamp_seconds"), 0)
		})
	}
}

// Requests beyond a limit are counted by the limit.
func TestLimitMetrics(t *testing.T) {
	o, _ := limited(t, api.Limits{Rate: 1, Burst: 1, InFlight: 10, WrongKeys: 10})
	handler := api.New(o)
	more := telemetrytest.Gained(t, "orders_http_limited_total", "limit", "rate")
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
	more := telemetrytest.Gained(t, "orders_idempotent_replays_total")
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
	assert.Contains(t, shown.Body.String(), `orders_http_request_duration_seconds_count{method="GET",route="other",server="api",status="404"}`)
}
