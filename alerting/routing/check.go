package routing

import (
	"slices"
	"strings"

	"dummyorders/internal/yamlfile"
)

// checkChains rejects escalations that never end, and those to a receiver that does not exist.
func (r *reader) checkChains() {
	for _, next := range r.escalations {
		if to := next.from.then; to != "" && !r.isReceiver(next.at, to) {
			next.from.then = ""
		}
	}
	reported := map[string]bool{}
	for _, next := range r.escalations {
		chain := r.chain(next.from)
		if first, last := chain[0], chain[len(chain)-1]; len(chain) == 1 || first != last || reported[first] {
			continue
		}
		next.at.Fault("goes round in a circle: %s; an escalation must end", strings.Join(safeNames(chain), " → "))
		for _, name := range chain {
			reported[name] = true
		}
	}
}

// chain returns the names of an escalation, up to the first that repeats.
func (r *reader) chain(from *receiver) []string {
	names := []string{from.name}
	for at := from; at.then != ""; {
		known := slices.Contains(names, at.then)
		names = append(names, at.then)
		next := r.config.receivers[at.then]
		if known || next == nil {
			break
		}
		at = next
	}
	return names
}

// warn adds warnings for receivers and windows that are never used.
func (r *reader) warn(root *yamlfile.Value) {
	if len(root.Document().Faults) > 0 {
		return
	}
	used := map[string]bool{}
	for _, route := range r.config.routes {
		for _, name := range route.receivers {
			for _, next := range r.chain(r.config.receivers[name]) {
				used[next] = true
			}
		}
	}
	for i, v := range root.Required("receivers").List() {
		if name := r.config.names[i]; !used[name] {
			r.warned(v, "no route and no escalation names the receiver %s", name)
		}
	}
	for _, key := range root.Optional("windows").Keys() {
		if !r.used[key.Name] {
			r.config.warnings = append(r.config.warnings, key.Warning("the window %s is not used", key.Name))
		}
	}
}

func (r *reader) warned(v *yamlfile.Value, format string, arguments ...any) {
	r.config.warnings = append(r.config.warnings, v.Warning(format, arguments...))
}
