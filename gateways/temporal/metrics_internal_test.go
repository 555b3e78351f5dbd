package temporal

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"dummyorders/internal/telemetry"
	"dummyorders/internal/telemetrytest"
)

func sdkMetrics(t testing.TB) client.MetricsHandler {
	t.Helper()
	_, err := telemetry.Start()
	require.NoError(t, err)
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: telemetry.Meter(), UseMonotonicCounters: true})
}

// What is measured under some tags is counted under these, however often and in which order they are given.
func TestKeptMetrics(t *testing.T) {
	root := &keptMetrics{MetricsHandler: sdkMetrics(t)}
	type series struct{ metric, place, kind string }
	value := func(s series) float64 {
		return telemetrytest.Value(t, s.metric, "kept_place", s.place, "kept_kind", s.kind)
	}
	want := map[series]float64{}
	for _, place := range []string{"place 0", "place 1"} {
		want[series{"kept_counter_total", place, "one"}], want[series{"kept_counter_total", place, "two"}] = 20, 40
		want[series{"kept_timer_seconds", place, "one"}] = 20
	}
	for s := range want {
		want[s] += value(s)
	}
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			place := fmt.Sprint("place ", n%2)
			inOne := root.WithTags(map[string]string{"kept_place": place, "kept_kind": "one"})
			inTwo := root.WithTags(map[string]string{"kept_kind": "two"}).WithTags(map[string]string{"kept_place": place})
			inOne.Counter("kept_counter").Inc(1)
			inTwo.Counter("kept_counter").Inc(2)
			inTwo.WithTags(map[string]string{"kept_kind": "one"}).Timer("kept_timer").Record(time.Millisecond)
			inOne.Gauge("kept_gauge").Update(3)
		})
	}
	all.Wait()
	for s, n := range want {
		assert.InDelta(t, n, value(s), 0, s)
		assert.InDelta(t, 3, value(series{"kept_gauge", s.place, "one"}), 0)
	}
	assert.Equal(t, 4, telemetrytest.Series(t, "kept_counter_total"))
}

// Tags differ by each name and value, also where there are more than are kept.
func TestKeptTags(t *testing.T) {
	root := &keptMetrics{MetricsHandler: sdkMetrics(t)}
	for _, tags := range []map[string]string{
		{},
		{"a": "b"},
		{"b": "a"},
		{"a": "b", "c": "d"},
		{"a": "d", "c": "b"},
		{"a": "1", "b": "2", "c": "3", "d": "4"},
		{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"},
	} {
		for range 30 {
			root.WithTags(tags).Counter("kept_tags").Inc(1)
		}
		names := []string{}
		for name, value := range tags {
			names = append(names, name, value)
		}
		assert.GreaterOrEqual(t, telemetrytest.Value(t, "kept_tags_total", names...), 30.0, tags)
	}
	assert.Equal(t, 7, telemetrytest.Series(t, "kept_tags_total"))
	assert.Len(t, root.tagged.all, 6, "in whichever order a map returns them, and not those that are too many")
}

// What is kept is bounded, and what is not kept works too.
func TestMostKept(t *testing.T) {
	root := &keptMetrics{MetricsHandler: sdkMetrics(t)}
	last := []string{"kept_number", strconv.Itoa(mostKept + 4)}
	before := telemetrytest.Value(t, "kept_most_total", last...)
	for n := range mostKept + 5 {
		root.WithTags(map[string]string{"kept_number": strconv.Itoa(n)}).Counter("kept_most").Inc(1)
	}
	require.Len(t, root.tagged.all, mostKept)
	require.InDelta(t, before+1, telemetrytest.Value(t, "kept_most_total", last...), 0)
}

// What the SDK measures of one call.
func BenchmarkCallMetrics(b *testing.B) {
	for name, root := range map[string]client.MetricsHandler{"SDK's": sdkMetrics(b), "kept": &keptMetrics{MetricsHandler: sdkMetrics(b)}} {
		b.Run(name, func(b *testing.B) {
			handler := root.WithTags(map[string]string{
				"namespace": "default", "client_name": "temporal_go", "worker_type": "none", "workflow_type": "none", "activity_type": "none",
				"task_queue": "orders",
			})
			b.ReportAllocs()
			for b.Loop() {
				call := handler.WithTags(map[string]string{"workflow_type": "ProcessTransaction", "activity_type": "none", "task_queue": "orders"})
				call = call.WithTags(map[string]string{"operation": "RespondWorkflowTaskCompleted", "namespace": "default"})
				call.Counter("temporal_request").Inc(1)
				call.Timer("temporal_request_latency").Record(time.Millisecond)
			}
		})
	}
}
