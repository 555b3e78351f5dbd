package routing

import (
	"slices"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/internal/yamlfile"
)

// Bounds of what a receiver may ask for.
const (
	leastSpan  = time.Second
	mostWindow = 24 * time.Hour
	mostPer    = 24 * time.Hour
	mostWithin = 72 * time.Hour
	mostInPer  = 10_000
)

// none is the word for no grouping and no throttle. There is none for templates: without them there are the default words.
const none = "none"

func (r *reader) readReceivers(v *yamlfile.Value) {
	items := few(v)
	if v != nil && len(items) == 0 {
		v.Fault("must have a receiver at least")
	}
	for _, item := range items {
		if item.Mapping() {
			r.readReceiver(item)
		}
	}
}

func (r *reader) readReceiver(v *yamlfile.Value) {
	to := &receiver{name: name(v, r.config.names)}
	r.readChannels(to, v.Required("channels"))
	to.group = readGroup(v.Optional("group"))
	to.throttle = readThrottle(v.Optional("throttle"))
	r.readAcknowledge(to, v.Optional("acknowledge"))
	r.readTemplates(to, v.Optional("templates"))
	v.RefuseUnknown()
	if to.name == "" || slices.Contains(r.config.names, to.name) {
		return
	}
	r.config.names = append(r.config.names, to.name)
	r.config.receivers[to.name] = to
}

func readGroup(v *yamlfile.Value) *grouping {
	g := &grouping{by: defaultBy, window: defaultWindow}
	if v == nil {
		return g
	}
	if v.Is(none) {
		return nil
	}
	if !v.Mapping() {
		return g
	}
	if by := v.Optional("by"); by != nil {
		g.by = nil
		for _, trait := range words(by, known(traits)...) {
			if trait != byType {
				g.by = append(g.by, trait)
			}
		}
	}
	if span := v.Optional("window"); span != nil {
		g.window = span.Duration(leastSpan, mostWindow)
	}
	v.RefuseUnknown()
	return g
}

func readThrottle(v *yamlfile.Value) *alert.Throttle {
	if v == nil || v.Is(none) || !v.Mapping() {
		return nil
	}
	bound := &alert.Throttle{Most: v.Required("most").Whole(1, mostInPer), Per: v.Required("per").Duration(leastSpan, mostPer)}
	v.RefuseUnknown()
	return bound
}

// then is who is told after a receiver, and where that stands.
type then struct {
	from *receiver
	at   *yamlfile.Value
}

func (r *reader) readAcknowledge(to *receiver, v *yamlfile.Value) {
	if v == nil || !v.Mapping() {
		return
	}
	to.within = v.Required("within").Duration(leastSpan, mostWithin)
	if next := v.Optional("then"); next != nil {
		to.then = next.Words()
		r.thens = append(r.thens, then{from: to, at: next})
	}
	v.RefuseUnknown()
}

// words are one or more of some known words, or of any where none are given. Each stands once.
func words(v *yamlfile.Value, known ...string) []string {
	var all []string
	for _, item := range v.OneOrMore() {
		var word string
		if len(known) > 0 {
			word = item.Choice(known...)
		} else {
			word = item.Words()
		}
		switch {
		case word == "":
		case slices.Contains(all, word):
			item.Fault("%q stands twice: leave one out", word)
		default:
			all = append(all, word)
		}
	}
	return all
}
