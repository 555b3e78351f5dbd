package rabbitmq

import (
	"context"
	"maps"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/propagation"
)

// traces writes and reads W3C Trace Context's headers traceparent and tracestate.
var traces propagation.TraceContext

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
