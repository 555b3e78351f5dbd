package ledger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/velocity"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/velocitytest"
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

// What is done for each transaction waits for PostgreSQL as seldom as it can, so that it is as fast where the server is another
// machine. Each span below that of the call is one wait.
func TestPostgresRoundTrips(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	number := 0
	for name, c := range map[string]struct {
		want int
		call func(ctx context.Context) error
	}{
		"keep an entry of the audit trail": {2, func(ctx context.Context) error {
			_, err := l.Append(ctx, ledgertest.Audited(number))
			return err
		}},
		"decide": {2, func(ctx context.Context) error {
			use := velocitytest.Use(number, "a")
			lookups := velocity.Lookups(byDefault, use, use.At)
			_, err := l.Decide(ctx, velocitytest.Check(use), use, lookups, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
			return err
		}},
		"look": {1, func(ctx context.Context) error {
			_, err := l.Look(ctx, "", []velocity.Lookup{{By: velocity.Card, Value: "a"}})
			return err
		}},
		"save an accepted transaction": {1, func(ctx context.Context) error { return l.Save(ctx, ledgertest.Accepted(number)) }},
		"save an ended one":            {1, func(ctx context.Context) error { return l.Save(ctx, ledgertest.Ended(number, start)) }},
		"save one with a review": {2, func(ctx context.Context) error {
			e := ledgertest.Accepted(number)
			e.Record.Review = &review.Review{Deadline: start}
			e.Record.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: start}}
			return l.Save(ctx, e)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			recorded := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded))
			var waits []string
			for range 2 { // the first time, statements are prepared
				number++
				waits = nil
				recorded.Reset()
				ctx, outer := provider.Tracer("test").Start(t.Context(), "outer")
				require.NoError(t, c.call(ctx))
				outer.End()
				for _, span := range recorded.Ended() {
					if span.Parent().SpanID() == outer.SpanContext().SpanID() {
						waits = append(waits, span.Name())
					}
				}
			}
			assert.Len(t, waits, c.want, "%q", waits)
		})
	}
}
