package alert

import "time"

// Router chooses who is told of an event.
type Router interface {
	// Route is asked once for an event, when alertman takes it. There is at least one assignment: an event that nobody is
	// to be told of has one that says why. Neither a target nor a receiver is in two of them.
	Route(event Event, at time.Time) []Assignment
}

// Assignment is a receiver that is to be told of an event, and how. It stands in the history: a changed configuration
// does not change what a running delivery does.
type Assignment struct {
	Receiver string `json:"receiver"`
	Route    string `json:"route"` // the name of the route that chose it
	// Muted says why nobody is told; empty, somebody is.
	Muted string `json:"muted,omitempty"`
	// Steps are who is told one after the other, the receiver first, until somebody acknowledges; one, where nobody has to.
	Steps    []Step    `json:"steps,omitempty"`
	Group    *Grouping `json:"group,omitempty"`    // nil: each alert is told by itself
	Throttle *Throttle `json:"throttle,omitempty"` // nil: there is no bound
}

// Step is one receiver of an escalation.
type Step struct {
	Receiver string   `json:"receiver"`
	Targets  []Target `json:"targets"`
	// Within is how long it has to acknowledge before the next step is told; 0, it need not.
	Within time.Duration `json:"within,omitempty"`
}

// Grouping tells the first alert of a group at once, and what follows within the window as one digest at its end.
type Grouping struct {
	Key    string        `json:"key"`  // of the group; the same for all alerts that belong together
	Name   string        `json:"name"` // what they have in common, for people: no secret, no fingerprint
	Window time.Duration `json:"window"`
}

// Throttle is how many messages a receiver gets at most in a span; what is more comes as one digest at its end.
type Throttle struct {
	Most int           `json:"most"`
	Per  time.Duration `json:"per"`
}
