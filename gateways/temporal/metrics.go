package temporal

import (
	"sync"

	"go.temporal.io/sdk/client"
)

// keptMetrics keeps the instruments and the tagged handlers that it returns. The SDK asks for the same ones with each call and task, and its
// own handler looks each instrument up and sorts the tags each time.
type keptMetrics struct {
	client.MetricsHandler

	tagged   kept[tagSet, client.MetricsHandler]
	counters kept[string, client.MetricsCounter]
	gauges   kept[string, client.MetricsGauge]
	timers   kept[string, client.MetricsTimer]
}

// WithTags returns the handler that measures with these tags as well.
func (m *keptMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	with := func() client.MetricsHandler { return &keptMetrics{MetricsHandler: m.MetricsHandler.WithTags(tags)} }
	set, fits := tagSetOf(tags)
	if !fits {
		return with()
	}
	return m.tagged.get(set, with)
}

// Counter returns the counter of that name.
func (m *keptMetrics) Counter(name string) client.MetricsCounter {
	return m.counters.get(name, func() client.MetricsCounter { return m.MetricsHandler.Counter(name) })
}

// Gauge returns the gauge of that name.
func (m *keptMetrics) Gauge(name string) client.MetricsGauge {
	return m.gauges.get(name, func() client.MetricsGauge { return m.MetricsHandler.Gauge(name) })
}

// Timer returns the timer of that name.
func (m *keptMetrics) Timer(name string) client.MetricsTimer {
	return m.timers.get(name, func() client.MetricsTimer { return m.MetricsHandler.Timer(name) })
}

// tagSet holds tags sorted by their names. The SDK and the workflows use no more at once, except when a process starts.
type tagSet [4]struct{ name, value string }

func tagSetOf(tags map[string]string) (set tagSet, fits bool) {
	if len(tags) > len(set) {
		return set, false
	}
	n := 0
	for name, value := range tags {
		at := n
		for ; at > 0 && set[at-1].name > name; at-- {
			set[at] = set[at-1]
		}
		set[at].name, set[at].value = name, value
		n++
	}
	return set, true
}

// mostKept bounds how many a handler keeps of a kind. Labels have few values, so that it keeps far fewer.
const mostKept = 1000

// kept holds what was made, by its key.
type kept[K comparable, V any] struct {
	mu  sync.RWMutex
	all map[K]V
}

// get returns what is kept under a key. If nothing is, it keeps what anew returns.
func (k *kept[K, V]) get(key K, anew func() V) V {
	k.mu.RLock()
	found, is := k.all[key]
	k.mu.RUnlock()
	if is {
		return found
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if found, is = k.all[key]; is {
		return found
	}
	if k.all == nil {
		k.all = map[K]V{}
	}
	made := anew()
	if len(k.all) < mostKept {
		k.all[key] = made
	}
	return made
}
