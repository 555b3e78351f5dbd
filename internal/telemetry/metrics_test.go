package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/internal/telemetry"
	"dummyorders/internal/telemetrytest"
)

// measured gives every metric of the service a value, as workflows do: through instruments of their own, with labels that are not
// declared.
func measured(t *testing.T) {
	t.Helper()
	telemetry.BuildInfo.Set(telemetry.Value{Value: 1, Labels: []string{"v1", "go1"}})
	for _, m := range telemetry.Metrics() {
		labels := []attribute.KeyValue{attribute.String("workflow_type", "ProcessTransaction")}
		for _, name := range m.Labels {
			labels = append(labels, attribute.String(name, "x"))
		}
		var err error
		switch m.Kind {
		case telemetry.CounterKind:
			var c metric.Int64Counter
			c, err = telemetry.Meter().Int64Counter(m.Name)
			c.Add(t.Context(), 1, metric.WithAttributes(labels...))
		case telemetry.HistogramKind:
			var h metric.Float64Histogram
			h, err = telemetry.Meter().Float64Histogram(m.Name, metric.WithUnit("s"))
			h.Record(t.Context(), 0.2, metric.WithAttributes(labels...))
		case telemetry.GaugeKind:
		}
		require.NoError(t, err)
	}
	for _, g := range []*telemetry.Gauge{
		telemetry.ReviewsWaiting, telemetry.ReviewNextDeadline, telemetry.MoneyHeld, telemetry.MoneyHeldOldest, telemetry.QueueMessages,
		telemetry.QueueConsumers, telemetry.Ready, telemetry.KeyExpiry, telemetry.CertificateExpiry,
	} {
		g.Set(telemetry.Value{Value: 1, Labels: slices.Repeat([]string{"x"}, len(g.Labels))})
	}
	telemetry.AlertsUnconfirmed.Enter(t.Context())()
}

// Every metric is shown under its name, with its kind, meaning and labels, and Prometheus's linter finds nothing.
func TestDeclaredMetrics(t *testing.T) {
	registry, err := telemetry.Start()
	require.NoError(t, err)
	measured(t)
	families, err := registry.Gather()
	require.NoError(t, err)
	var names []string
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "orders_") {
			continue
		}
		names = append(names, family.GetName())
		at := slices.IndexFunc(telemetry.Metrics(), func(m *telemetry.Metric) bool { return m.Name == family.GetName() })
		require.GreaterOrEqual(t, at, 0, "%s is not declared", family.GetName())
		declared := telemetry.Metrics()[at]
		assert.NotEmpty(t, declared.Meaning, declared.Name)
		assert.Equal(t, declared.Meaning, family.GetHelp())
		assert.Equal(t, string(declared.Kind), strings.ToLower(family.GetType().String()), declared.Name)
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		assert.ElementsMatch(t, declared.Labels, labels, declared.Name)
	}
	assert.Len(t, names, len(telemetry.Metrics()), "shown are %q", names)
	problems, err := testutil.GatherAndLint(registry, names...)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// scrape returns what Prometheus would get.
func scrape(t *testing.T) string {
	t.Helper()
	registry, err := telemetry.Start()
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	answer := httptest.NewRecorder()
	telemetry.Handler(registry).ServeHTTP(answer, request)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, answer.Header().Get("Content-Type"), "application/openmetrics-text")
	return string(body)
}

// A quantile is never more than the last bound of its buckets: an alarm that waits for more never fires.
func TestAlarmsOnQuantiles(t *testing.T) {
	_, err := telemetry.Start()
	require.NoError(t, err)
	measured(t)
	shown := scrape(t)
	rules, err := os.ReadFile("../../deploy/observe/alerts.yml")
	require.NoError(t, err)
	alarms := regexp.MustCompile(`histogram_quantile\(.*\b(orders_\w+_bucket).*\) > ([0-9.]+)`).FindAllStringSubmatch(string(rules), -1)
	require.NotEmpty(t, alarms)
	for _, alarm := range alarms {
		bounds := regexp.MustCompile(`(?m)^`+alarm[1]+`\{.*le="([0-9.e+]+)"`).FindAllStringSubmatch(shown, -1)
		require.NotEmpty(t, bounds, alarm[1])
		last, err := strconv.ParseFloat(bounds[len(bounds)-1][1], 64)
		require.NoError(t, err)
		limit, err := strconv.ParseFloat(alarm[2], 64)
		require.NoError(t, err)
		assert.Greater(t, last, limit, alarm[1])
	}
}

// A duration that was measured within a sampled trace leads to that trace; one within another trace does not.
func TestExemplar(t *testing.T) {
	_, err := telemetry.Start()
	require.NoError(t, err)
	within := func(id trace.TraceID, flags trace.TraceFlags) context.Context {
		return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{7}, TraceFlags: flags}))
	}
	telemetry.GatewayCallDuration.Record(within(trace.TraceID{0xaa}, trace.FlagsSampled), 70*time.Millisecond, "x", "void")
	telemetry.GatewayCallDuration.Record(within(trace.TraceID{0xbb}, 0), 70*time.Millisecond, "x", "void")
	shown := scrape(t)
	assert.Regexp(t, `orders_gateway_call_duration_seconds_bucket\{.*le="0.1"\} \d+ # \{.*trace_id="aa0{30}".*\} 0.07`, shown)
	assert.NotContains(t, shown, trace.TraceID{0xbb}.String())
}

// The metrics of Temporal's SDK, Go and the process stand beside the service's own.
func TestOtherMetrics(t *testing.T) {
	_, err := telemetry.Start()
	require.NoError(t, err)
	counter, err := telemetry.Meter().Int64Counter("temporal_request")
	require.NoError(t, err)
	counter.Add(t.Context(), 3, metric.WithAttributes(attribute.String("operation", "PollActivityTaskQueue")))
	timer, err := telemetry.Meter().Float64Histogram("temporal_request_latency", metric.WithUnit("s"))
	require.NoError(t, err)
	timer.Record(t.Context(), 0.003)
	shown := scrape(t)
	assert.Contains(t, shown, `temporal_request_total{operation="PollActivityTaskQueue"} 3`)
	assert.Contains(t, shown, `temporal_request_latency_seconds_bucket{le="0.005"} 1`)
	for _, name := range []string{"\ngo_goroutines ", "\nprocess_resident_memory_bytes "} {
		assert.Contains(t, shown, name)
	}
	assert.NotContains(t, shown, "target_info")
	assert.NotContains(t, shown, "otel_scope")
}

// Too many values of a label do not fill the memory.
func TestMostSeries(t *testing.T) {
	_, err := telemetry.Start()
	require.NoError(t, err)
	for n := range 5000 {
		telemetry.RuleFailures.Inc(t.Context(), time.Duration(n).String())
	}
	assert.Equal(t, 2000, telemetrytest.Series(t, telemetry.RuleFailures.Name))
}

// A gauge shows what was set last, and nothing once nothing could be read.
func TestGauge(t *testing.T) {
	telemetry.MoneyHeld.Set(telemetry.Value{Value: 12.5, Labels: []string{"EUR", "review"}}, telemetry.Value{Value: 7, Labels: []string{"INR", "review"}})
	telemetry.MoneyHeld.Set(telemetry.Value{Value: 3, Labels: []string{"INR", "review"}})
	assert.Equal(t, 1, telemetrytest.Series(t, "orders_money_held"))
	assert.InDelta(t, 3, telemetrytest.Value(t, "orders_money_held", "currency", "INR"), 0)
	telemetry.MoneyHeld.Set()
	assert.Zero(t, telemetrytest.Series(t, "orders_money_held"))
}
