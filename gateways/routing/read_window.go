package routing

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"dummyorders/internal/timezone"
	"dummyorders/internal/yamlfile"
)

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r *reader) readWindows(v *yamlfile.Value) {
	if v.IsEmpty() || !v.Mapping() {
		return
	}
	for _, key := range v.Keys() {
		if !nameLook.MatchString(key.Name) {
			key.Fault("%q is no name for a window: it must be of %s", key.Name, nameLike)
		}
		member := v.Optional(key.Name)
		w := &window{name: key.Name, zone: time.UTC}
		r.windows[key.Name] = w // also where it has faults: those who name it have none
		if member.Mapping() {
			w.read(member)
		}
	}
	if len(r.windows) > mostNamed {
		v.Fault("must have at most %d entries, and has %d", mostNamed, len(r.windows))
	}
}

func (w *window) read(v *yamlfile.Value) {
	w.zone = readZone(v.Required("zone"))
	days := weekdays
	if given := v.Optional("days"); given != nil {
		days = words(given, weekdays...)
	}
	w.days = map[time.Weekday]bool{}
	for _, day := range days {
		w.days[time.Weekday(slices.Index(weekdays, day))] = true
	}
	w.to = minutesOfADay
	from, to := v.Optional("from"), v.Optional("to")
	v.RefuseUnknown()
	switch {
	case from == nil && to == nil:
		return
	case from == nil || to == nil:
		v.Fault("must have both from and to, or neither for whole days")
		return
	}
	var isFrom, isTo bool
	w.from, isFrom = readClock(from, "23:59")
	w.to, isTo = readClock(to, "24:00")
	if isFrom && isTo && w.from == w.to {
		to.Fault("must be another time than from; for whole days leave both out")
	}
}

func readZone(v *yamlfile.Value) *time.Location {
	name := v.Words()
	if name == "" {
		return time.UTC
	}
	zone, err := timezone.Load(name)
	if err != nil {
		v.Fault("%q is no time zone that is known: write one such as Europe/Berlin or UTC", name)
		return time.UTC
	}
	return zone
}

var clockLook = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// readClock is a time of the day, in minutes since midnight. Only what ends may be last at 24:00: nothing begins then.
func readClock(v *yamlfile.Value, last string) (minute int, ok bool) {
	text := v.Words()
	if !clockLook.MatchString(text) || text > last {
		if text != "" {
			v.Fault("%q must be a time of the day from 00:00 to %s, such as \"08:00\"", text, last)
		}
		return 0, false
	}
	hours, _ := strconv.Atoi(text[:2])
	minutes, _ := strconv.Atoi(text[3:])
	return hours*60 + minutes, true
}

// window is one that a value names.
func (r *reader) window(v *yamlfile.Value) (window, bool) {
	name := v.Words()
	if name == "" {
		return window{}, false
	}
	w, is := r.windows[name]
	if !is {
		v.Fault("there is no window %q: %s", name, yamlfile.OneOf(name, offered(known(r.windows))))
		return window{}, false
	}
	r.used[name] = true
	return *w, true
}

// known are the words of a table, sorted.
func known[T any](words map[string]T) []string {
	return slices.Sorted(maps.Keys(words))
}
