// Package tracing carries the W3C trace context (https://www.w3.org/TR/trace-context/) of a request through the
// workflows it starts to the alerts they publish, so that an alert can be traced to the request behind it. It records
// no spans.
package tracing

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

var traceContext propagation.TraceContext

// Middleware uses the caller's trace context, or begins a new one.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		carrier := propagation.MapCarrier{header: r.Header.Get(header)}
		ctx := traceContext.Extract(r.Context(), carrier)
		if !trace.SpanContextFromContext(ctx).IsValid() {
			ctx = begin(ctx)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func begin(ctx context.Context) context.Context {
	var traceID trace.TraceID
	var spanID trace.SpanID
	_, _ = rand.Read(traceID[:]) // never fails, as crypto/rand documents
	_, _ = rand.Read(spanID[:])
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID}))
}

// Propagator carries the trace context in Temporal's headers, from clients through workflows to activities.
type Propagator struct{}

// header is the only field that is carried, in Temporal's headers as in HTTP's. Its format has room for ids only. A
// tracestate is dropped: it may hold anything, such as a card number, and would be stored permanently.
const header = "traceparent"

// workflowKey is the key under which a workflow stores the trace that it passes on. Workflows cannot hold a
// context.Context.
type workflowKey struct{}

// Inject writes the context's trace into the headers of a call.
func (Propagator) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return write(carrier, w)
}

// Extract reads the trace that an activity was called with.
func (Propagator) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	carrier, err := read(r)
	if err != nil {
		return ctx, err
	}
	return traceContext.Extract(ctx, carrier), nil
}

// InjectFromWorkflow passes on the trace that the workflow was started with.
func (Propagator) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	carrier, _ := ctx.Value(workflowKey{}).(propagation.MapCarrier)
	return write(carrier, w)
}

// ExtractToWorkflow stores the trace that the workflow was started with.
func (Propagator) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	carrier, err := read(r)
	if err != nil {
		return ctx, err
	}
	return workflow.WithValue(ctx, workflowKey{}, carrier), nil
}

func write(carrier propagation.MapCarrier, w workflow.HeaderWriter) error {
	value := carrier.Get(header)
	if value == "" {
		return nil
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(value)
	if err != nil {
		return err
	}
	w.Set(header, payload)
	return nil
}

func read(r workflow.HeaderReader) (propagation.MapCarrier, error) {
	payload, there := r.Get(header)
	if !there {
		return propagation.MapCarrier{}, nil
	}
	var value string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
		return nil, err
	}
	return propagation.MapCarrier{header: value}, nil
}
