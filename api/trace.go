package api

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/card"
)

// traceParent is the header of the W3C trace context (https://www.w3.org/TR/trace-context/) that is read. Its format has
// room for ids only, and is not used if one of them could be a card number. A tracestate is dropped: it may hold anything,
// such as a card number, and would be stored permanently.
const traceParent = "traceparent"

// traced uses the caller's trace context, or begins a new one, so that an alert can be traced to the request behind it. It
// records no spans.
func traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if parent := r.Header.Get(traceParent); !card.HoldsNumber(parent) {
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: parent})
		}
		if !trace.SpanContextFromContext(ctx).IsValid() {
			ctx = beginTrace(ctx)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func beginTrace(ctx context.Context) context.Context {
	var traceID trace.TraceID
	var spanID trace.SpanID
	_, _ = rand.Read(traceID[:]) // never fails, as crypto/rand documents
	_, _ = rand.Read(spanID[:])
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID}))
}
