package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/card"
)

// traceParent is the header of the W3C trace context (https://www.w3.org/TR/trace-context/) that is read. Its format has
// room for ids only, and is not used if one of them could be a card number. A tracestate is dropped: it may hold anything,
// such as a card number, and would be stored permanently.
const traceParent = "traceparent"

// traced records a span of each request, within the caller's trace if there is one. If no spans are recorded, there is a trace
// all the same, so that an alert can be traced to the request behind it.
func traced(tracer trace.Tracer) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if parent := r.Header.Get(traceParent); !card.HoldsNumber(parent) {
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
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// isProbe reports whether a request only asks whether the process is well, as supervisors do all the time.
func isProbe(r *http.Request) bool {
	return slices.Contains([]string{"/livez", "/readyz", "/metrics"}, r.URL.Path)
}

// describe names the span of a request by its route: its path may hold anything.
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
