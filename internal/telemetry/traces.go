package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-logr/logr"
	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/time/rate"
)

// scope names this service's own spans, beside those of libraries.
const scope = "dummyorders"

// flushWithin bounds how long a process that ends waits for its last spans to be exported.
const flushWithin = 5 * time.Second

// Traces is what NewTraces needs beside the OTEL_* variables, which OpenTelemetry's libraries read themselves.
type Traces struct {
	Service string // its name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has one
	Version string
	Conceal func(string) string // masks what no log and no span may hold
	Log     *slog.Logger
}

// NewTraces returns a provider that exports spans as the OTEL_* variables say, and a function that exports the last spans and
// ends it. Neither that nor any span waits for a collector that hangs: spans that cannot be exported in time are lost. What
// the libraries find wrong with the variables is an error; it shows no value, since one may be a secret.
func NewTraces(ctx context.Context, t Traces) (trace.TracerProvider, func(), error) {
	var faults strings.Builder
	otel.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(&faults, &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: onlyFault})))
	defer otel.SetLogger(logr.FromSlogHandler(t.Log.Handler()))
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName(t.Service), semconv.ServiceVersion(t.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: must be key=value pairs with commas between them")
	}
	exports, err := autoexport.NewSpanExporter(context.WithoutCancel(ctx)) // one that is stopped at once has no fault
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_EXPORTER_OTLP_*: %w", err)
	}
	masked, err := lru.New[string, string](mostMasked)
	if err != nil {
		return nil, nil, fmt.Errorf("make room for masked texts: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithBatcher(&concealing{
			SpanExporter: exports, conceal: t.Conceal, masked: masked, log: t.Log, sometimes: rate.Sometimes{Interval: time.Minute},
		}))
	flush := func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
		defer cancel()
		if err := provider.Shutdown(patience); err != nil {
			t.Log.WarnContext(ctx, "The last spans were not exported", "error", err)
		}
	}
	if faults.Len() > 0 {
		flush()
		return nil, nil, fmt.Errorf("OTEL_*: %s", strings.Join(strings.Split(strings.TrimSpace(faults.String()), "\n"), "; "))
	}
	return provider, flush, nil
}

// onlyFault leaves out what a library logs beside its message: the value, which may be a secret, is there.
func onlyFault(_ []string, a slog.Attr) slog.Attr {
	if a.Key != slog.MessageKey {
		return slog.Attr{}
	}
	return slog.String("cannot", a.Value.String())
}

// Tracer returns the tracer for this service's own spans. One of a nil provider records nothing.
func Tracer(p trace.TracerProvider) trace.Tracer {
	if p == nil {
		p = noop.NewTracerProvider()
	}
	return p.Tracer(scope)
}

// StartSpan begins a span below the one in ctx, where that one is recorded, and else one that records nothing. The caller ends it.
func StartSpan(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return Tracer(trace.SpanFromContext(ctx).TracerProvider()).Start(ctx, name, options...) //nolint:spancheck // the caller ends it
}

// EndSpan ends a span, with the error if there is one.
func EndSpan(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// OfContext is for libraries that want a provider before there are any spans: it records a span where the span in its context
// is recorded.
type OfContext struct{ embedded.TracerProvider }

// Tracer returns a tracer of that kind.
func (OfContext) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return tracerOfContext{name: name, options: options}
}

type tracerOfContext struct {
	embedded.Tracer

	name    string
	options []trace.TracerOption
}

// Start uses the provider of the span in ctx.
func (t tracerOfContext) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(t.name, t.options...).Start(ctx, name, options...) //nolint:spancheck // the caller ends it
}

// keyOfSpan is where WithSpanKey puts its key.
type keyOfSpan struct{}

// WithSpanKey gives the next span that begins with ctx an id that follows from the key. So what has to begin a span again, as a
// workflow does on another worker, gets the same span, and those below it keep their parent.
func WithSpanKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfSpan{}, key)
}

// ids makes the ids of traces and spans: random, but for WithSpanKey.
type ids struct{}

// NewIDs returns ids for a span that begins a trace.
func (ids) NewIDs(ctx context.Context) (t trace.TraceID, s trace.SpanID) {
	digest := digestFor(ctx)
	copy(t[:], digest[len(s):])
	copy(s[:], digest[:])
	return t, s
}

// NewSpanID returns an id for a span in a trace.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) (s trace.SpanID) {
	digest := digestFor(ctx)
	copy(s[:], digest[:])
	return s
}

func digestFor(ctx context.Context) (digest [sha256.Size]byte) {
	if key, keyed := ctx.Value(keyOfSpan{}).(string); keyed {
		return sha256.Sum256([]byte(key))
	}
	_, _ = rand.Read(digest[:]) // never fails, as crypto/rand documents
	return digest
}
