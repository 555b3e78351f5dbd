// Package telemetrytest reads the metrics of a test's process. They count over all of its tests, so a test compares what they
// are before and after.
package telemetrytest

import (
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/telemetry"
)

// Value returns the sum of a metric over all of its series that have these labels, which are names and values by turns. Of a
// histogram it is how often something was observed.
func Value(t testing.TB, metric string, labels ...string) (sum float64) {
	t.Helper()
	for _, series := range family(t, metric) {
		if has(series, labels) {
			sum += series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// Gained returns a function for what a metric gains from now on: see Value.
func Gained(t testing.TB, metric string, labels ...string) func() float64 {
	t.Helper()
	before := Value(t, metric, labels...)
	return func() float64 { return Value(t, metric, labels...) - before }
}

// Series returns how many series a metric has.
func Series(t testing.TB, metric string) int {
	t.Helper()
	return len(family(t, metric))
}

func family(t testing.TB, metric string) []*dto.Metric {
	t.Helper()
	registry, err := telemetry.Start()
	require.NoError(t, err)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == metric {
			return family.GetMetric()
		}
	}
	return nil
}

func has(series *dto.Metric, labels []string) bool {
	values := map[string]string{}
	for _, pair := range series.GetLabel() {
		values[pair.GetName()] = pair.GetValue()
	}
	for i := 0; i < len(labels); i += 2 {
		if values[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}
