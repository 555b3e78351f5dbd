package rabbitmq

import (
	"context"
	"maps"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/propagation"
)

// traces writes and reads the headers traceparent and tracestate of W3C Trace Context.
var traces propagation.TraceContext

// traceHeaders carries ctx's trace, if it has one.
func traceHeaders(ctx context.Context) amqp.Table {
	headers := amqp.Table{}
	traces.Inject(ctx, carrier(headers))
	return headers
}

// withTrace is ctx in the trace that the headers carry, if they do.
func withTrace(ctx context.Context, headers amqp.Table) context.Context {
	return traces.Extract(ctx, carrier(headers))
}

// carrier makes AMQP headers a propagation.TextMapCarrier.
type carrier amqp.Table

// Get is empty for a header that is missing or no text.
func (c carrier) Get(key string) string {
	text, _ := c[key].(string)
	return text
}

// Set writes the header.
func (c carrier) Set(key, value string) {
	c[key] = value
}

// Keys are the headers' names, in order.
func (c carrier) Keys() []string {
	return slices.Sorted(maps.Keys(c))
}
