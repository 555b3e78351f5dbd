package ledger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
)

// A call with a span has spans of its statements below it, without their values; one without has none.
func TestStatementSpans(t *testing.T) {
	const canary = "canary-4242"
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			recorded := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded))
			find := func(ctx context.Context) {
				_, err := l.Find(ctx, identity.AllMerchants(), canary)
				require.ErrorIs(t, err, ledger.ErrNotFound)
			}
			find(t.Context())
			require.Empty(t, recorded.Started())
			ctx, outer := provider.Tracer("test").Start(t.Context(), "outer")
			find(ctx)
			outer.End()
			below := 0
			for _, span := range recorded.Ended() {
				if span.Parent().SpanID() == outer.SpanContext().SpanID() {
					below++
				}
				for _, a := range span.Attributes() {
					assert.NotContains(t, a.Value.String(), canary, "%s: %s", span.Name(), a.Key)
				}
			}
			assert.Positive(t, below)
			assert.Len(t, recorded.Ended(), len(recorded.Started()))
		})
	}
}
