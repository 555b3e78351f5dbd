package desk_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/api"
	"dummyorders/desk"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/telemetrytest"
)

// shownTo says to which roles each screen is shown. All others are refused it.
var shownTo = map[string][]identity.Role{
	"Now":             identity.Roles,
	"Reviews":         {"reviewer", "admin"},
	"Transactions":    identity.Roles,
	"Rules":           {"reviewer", "analyst", "admin"},
	"Alerts":          {"reviewer", "operator", "admin"},
	"Reports":         identity.Roles,
	"People and keys": {"admin"},
	"Audit trail":     {"auditor", "admin"},
	"You":             identity.Roles,
}

// Each screen has its picture in docs/desk, under the name of its path, which docs/desk.md shows; there are no others.
func TestPictures(t *testing.T) {
	page, err := os.ReadFile("../docs/desk.md")
	require.NoError(t, err)
	var wanted, there []string
	for _, screen := range desk.Screens {
		picture := "desk" + screen.Path + ".png"
		wanted = append(wanted, filepath.Base(picture))
		assert.Contains(t, string(page), "![The screen "+screen.Name+"]("+picture+")")
	}
	files, err := os.ReadDir("../docs/desk")
	require.NoError(t, err)
	for _, file := range files {
		there = append(there, file.Name())
	}
	assert.ElementsMatch(t, wanted, there, "go test ./internal/e2e -run TestDesk -update-desk takes them")
}

// newRealWorld returns a desk over a real API with the same ledger.
func newRealWorld(t *testing.T) *world {
	t.Helper()
	var handler http.Handler
	w := newWorldOver(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }), api.As)
	handler = api.New(api.Options{
		Transactions: &temporal.Transactions{}, Alerts: &temporal.Alerts{}, Ledger: w.ledger, Trail: w.ledger, Clients: w.ledger, Sessions: ledgerdb.Sessions{Ledger: w.ledger}, Audit: w.audit,
		MaxInFlight: 10, Limits: api.Limits{Rate: 1000, Burst: 1000, InFlight: 10, WrongKeys: 10}, Authenticators: []api.Authenticator{api.Keys{}}, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

// Each screen is in the menu of those who may see it, and is refused to all others by the API itself.
func TestScreensByRole(t *testing.T) {
	w := newRealWorld(t)
	for _, role := range identity.Roles {
		w.browser = w.newBrowser()
		menu := w.signIn("ada", string(role))
		for _, screen := range desk.Screens {
			roles, has := shownTo[screen.Name]
			require.True(t, has, "%s has no row in this test", screen.Name)
			status, page := w.get(screen.Path)
			link := `<a href="` + screen.Path + `"`
			if slices.Contains(roles, role) {
				assert.NotEqual(t, http.StatusForbidden, status, "%s for %s", screen.Name, role)
				assert.Contains(t, menu, link, "%s for %s", screen.Name, role)
			} else {
				assert.Equal(t, http.StatusForbidden, status, "%s for %s: %s", screen.Name, role, page)
				assert.NotContains(t, menu, link, "%s for %s", screen.Name, role)
			}
		}
	}
}

// Pages are measured by their routes, apart from what they ask of the API, whose spans are below theirs. Nothing that a browser sends
// becomes a label or is in a span. Static files, and the stream of numbers, which goes on for hours, are not measured.
func TestPagesMeasured(t *testing.T) {
	const (
		requests = "orders_http_request_duration_seconds"
		number   = "4716190207394368"
	)
	w := newWorld(t)
	recorded := tracetest.NewSpanRecorder()
	var asking trace.SpanContext
	w.restart(func(o *desk.Options) {
		o.Traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded))
		o.API = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asking = trace.SpanContextFromContext(r.Context())
			w.api.ServeHTTP(rw, r)
		})
	})
	w.signIn("ada", "reviewer")
	for _, c := range []struct {
		path, span, route string
		status            int
	}{
		{"/transactions/" + number, "GET /transactions/{id}", "/transactions/{id}", 404},
		{"/nowhere/" + number, "GET", "other", 404},
	} {
		recorded.Reset()
		asking = trace.SpanContext{}
		matched := telemetrytest.Value(t, requests, "server", "desk", "route", c.route, "method", "GET", "status", strconv.Itoa(c.status))
		status, _ := w.get(c.path)
		require.Equal(t, c.status, status, c.path)
		assert.InDelta(t, matched+1, telemetrytest.Value(t, requests, "server", "desk", "route", c.route, "method", "GET", "status", strconv.Itoa(c.status)), 0)
		require.NotEmpty(t, recorded.Ended(), c.path)
		for _, span := range recorded.Ended() {
			for _, a := range span.Attributes() {
				assert.NotContains(t, a.Value.String(), number, a.Key)
			}
		}
		span := recorded.Ended()[len(recorded.Ended())-1] // those of the sessions' statements are below it
		assert.Equal(t, c.span, span.Name())
		if c.route != "other" {
			assert.Equal(t, span.SpanContext().SpanID(), asking.SpanID(), "the API is asked within the page's span")
		}
	}
	w.browser = w.newBrowser() // signed out, so that the stream ends at once
	for path, want := range map[string]int{"/static/desk.css": http.StatusOK, "/now/events": http.StatusNoContent} {
		recorded.Reset()
		counted := telemetrytest.Value(t, requests)
		status, _ := w.get(path)
		require.Equal(t, want, status, path)
		assert.Empty(t, recorded.Ended(), path)
		assert.InDelta(t, counted, telemetrytest.Value(t, requests), 0, path)
	}
}
