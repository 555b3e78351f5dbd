package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// traceParent is the header of the W3C trace context (https://www.w3.org/TR/trace-context/) that is read. Its format has
// room for ids only. A tracestate is dropped: it may hold anything, such as a card number, and would be stored permanently.
const traceParent = "traceparent"

// Requests measures, logs and traces the requests of a server by their routes, never by their paths, bodies or queries: those may
// hold anything.
type Requests struct {
	Server string // the name of the server in HTTPRequestDuration
	// Private reports whether a text holds something that must not be stored, such as a card number: such a traceparent is not used.
	Private func(string) bool
	Traces  trace.TracerProvider // nil if no spans are recorded
	Log     *slog.Logger
}

// Measured is middleware of a router of chi. It records a span of each request, within the caller's trace if there is one. If no
// spans are recorded, there is a trace all the same, so that an alert can be traced to the request behind it.
func (q Requests) Measured(next http.Handler) http.Handler {
	tracer := Tracer(q.Traces)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, recorder, ctx := time.Now(), middleware.NewWrapResponseWriter(w, r.ProtoMajor), r.Context()
		if parent := r.Header.Get(traceParent); !q.Private(parent) {
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: parent})
		}
		if !isProbe(r) {
			var span trace.Span
			ctx, span = tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
			defer span.End()
		}
		if !trace.SpanContextFromContext(ctx).IsValid() {
			ctx = beginTrace(ctx)
		}
		silent := http.StatusInternalServerError // counts where no status was written: next has panicked, or is done
		defer func() {
			method, route, status, took := methodName(r.Method), chi.RouteContext(ctx).RoutePattern(), cmp.Or(recorder.Status(), silent), time.Since(start)
			q.Log.DebugContext(ctx, "Request", "method", method, "route", route, "status", status, "took", took)
			describe(ctx, method, route, status)
			HTTPRequestDuration.Record(ctx, took, q.Server, cmp.Or(route, "other"), method, strconv.Itoa(status))
		}()
		next.ServeHTTP(recorder, r.WithContext(ctx))
		silent = http.StatusOK
	})
}

// methodName returns a method's name for metrics and traces: callers may send any word as a method.
func methodName(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// isProbe reports whether a request only asks whether the process is well, as supervisors do all the time.
func isProbe(r *http.Request) bool {
	return slices.Contains([]string{"/livez", "/readyz", "/metrics"}, r.URL.Path)
}

// describe names the span of a request by its route.
func describe(ctx context.Context, method, route string, status int) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(strings.TrimSpace(method + " " + route))
	span.SetAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route), semconv.HTTPResponseStatusCode(status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

func beginTrace(ctx context.Context) context.Context {
	var traceID trace.TraceID
	var spanID trace.SpanID
	_, _ = rand.Read(traceID[:]) // never fails, as crypto/rand documents
	_, _ = rand.Read(spanID[:])
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID}))
}
