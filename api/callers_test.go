package api_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/internal/telemetrytest"
)

// asked is a request of a caller: from an address, with headers.
type asked struct {
	path, from string
	headers    []string
}

func (a asked) of(t *testing.T, handler http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, a.path, http.NoBody)
	r.RemoteAddr = a.from
	for _, header := range a.headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

// clock is a clock that a test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func limited(t *testing.T, limits api.Limits) (o api.Options, at *clock) {
	t.Helper()
	at = &clock{time.Date(2026, 5, 17, 8, 30, 0, 0, time.UTC)}
	o = options(nowhere(t), newMemory())
	o.Limits, o.Now = limits, at.now
	return o, at
}

// Each caller has a rate of its own, and another address or key does not use it up.
func TestRatePerCaller(t *testing.T) {
	const a, b = "192.0.2.1:1000", "192.0.2.2:1000"
	shop, mobile := []string{"Authorization: Bearer secret-of-the-shop"}, []string{"Authorization: Bearer secret-of-the-app"}
	keys := map[string]string{"shop": "secret-of-the-shop", "mobile": "secret-of-the-app"}
	link := reviewLink(uuid.NewString(), "jo@example.com")
	for name, test := range map[string]struct {
		clients      map[string]string
		trusted      string
		first, other asked
		same         bool // they are one caller
	}{
		"two addresses":                 {first: asked{from: a}, other: asked{from: b}},
		"two ports":                     {first: asked{from: a}, other: asked{from: "192.0.2.1:2000"}, same: true},
		"two addresses of a site":       {first: asked{from: "[2001:db8::1]:1"}, other: asked{from: "[2001:db8::2]:1"}, same: true},
		"two sites":                     {first: asked{from: "[2001:db8::1]:1"}, other: asked{from: "[2001:db8:0:1::1]:1"}},
		"an address in two forms":       {first: asked{from: a}, other: asked{from: "[::ffff:192.0.2.1]:1"}, same: true},
		"a header that anyone may send": {first: asked{from: a, headers: []string{"X-Forwarded-For: 198.51.100.1"}}, other: asked{from: a, headers: []string{"X-Forwarded-For: 198.51.100.2"}}, same: true},
		"behind a trusted proxy":        {trusted: "192.0.2.0/24", first: asked{from: a, headers: []string{"X-Forwarded-For: 198.51.100.1"}}, other: asked{from: a, headers: []string{"X-Forwarded-For: 198.51.100.2"}}},
		"in front of a trusted proxy":   {trusted: "192.0.2.0/24", first: asked{from: a, headers: []string{"X-Forwarded-For: 203.0.113.1, 198.51.100.1, 192.0.2.9"}}, other: asked{from: b, headers: []string{"X-Forwarded-For: 203.0.113.2", "X-Forwarded-For: 198.51.100.1"}}, same: true},
		"past a trusted proxy":          {trusted: "198.51.100.0/24", first: asked{from: a, headers: []string{"X-Forwarded-For: 203.0.113.1"}}, other: asked{from: a, headers: []string{"X-Forwarded-For: 203.0.113.2"}}, same: true},
		"a proxy that names no address": {trusted: "192.0.2.0/24", first: asked{from: a}, other: asked{from: b}},
		"two keys of one address":       {clients: keys, first: asked{from: a, headers: shop}, other: asked{from: a, headers: mobile}},
		"one key from two addresses":    {clients: keys, first: asked{from: a, headers: shop}, other: asked{from: b, headers: shop}, same: true},
		"a link and a key":              {clients: keys, first: asked{from: a, path: link}, other: asked{from: a, headers: shop}},
		"two links of one address":      {first: asked{from: a, path: link}, other: asked{from: a, path: reviewLink(uuid.NewString(), "ada@example.com")}, same: true},
	} {
		t.Run(name, func(t *testing.T) {
			o, at := limited(t, api.Limits{Rate: 2, Burst: 4, InFlight: 5, WrongKeys: 5})
			o.Authenticators, o.Links = clients(test.clients), links
			if test.trusted != "" {
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(test.trusted)}
			}
			handler := handlerWith(o)
			if test.first.path == "" {
				test.first.path = "/transactions"
			}
			if test.other.path == "" {
				test.other.path = "/transactions"
			}
			for i, left := range []string{`"caller";r=3;t=1`, `"caller";r=2;t=1`, `"caller";r=1;t=2`, `"caller";r=0;t=2`} {
				answer := test.first.of(t, handler)
				assert.NotEqual(t, 429, answer.Code, "request %d", i)
				assert.Equal(t, left, answer.Header().Get("RateLimit"))
				assert.Equal(t, `"caller";q=4;w=2`, answer.Header().Get("RateLimit-Policy"))
			}
			answer := test.first.of(t, handler)
			assert.Equal(t, 429, answer.Code)
			assert.Equal(t, "1", answer.Header().Get("Retry-After"))
			assert.Equal(t, test.same, test.other.of(t, handler).Code == 429)
			assert.NotEqual(t, 429, asked{path: "/livez", from: test.first.from}.of(t, handler).Code, "probes are not limited")
			at.Time = at.Add(time.Second)
			assert.NotEqual(t, 429, test.first.of(t, handler).Code, "after a second")
		})
	}
}

