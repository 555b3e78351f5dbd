package routing

import (
	"slices"
	"time"

	"dummyorders/domain/alert"
)

// route is who is told of the events that meet a condition.
type route struct {
	name    string
	when    condition // none, and it takes every event
	tell    []string  // receivers; none, and nobody is told
	carryOn bool      // the routes after it are asked, too
}

// mute is when nobody is told of the events that meet a condition.
type mute struct {
	name string
	when condition
	span string // when it holds, for people: "until …"
}

// Finding is what became of an event at a mute or a route.
type Finding struct {
	Kind string // "mute" or "route"
	Name string
	// Asked is false where an earlier route had decided.
	Asked, Matched bool
	// Why says why it did not match, or why it was not asked.
	Why string
	// Assignments are those that it came to.
	Assignments []alert.Assignment
	// Left are receivers that are not told by it, since all that they have is told by an earlier assignment.
	Left []string
}

// Route chooses who is told of an event. There is always an assignment, since the last route takes every event.
func (c *Config) Route(event alert.Event, at time.Time) []alert.Assignment {
	var all []alert.Assignment
	for _, finding := range c.Explain(event, at) {
		all = append(all, finding.Assignments...)
	}
	return all
}

// Explain is the way of an event past all mutes, and then past all routes unless it is muted.
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
	return append(way, c.ask(event, at)...)
}

// ask goes past the routes.
func (c *Config) ask(event alert.Event, at time.Time) []Finding {
	var way []Finding
	told, decided := map[alert.Target]bool{}, ""
	for _, r := range c.routes {
		if decided != "" {
			way = append(way, Finding{Kind: "route", Name: r.name, Why: decided + " has decided"})
			continue
		}
		f := Finding{Kind: "route", Name: r.name, Asked: true, Why: r.when.misses(event, at)}
		if f.Matched = f.Why == ""; f.Matched {
			f.Assignments, f.Left = c.tell(r, event, told)
			if !r.carryOn {
				decided = r.name
			}
			if decided != "" && len(told) == 0 {
				f.Assignments = []alert.Assignment{{Route: r.name, Muted: "muted by the route " + r.name + ", which tells nobody"}}
			}
		}
		way = append(way, f)
	}
	return way
}

// tell assigns an event to the receivers of a route, without the targets that are told already. A receiver that has none
// left, as one that was told before, is left out, and so is its escalation: hence those that ask come first.
func (c *Config) tell(r route, event alert.Event, told map[alert.Target]bool) (assigned []alert.Assignment, left []string) {
	asking := func(name string) int {
		if c.receivers[name].within > 0 {
			return 0
		}
		return 1
	}
	askingFirst := slices.SortedStableFunc(slices.Values(r.tell), func(a, b string) int { return asking(a) - asking(b) })
	for _, name := range askingFirst {
		to := c.receivers[name]
		var targets []alert.Target
		for _, target := range to.targets {
			if !told[target] {
				told[target] = true
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

// assignment is of a receiver with some of its targets, and of those that are told after it.
func (c *Config) assignment(to *receiver, by string, targets []alert.Target, event alert.Event) alert.Assignment {
	a := alert.Assignment{
		Receiver: to.name, Route: by, Group: to.group.of(event),
		Steps: []alert.Step{{Receiver: to.name, Targets: targets, Within: to.within}},
	}
	if to.throttle != nil {
		bound := *to.throttle
		a.Throttle = &bound
	}
	for to.then != "" {
		to = c.receivers[to.then]
		a.Steps = append(a.Steps, alert.Step{Receiver: to.name, Targets: slices.Clone(to.targets), Within: to.within})
	}
	return a
}
