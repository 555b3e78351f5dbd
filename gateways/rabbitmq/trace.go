package rabbitmq

import (
	"context"
	"maps"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/internal/telemetry"
)

// traces writes and reads W3C Trace Context's headers traceparent and tracestate.
var traces propagation.TraceContext

// startSpan begins the span of a message that goes to or comes from a place on the broker.
func startSpan(ctx context.Context, traces trace.TracerProvider, kind trace.SpanKind, operation, place, id string) (context.Context, trace.Span) {
	return telemetry.Tracer(traces).Start(ctx, operation+" "+place, trace.WithSpanKind(kind), trace.WithAttributes( //nolint:spancheck // the caller ends it
		semconv.MessagingSystemRabbitMQ, semconv.MessagingOperationName(operation), semconv.MessagingDestinationName(place), semconv.MessagingMessageID(id)))
}

// traceHeaders returns headers that carry ctx's trace, if it has one.
func traceHeaders(ctx context.Context) amqp.Table {
	headers := amqp.Table{}
	traces.Inject(ctx, carrier(headers))
	return headers
}

// withTrace returns ctx with the trace that the headers carry, if any.
func withTrace(ctx context.Context, headers amqp.Table) context.Context {
	return traces.Extract(ctx, carrier(headers))
}

// carrier makes AMQP headers a propagation.TextMapCarrier.
type carrier amqp.Table

// Get returns the header, or "" if it is missing or is not a string.
func (c carrier) Get(key string) string {
	text, _ := c[key].(string)
	return text
}

// Set writes the header.
func (c carrier) Set(key, value string) {
	c[key] = value
}

// Keys returns the headers' names, sorted.
func (c carrier) Keys() []string {
	return slices.Sorted(maps.Keys(c))
}
