package telemetry_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/internal/telemetry"
	"dummyorders/internal/telemetrytest"
)

// A request that panics is measured too: the server closes its connection.
func TestAbortedRequest(t *testing.T) {
	requests := telemetry.Requests{Server: "of this test", Private: func(string) bool { return false }, Log: slog.New(slog.DiscardHandler)}
	for status, abort := range map[string]http.HandlerFunc{
		"500": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"200": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			panic(http.ErrAbortHandler)
		},
	} {
		gained := telemetrytest.Gained(t, "orders_http_request_duration_seconds", "server", "of this test", "status", status)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		assert.Panics(t, func() { requests.Measured(abort).ServeHTTP(httptest.NewRecorder(), request) })
		assert.InDelta(t, 1, gained(), 0, status)
	}
}

func TestTraceContext(t *testing.T) {
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	of := func(traceparent string) trace.SpanContext {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		request.Header.Set("traceparent", traceparent)
		var ctx context.Context
		requests := telemetry.Requests{Private: func(string) bool { return false }, Log: slog.New(slog.DiscardHandler)}
		requests.Measured(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).
			ServeHTTP(httptest.NewRecorder(), request)
		return trace.SpanContextFromContext(ctx)
	}
	t.Run("the caller's", func(t *testing.T) {
		require.Equal(t, traceID, of("00-"+traceID+"-00f067aa0ba902b7-01").TraceID().String())
	})
	for _, absent := range []string{"", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		t.Run("new for "+absent, func(t *testing.T) {
			one, other := of(absent), of(absent)
			require.True(t, one.IsValid())
			require.NotEqual(t, one.TraceID(), other.TraceID())
		})
	}
}
