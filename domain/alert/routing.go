package alert

import "time"

// Routing is what a routing file says, for people and programs. It has no secret. Spans are written as in the file.
type Routing struct {
	File      string            `json:"file,omitempty" doc:"The routing file; absent if there is none, and all alerts go by mail to TRANSACTION_FRAUD_EMAIL_ALERT_TO"`
	Mutes     []RoutingRule     `json:"mutes" nullable:"false" doc:"They come before the routes"`
	Routes    []RoutingRule     `json:"routes" nullable:"false" doc:"They are tried from the top"`
	Receivers []RoutingReceiver `json:"receivers" nullable:"false"`
	Warnings  []string          `json:"warnings" nullable:"false" doc:"What is odd about the file, but does not prevent its use"`
}

// RoutingRule is a mute or a route.
type RoutingRule struct {
	Name string   `json:"name"`
	When []string `json:"when" nullable:"false" doc:"What must hold of an event, in words; empty if every event matches"`
	Tell []string `json:"tell,omitempty" doc:"The receivers of a route"`
	// Continue is set if later routes are tried too.
	Continue bool `json:"continue,omitempty" doc:"Later routes are tried too"`
}

// RoutingReceiver is a receiver.
type RoutingReceiver struct {
	Name     string        `json:"name"`
	GroupBy  []string      `json:"groupBy" nullable:"false" doc:"What alerts of a group have in common, beside type and merchant"`
	Window   string        `json:"window,omitempty" doc:"How long alerts of a group are collected; absent if each is sent by itself"`
	Throttle *ShownBound   `json:"throttle,omitempty"`
	Steps    []RoutingStep `json:"steps" nullable:"false" doc:"The receiver, and those that follow if it does not acknowledge"`
}

// Routed is where an event would be delivered, and why.
type Routed struct {
	EventID  string    `json:"eventID"`
	Type     Type      `json:"type"`
	At       time.Time `json:"at" doc:"When it would be taken"`
	Findings []Finding `json:"findings" nullable:"false"`
}

// Finding is the result of trying an event against a mute or a route.
type Finding struct {
	Kind        string     `json:"kind" enum:"mute,route"`
	Name        string     `json:"name"`
	Asked       bool       `json:"asked" doc:"Whether it was tried: an earlier route may have decided"`
	Matched     bool       `json:"matched"`
	Why         string     `json:"why,omitempty" doc:"Why it did not match, or was not tried"`
	Assignments []Assigned `json:"assignments" nullable:"false"`
	LeftOut     []string   `json:"leftOut" nullable:"false" doc:"The receivers whose targets get the alert already"`
}

// Assigned is an Assignment for people: its group is without the key, which may have a fingerprint in it.
type Assigned struct {
	Muted    string        `json:"muted,omitempty" doc:"Why the alert is not sent"`
	Group    *ShownGroup   `json:"group,omitempty"`
	Throttle *ShownBound   `json:"throttle,omitempty"`
	Steps    []RoutingStep `json:"steps" nullable:"false"`
}

// ShownGroup is the group of an alert.
type ShownGroup struct {
	Name   string `json:"name"`
	Window string `json:"window"`
}

// ShownBound is a throttle.
type ShownBound struct {
	Most int    `json:"most"`
	Per  string `json:"per"`
}

// RoutingStep is one receiver of an escalation.
type RoutingStep struct {
	Receiver string   `json:"receiver"`
	Targets  []Target `json:"targets" nullable:"false" doc:"A channel and an address; a name in the place of an address that is secret"`
	Within   string   `json:"within,omitempty" doc:"How long it has to acknowledge"`
}
