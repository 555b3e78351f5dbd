package routing

import (
	"slices"
	"strings"
	"time"

	"dummyorders/internal/yamlfile"
)

func (r *reader) readMutes(v *yamlfile.Value) {
	var names []string
	for _, item := range few(v) {
		if !item.Mapping() {
			continue
		}
		m := mute{name: name(item, names)}
		names = append(names, m.name)
		if when := item.Optional("when"); when != nil {
			m.when = r.readCondition(when)
		}
		r.readSpan(&m, item)
		item.RefuseUnknown()
		r.config.mutes = append(r.config.mutes, m)
	}
}

// readSpan is when a mute holds. One without an end would be forgotten.
func (r *reader) readSpan(m *mute, v *yamlfile.Value) {
	var said []string
	from, until, inWindow := v.Optional("from"), v.Optional("until"), v.Optional("during")
	if until == nil && inWindow == nil {
		v.Fault("must have until or during: a mute ends; for one that does not, write a route with tell: []")
	}
	var begin, end time.Time
	if from != nil {
		begin = from.Moment()
		m.when = append(m.when, since(begin))
	}
	if inWindow != nil {
		if w, is := r.window(inWindow); is {
			m.when = append(m.when, during(w))
			said = append(said, "during "+w.name)
		}
	}
	if until != nil {
		end = until.Moment()
		m.when = append(m.when, before(end))
		said = append(said, "until "+end.Format(time.RFC3339))
	}
	if from != nil && until != nil && !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		until.Fault("must be after from")
	}
	m.span = strings.Join(said, " ")
}

func (r *reader) readRoutes(v *yamlfile.Value) {
	items := few(v)
	if v != nil && len(items) == 0 {
		v.Fault("must have a route at least: the last, without when and continue, takes every event")
		return
	}
	ended := ""
	var names []string
	for i, item := range items {
		if !item.Mapping() {
			continue
		}
		read := r.readRoute(item, names)
		names = append(names, read.name)
		isEnd := item.Optional("when") == nil && !read.carryOn
		switch {
		case ended != "":
			item.Fault("is never asked: the route %q before it takes every event, and must be the last", ended)
			return
		case isEnd && i < len(items)-1:
			ended = read.name
		case !isEnd && i == len(items)-1:
			item.Fault("must take every event, since it is the last route: without when, and without continue")
		}
	}
}

func (r *reader) readRoute(v *yamlfile.Value, taken []string) route {
	read := route{name: name(v, taken)}
	if when := v.Optional("when"); when != nil {
		read.when = r.readCondition(when)
	}
	tell, nobody := r.readTell(v.Required("tell"))
	read.tell = tell
	if carryOn := v.Optional("continue"); carryOn != nil {
		read.carryOn = carryOn.Truth()
		if read.carryOn && nobody {
			carryOn.Fault("must not stand beside tell: []: such a route would change nothing")
		}
	}
	v.RefuseUnknown()
	r.config.routes = append(r.config.routes, read)
	return read
}

// readTell are receivers. An empty list is nobody; one of receivers that are not known is not.
func (r *reader) readTell(v *yamlfile.Value) (tell []string, nobody bool) {
	if v == nil {
		return nil, false
	}
	if v.IsEmpty() {
		v.Fault("must be a list of receivers, or [] for nobody")
		return nil, false
	}
	items := v.List()
	for _, item := range items {
		name := item.Words()
		switch {
		case name == "":
		case slices.Contains(tell, name):
			item.Fault("%q stands twice: leave one out", name)
		case r.isReceiver(item, name):
			tell = append(tell, name)
		}
	}
	return tell, len(items) == 0
}

func (r *reader) isReceiver(v *yamlfile.Value, name string) bool {
	if !slices.Contains(r.config.names, name) {
		v.Fault("there is no receiver %q: %s", name, yamlfile.OneOf(name, offered(r.config.names)))
		return false
	}
	return true
}
