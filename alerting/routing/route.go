package routing

import (
	"slices"
	"time"

	"dummyorders/domain/alert"
)

// route assigns the events that meet a condition to receivers.
type route struct {
	name      string
	when      condition // if empty, every event matches
	receivers []string  // receivers; if empty, no alert is sent
	carryOn   bool      // later routes are tried too
}

// mute suppresses the alerts of events that meet a condition.
type mute struct {
	name string
	when condition
	span string // when it holds, for people: "until …"
}

// Finding is the result of trying an event against a mute or a route.
type Finding struct {
	Kind string // "mute" or "route"
	Name string
	// Asked is false if an earlier route had decided.
	Asked, Matched bool
	// Why is why it did not match, or why it was not tried.
	Why string
	// Assignments are the assignments that it made.
	Assignments []alert.Assignment
	// Left are the receivers that it left out, because earlier assignments cover all their targets.
	Left []string
}

// Route returns who receives the alert of an event. There is always an assignment: the last route matches every event.
func (c *Config) Route(event alert.Event, at time.Time) []alert.Assignment {
	var all []alert.Assignment
	for _, finding := range c.Explain(event, at) {
		all = append(all, finding.Assignments...)
	}
	return all
}

// Explain tries an event against all mutes, and then against all routes unless it is muted. It returns each result.
func (c *Config) Explain(event alert.Event, at time.Time) []Finding {
	var way []Finding
	for _, m := range c.mutes {
		f := Finding{Kind: "mute", Name: m.name, Asked: true, Why: m.when.misses(event, at)}
		if f.Matched = f.Why == ""; f.Matched {
			f.Assignments = []alert.Assignment{{Route: m.name, Muted: "muted by " + m.name + " " + m.span}}
			return append(way, f)
		}
		way = append(way, f)
	}
	return append(way, c.explainRoutes(event, at)...)
}

// explainRoutes tries an event against the routes.
func (c *Config) explainRoutes(event alert.Event, at time.Time) []Finding {
	var way []Finding
	covered, decided := map[alert.Target]bool{}, ""
	for _, r := range c.routes {
		if decided != "" {
			way = append(way, Finding{Kind: "route", Name: r.name, Why: decided + " has decided"})
			continue
		}
		f := Finding{Kind: "route", Name: r.name, Asked: true, Why: r.when.misses(event, at)}
		if f.Matched = f.Why == ""; f.Matched {
			f.Assignments, f.Left = c.assign(r, event, covered)
			if !r.carryOn {
				decided = r.name
			}
			if decided != "" && len(covered) == 0 {
				f.Assignments = []alert.Assignment{{Route: r.name, Muted: "muted by the route " + r.name + ", which has no receivers"}}
			}
		}
		way = append(way, f)
	}
	return way
}

// assign assigns an event to the receivers of a route, without the targets in covered, which already receive it. It leaves out
// a receiver that has no target left, and with it that receiver's escalation. Receivers that need an acknowledgement
// therefore come first.
func (c *Config) assign(r route, event alert.Event, covered map[alert.Target]bool) (assigned []alert.Assignment, left []string) {
	asking := func(name string) int {
		if c.receivers[name].within > 0 {
			return 0
		}
		return 1
	}
	askingFirst := slices.SortedStableFunc(slices.Values(r.receivers), func(a, b string) int { return asking(a) - asking(b) })
	for _, name := range askingFirst {
		to := c.receivers[name]
		var targets []alert.Target
		for _, target := range to.targets {
			if !covered[target] {
				covered[target] = true
				targets = append(targets, target)
			}
		}
		if len(targets) == 0 {
			left = append(left, name)
			continue
		}
		assigned = append(assigned, c.assignment(to, r.name, targets, event))
	}
	return assigned, left
}

// assignment returns an assignment to a receiver with some of its targets, and to the receivers of its escalation.
func (c *Config) assignment(to *receiver, by string, targets []alert.Target, event alert.Event) alert.Assignment {
	a := alert.Assignment{Receiver: to.name, Route: by, Group: to.group.of(event), Steps: c.steps(to, targets)}
	if to.throttle != nil {
		bound := *to.throttle
		a.Throttle = &bound
	}
	if event.Type == alert.AlarmResolved { // there is nothing to take care of
		a.Steps = a.Steps[:1]
		a.Steps[0].Within = 0
	}
	return a
}

// steps returns a receiver with some of its targets, and the receivers of its escalation.
func (c *Config) steps(to *receiver, targets []alert.Target) []alert.Step {
	steps := []alert.Step{{Receiver: to.name, Targets: targets, Within: to.within}}
	for to.then != "" {
		to = c.receivers[to.then]
		steps = append(steps, alert.Step{Receiver: to.name, Targets: slices.Clone(to.targets), Within: to.within})
	}
	return steps
}
