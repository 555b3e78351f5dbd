package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"dummyorders/internal/telemetry"
)

// receiver is a collector of OTLP over HTTP.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	got []*collector.ExportTraceServiceRequest
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		assert.NoError(t, err)
		got := &collector.ExportTraceServiceRequest{}
		assert.NoError(t, proto.Unmarshal(body, got))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, got)
	}))
	t.Cleanup(r.Close)
	return r
}

func newTraces(t *testing.T, endpoint string, log io.Writer) (trace.TracerProvider, func()) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	traces, flush, err := telemetry.NewTraces(t.Context(), telemetry.Traces{
		Service: "orders-api", Version: "1", Conceal: strings.NewReplacer("4242", "****").Replace, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	return traces, flush
}

// No text of a span holds what is secret, and each keeps the rest.
func TestConcealed(t *testing.T) {
	r := startReceiver(t)
	traces, flush := newTraces(t, r.URL, io.Discard)
	_, span := telemetry.Tracer(traces).Start(t.Context(), "card 4242", trace.WithAttributes(
		attribute.Int("number", 4242), attribute.StringSlice("list", []string{"4242"}), attribute.Int("seen", 17)))
	span.AddEvent("for 4242", trace.WithAttributes(attribute.String("to", "Jo <jo.doe+x@example.com>")))
	telemetry.EndSpan(span, errors.New(`Post "https://user:secret@chat.example.com/hooks/secret?key=secret": card 4242 of jo.doe@example.com refused`))
	flush()
	require.Len(t, r.got, 1)
	text := r.got[0].String()
	for _, hidden := range []string{"4242", "secret", "jo.doe", "user"} {
		assert.NotContains(t, text, hidden)
	}
	for _, kept := range []string{"card ****", "for ****", "seen", "17", "https://chat.example.com", "refused", "orders-api"} {
		assert.Contains(t, text, kept)
	}
}

// A span that is begun again has the id that it had, and others do not.
func TestSpanKey(t *testing.T) {
	traces, flush := newTraces(t, startReceiver(t).URL, io.Discard)
	defer flush()
	idOf := func(ctx context.Context) string {
		_, span := telemetry.Tracer(traces).Start(ctx, "workflow")
		defer span.End()
		return span.SpanContext().SpanID().String()
	}
	run := telemetry.WithSpanKey(t.Context(), "run 1")
	first, another := idOf(run), idOf(t.Context())
	assert.Equal(t, first, idOf(run))
	assert.NotEqual(t, first, idOf(telemetry.WithSpanKey(t.Context(), "run 2")))
	assert.NotEqual(t, another, idOf(t.Context()))
}

// A collector that takes connections and never answers stops neither work nor the end of the process.
func TestCollectorHangs(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	log, err := os.Create(filepath.Join(t.TempDir(), "log")) // to which the exporter may still write at the end
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	traces, flush := newTraces(t, "http://"+listener.Addr().String(), log)
	began := time.Now()
	for range 10_000 { // more than the queue holds
		_, span := telemetry.Tracer(traces).Start(t.Context(), "work")
		span.End()
	}
	assert.Less(t, time.Since(began), 3*time.Second)
	began = time.Now()
	flush()
	assert.Less(t, time.Since(began), 8*time.Second)
	said, err := os.ReadFile(log.Name())
	require.NoError(t, err)
	assert.Contains(t, string(said), "The last spans were not exported")
}

// What is lost because the collector is away is said, and the work goes on.
func TestCollectorAway(t *testing.T) {
	var log strings.Builder
	traces, flush := newTraces(t, "http://127.0.0.1:1", &log)
	_, span := telemetry.Tracer(traces).Start(t.Context(), "work")
	span.End()
	flush()
	assert.Contains(t, log.String(), "Spans were not exported and are lost; transactions go on")
	assert.Contains(t, log.String(), "spans=1")
}

// Without traces, a span costs nothing worth naming.
func TestOffCostsNothing(t *testing.T) {
	tracer := telemetry.Tracer(nil)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		_, span := tracer.Start(t.Context(), "work")
		span.End()
	}), 1.0)
}
