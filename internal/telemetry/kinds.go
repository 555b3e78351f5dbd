package telemetry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Kind says what may be done with a metric's values.
type Kind string

// The kinds of metrics, in Prometheus's words.
const (
	CounterKind   Kind = "counter"
	GaugeKind     Kind = "gauge"
	HistogramKind Kind = "histogram"
)

// Metric describes a metric of the service. The values of its labels come from fixed sets or from the configuration: never ids,
// people, free text or card data.
type Metric struct {
	Name    string
	Kind    Kind
	Unit    string // in UCUM's notation; empty for a number of things
	Labels  []string
	Meaning string

	bounds []float64 // of a histogram's buckets
}

// declared holds all metrics by their names, and Metrics in the order of their declaration.
var (
	declared = map[string]*Metric{}
	inOrder  []*Metric
)

// Metrics returns all metrics of the service, in the order of their declaration.
func Metrics() []*Metric { return inOrder }

func declare(m *Metric) *Metric {
	if declared[m.Name] != nil {
		panic("the metric " + m.Name + " is declared twice")
	}
	declared[m.Name], inOrder = m, append(inOrder, m)
	return m
}

// Tags returns labels by their names, as Temporal's SDK takes them from workflows.
func (m *Metric) Tags(values ...string) map[string]string {
	tags := make(map[string]string, len(values))
	for i, value := range values {
		tags[m.Labels[i]] = value
	}
	return tags
}

// with returns labels, whose values are in the order of their declaration.
func (m *Metric) with(values []string) metric.MeasurementOption {
	if len(values) != len(m.Labels) {
		panic(fmt.Sprintf("the metric %s has the labels %q, and got the values %q", m.Name, m.Labels, values))
	}
	labels := make([]attribute.KeyValue, len(values))
	for i, value := range values {
		labels[i] = attribute.String(m.Labels[i], value)
	}
	return metric.WithAttributeSet(attribute.NewSet(labels...))
}

// made returns an instrument. The only errors are those of a wrong declaration.
func made[I any](instrument I, err error) I {
	if err != nil {
		panic(err)
	}
	return instrument
}

// Counter counts what happens.
type Counter struct {
	*Metric

	instrument metric.Int64Counter
}

func counter(name, meaning string, labels ...string) Counter {
	m := declare(&Metric{Name: name, Kind: CounterKind, Labels: labels, Meaning: meaning})
	return Counter{m, made(meter.Int64Counter(name, metric.WithDescription(meaning)))}
}

// Inc counts one more, with the values of the labels in the order of their declaration. If the context's trace is sampled, its id
// becomes an exemplar.
func (c Counter) Inc(ctx context.Context, labels ...string) {
	if c.instrument.Enabled(ctx) {
		c.instrument.Add(ctx, 1, c.with(labels))
	}
}

// Seconds is a histogram of how long something takes.
type Seconds struct {
	*Metric

	instrument metric.Float64Histogram
}

func seconds(name, meaning string, bounds []float64, labels ...string) Seconds {
	m := declare(&Metric{Name: name, Kind: HistogramKind, Unit: "s", Labels: labels, Meaning: meaning, bounds: bounds})
	return Seconds{m, made(meter.Float64Histogram(name, metric.WithDescription(meaning), metric.WithUnit("s")))}
}

// Record adds a duration; see Counter.Inc for labels.
func (s Seconds) Record(ctx context.Context, took time.Duration, labels ...string) {
	if s.instrument.Enabled(ctx) {
		s.instrument.Record(ctx, max(0, took.Seconds()), s.with(labels)) // clocks of two machines may differ
	}
}

// Level is how many there are of something at present.
type Level struct {
	*Metric

	instrument metric.Int64UpDownCounter
}

func level(name, meaning string) Level {
	m := declare(&Metric{Name: name, Kind: GaugeKind, Meaning: meaning})
	return Level{m, made(meter.Int64UpDownCounter(name, metric.WithDescription(meaning)))}
}

// Enter counts one more until leave is called.
func (l Level) Enter(ctx context.Context) (leave func()) {
	l.instrument.Add(ctx, 1)
	return func() { l.instrument.Add(context.WithoutCancel(ctx), -1) }
}

// Gauge shows values that were read.
type Gauge struct {
	*Metric

	mu     sync.Mutex
	values []Value
}

// Value is a value of a gauge, with the values of the labels in the order of their declaration.
type Value struct {
	Value  float64
	Labels []string
}

// At returns a time as a value: in seconds since 1970, or 0 for the zero time.
func At(t time.Time, labels ...string) Value {
	if t.IsZero() {
		return Value{0, labels}
	}
	return Value{float64(t.UnixMilli()) / 1000, labels}
}

func gauge(name, unit, meaning string, labels ...string) *Gauge {
	g := &Gauge{Metric: declare(&Metric{Name: name, Kind: GaugeKind, Unit: unit, Labels: labels, Meaning: meaning})}
	made(meter.Float64ObservableGauge(name, metric.WithDescription(meaning), metric.WithUnit(unit), metric.WithFloat64Callback(g.observe)))
	return g
}

// Set replaces all values. Without any, the gauge shows nothing, as it should when nothing could be read.
func (g *Gauge) Set(values ...Value) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.values = values
}

func (g *Gauge) observe(_ context.Context, to metric.Float64Observer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, v := range g.values {
		to.Observe(v.Value, g.with(v.Labels))
	}
	return nil
}
