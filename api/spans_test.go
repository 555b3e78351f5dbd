package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"dummyorders/api"
)

// A request's span is named by its route, is below the caller's, and holds nothing of what was sent. Probes have none.
func TestRequestSpans(t *testing.T) {
	const card = "4716190207394368"
	recorded := tracetest.NewSpanRecorder()
	o := options(nowhere(t), newMemory())
	o.Traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded))
	handler := api.New(o)
	for _, c := range []struct{ method, path, parent, name, below string }{
		{http.MethodGet, "/transactions/" + card, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "GET /transactions/{id}", "00f067aa0ba902b7"},
		{http.MethodGet, "/transactions/x?orderID=" + card, "00-4bf92f3577b34da6a3ce929d0e0e4736-" + card + "-01", "GET /transactions/{id}", "0000000000000000"},
		{http.MethodPost, "/transact", "", "POST /transact", "0000000000000000"},
		{http.MethodGet, "/nowhere/" + card, "", "GET", "0000000000000000"},
		{card, "/", "", "other", "0000000000000000"},
		{http.MethodGet, "/livez", "", "", ""},
		{http.MethodGet, "/readyz", "", "", ""},
	} {
		recorded.Reset()
		request(t, handler, c.method, c.path, "", "Traceparent: "+c.parent, "Tracestate: shop="+card)
		if c.name == "" {
			assert.Empty(t, recorded.Ended(), c.path)
			continue
		}
		require.Len(t, recorded.Ended(), 1, c.path)
		span := recorded.Ended()[0]
		assert.Equal(t, c.name, span.Name())
		assert.Equal(t, c.below, span.Parent().SpanID().String(), c.path)
		assert.Empty(t, span.SpanContext().TraceState().String())
		for _, a := range span.Attributes() {
			assert.NotContains(t, a.Value.String(), card, a.Key)
		}
	}
}
