package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/telemetry"
)

// What a measurement costs, before there is a provider and with one.
func BenchmarkMeasure(b *testing.B) {
	measure := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			telemetry.HTTPRequestDuration.Record(b.Context(), time.Millisecond, "api", "/transact", "POST", "200")
		}
	}
	b.Run("not started", measure)
	_, err := telemetry.Start()
	require.NoError(b, err)
	b.Run("started", measure)
}
