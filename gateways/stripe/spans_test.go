package stripe_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
)

// A call with a span has spans of its requests, which hold neither key nor body.
func TestRequestSpans(t *testing.T) {
	recorded := tracetest.NewSpanRecorder()
	ctx, outer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded)).Tracer("test").Start(t.Context(), "outer")
	gateway := stripe.New(testKey, startFake(t).URL)
	_, err := gateway.Authorize(ctx, payment.AuthorizeRequest{
		IdempotencyKey: "hold", TransactionID: "t", Token: "pm_card_visa", Amount: money.Money{Minor: 12300, Currency: "INR"},
	})
	require.NoError(t, err)
	outer.End()
	spans := recorded.Ended()
	require.GreaterOrEqual(t, len(spans), 2)
	assert.Equal(t, "HTTP POST", spans[0].Name())
	assert.Equal(t, outer.SpanContext().SpanID(), spans[0].Parent().SpanID())
	for _, span := range spans {
		for _, a := range span.Attributes() {
			for _, secret := range []string{testKey, "pm_card_visa", "12300"} {
				assert.NotContains(t, a.Value.String(), secret, a.Key)
			}
		}
	}
}
