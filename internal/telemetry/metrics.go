// Package telemetry measures what the processes do, shows it to Prometheus, and exports traces. instruments.go declares all of the
// service's own metrics. Until Start they measure nothing, and cost next to nothing.
package telemetry

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
)

// meter passes on to the provider that Start sets.
var meter = otel.Meter("dummyorders")

// Meter returns the meter of this process, for libraries that make instruments of their own.
func Meter() metric.Meter { return meter }

// mostSeries bounds the series of one metric. What comes after them is counted together, with the label otel_metric_overflow.
const mostSeries = 2000

// Start has the process's metrics kept from now on, and returns where they are. Every call returns the same: a process has one
// set of metrics, whatever parts it runs.
var Start = sync.OnceValues(func() (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("set up the metrics: %w", err)
	}
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(exporter), sdkmetric.WithView(view), sdkmetric.WithCardinalityLimit(mostSeries),
		sdkmetric.WithExemplarFilter(exemplar.TraceBasedFilter)))
	return registry, nil
})

// Handler serves what a registry holds, in OpenMetrics' form with exemplars to who asks for that.
func Handler(from prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(from, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 5})
}

// view gives each metric its buckets and, to the service's own, what is declared: a label that is not declared is left out.
// Temporal's SDK adds some of its own to what workflows measure, and neither describes its metrics nor chooses buckets.
func view(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	stream := sdkmetric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit}
	bounds := quick
	if m, ours := declared[i.Name]; ours {
		keys := make([]attribute.Key, len(m.Labels))
		for n, label := range m.Labels {
			keys[n] = attribute.Key(label)
		}
		stream.Description, stream.Unit, stream.AttributeFilter, bounds = m.Meaning, m.Unit, attribute.NewAllowKeysFilter(keys...), m.bounds
	} else if strings.HasSuffix(i.Name, "_endtoend_latency") || strings.HasSuffix(i.Name, "_schedule_to_start_latency") {
		bounds = long
	}
	if i.Kind == sdkmetric.InstrumentKindHistogram {
		stream.Aggregation = sdkmetric.AggregationExplicitBucketHistogram{Boundaries: bounds}
	}
	return stream, true
}