// Wrong keys and links are counted by address and logged, and after some they are answered 429. A right key passes.
func TestWrongKeysPerAddress(t *testing.T) {
	const a, b = "192.0.2.1:1000", "192.0.2.2:1000"
	for name, test := range map[string]struct {
		wrong  asked
		status int
	}{
		"key":  {asked{path: "/transactions", from: a, headers: []string{"Authorization: Bearer a-guess-of-the-key"}}, 401},
		"none": {asked{path: "/transactions", from: a}, 401},
		"link": {asked{path: "/transactions/" + uuid.NewString() + "/review?by=jo&until=1&signature=a-guess-of-the-key", from: a}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			o, at := limited(t, api.Limits{Rate: 1000, Burst: 1000, InFlight: 5, WrongKeys: 3})
			o.Authenticators, o.Links = clients(map[string]string{"shop": "secret-of-the-shop"}), links
			var log bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			handler := handlerWith(o)
			for range 3 {
				assert.Equal(t, test.status, test.wrong.of(t, handler).Code)
			}
			answer := test.wrong.of(t, handler)
			assert.Equal(t, 429, answer.Code)
			assert.Equal(t, "20", answer.Header().Get("Retry-After"))
			right := asked{path: "/transactions", from: a, headers: []string{"Authorization: Bearer secret-of-the-shop"}}
			assert.Equal(t, 200, right.of(t, handler).Code, "a right key")
			elsewhere := test.wrong
			elsewhere.from = b
			assert.Equal(t, test.status, elsewhere.of(t, handler).Code, "another address")
			assert.Equal(t, 1, strings.Count(log.String(), "address=192.0.2.1 attempts=1\n"), log.String())
			at.Time = at.Add(time.Minute)
			assert.Equal(t, test.status, test.wrong.of(t, handler).Code, "after a minute")
			assert.Contains(t, log.String(), "address=192.0.2.1 attempts=5\n")
			assert.NotContains(t, log.String(), "a-guess")
		})
	}
}

// A caller that has all the places that one may take leaves the others to other callers.
func TestInFlightPerCaller(t *testing.T) {
	temporal, waiting, release := &mocks.Client{}, make(chan struct{}, 10), make(chan struct{})
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(func(mock.Arguments) {
		waiting <- struct{}{}
		select {
		case <-release:
		case <-time.After(10 * time.Second): // the test fails then
		}
	}).Return(nil, nil)
	o := options(temporal, newMemory())
	o.MaxInFlight, o.Limits.InFlight = 4, 2
	o.Authenticators = clients(map[string]string{"shop": "secret-of-the-shop", "mobile": "secret-of-the-app"})
	handler, ended := handlerIn(context.Background(), o), make(chan int)
	ofOne, ofAll := telemetrytest.Gained(t, "orders_http_limited_total", "limit", "in_flight_per_caller"), telemetrytest.Gained(t, "orders_http_limited_total", "limit", "in_flight")
	send := func(key string) int {
		return request(t, handler, http.MethodPost, "/transact", api.SeedExample, "Authorization: Bearer "+key, "Prefer: respond-async").Code
	}
	for _, key := range []string{"secret-of-the-shop", "secret-of-the-shop", "secret-of-the-app", "secret-of-the-app"} {
		go func() { ended <- send(key) }()
		<-waiting
		if key == "secret-of-the-shop" {
			continue
		}
		assert.Equal(t, 429, send("secret-of-the-shop"))
		assert.InDelta(t, 1, ofOne(), 0, "it was refused while there was one more place")
	}
	assert.InDelta(t, 1, ofAll(), 0, "it was refused while there was none")
	close(release)
	for range 4 {
		assert.Equal(t, 202, <-ended)
	}
	assert.Equal(t, 202, send("secret-of-the-shop"), "a place that was given back")
}
