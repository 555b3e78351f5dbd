package alert

import (
	"context"
	"time"
)

// Router chooses the receivers of an event.
type Router interface {
	// Route is called once for an event, when alertman takes it. It returns at least one assignment: if no receiver is to
	// get the event, the assignment says why. No target is in the first steps of two assignments;
	// later steps may have targets of others.
	Route(event Event, at time.Time) []Assignment
}

// Assignment says which receiver gets an event, and how. It is kept in the history: a changed configuration does not change
// what a running delivery does.
type Assignment struct {
	Receiver string `json:"receiver"`
	Route    string `json:"route"` // the name of the route that chose it
	// Muted says why the receiver does not get the event; it is empty if the receiver does.
	Muted string `json:"muted,omitempty"`
	// Steps lists the receivers that are notified one after the other, beginning with Receiver, until the alert is
	// acknowledged. There is one step if the alert needs no acknowledgement.
	Steps    []Step    `json:"steps,omitempty"`
	Group    *Grouping `json:"group,omitempty"`    // nil: each alert is delivered by itself
	Throttle *Throttle `json:"throttle,omitempty"` // nil: there is no limit
}

// Step is one receiver of an escalation.
type Step struct {
	Receiver string   `json:"receiver"`
	Targets  []Target `json:"targets"`
	// Within is how long the receiver has to acknowledge before the next step begins; 0 means that it need not.
	Within time.Duration `json:"within,omitempty"`
}

// Grouping sends the first alert of a group at once, and those that follow within the window as one digest at its end.
type Grouping struct {
	Key    string        `json:"key"`  // the group's key, the same for all alerts that belong together
	Name   string        `json:"name"` // what the alerts have in common, for people: no secret, no fingerprint
	Window time.Duration `json:"window"`
}

// Throttle limits how many messages a receiver gets in a span of time; the rest comes as one digest at its end.
type Throttle struct {
	Most int           `json:"most"`
	Per  time.Duration `json:"per"`
}

// GroupStore keeps groups of alerts, each durably.
type GroupStore interface {
	// Gather puts a notice into its group. It gives the same answer again for the same notice, so that a notice in a digest
	// is in one digest only.
	Gather(ctx context.Context, g GroupRequest) (Place, error)
	// Admit asks the receiver's throttle. It gives the same answer again for the same notice.
	Admit(ctx context.Context, g GroupRequest) (Place, error)
	// Recall returns an event that was taken, by its id.
	Recall(ctx context.Context, eventID string) (Event, error)
	// Told returns the ids of the events in a digest.
	Told(ctx context.Context, digestID string) ([]string, error)
}

// Windows keeps, for each group of alerts, the window that its first alert has opened.
type Windows interface {
	// OpenWindow opens a window, and returns it. If one is there, it returns that one: it is kept until its end and, if other
	// alerts have asked since, for as long as a group of them may run. Opening again by the same notice gives the same answer.
	OpenWindow(ctx context.Context, w Window) (Window, error)
}

// WindowPruner deletes old windows.
type WindowPruner interface {
	// PruneWindows deletes windows that ended before a time, at most as many as limit, and returns how many.
	PruneWindows(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Window is the span in which those alerts of a group are collected that follow its first.
type Window struct {
	Group        string // its id
	First        string // the id of the notice that opened the window, and is delivered at once
	Since, Until time.Time
}

// GroupRequest is a notice on its way into a group.
type GroupRequest struct {
	Notice     Notice     `json:"notice"`
	Assignment Assignment `json:"assignment"` // the receivers, also of the group's digests
	// Since is the earliest time at which the notice may have been gathered before, by a process that was killed before it
	// could record that.
	Since time.Time `json:"since"`
}

// Members returns what a digest lists of the notice: the event or, if the notice is a digest itself, all of its members.
func (n Notice) Members() []Member {
	if n.Digest != nil {
		return n.Digest.Members
	}
	return []Member{n.Event.Member()}
}

// Place says whether a notice is delivered at once or in a group's digest.
type Place struct {
	// Now means that the caller delivers the notice at once; otherwise the notice comes in a digest of the group.
	Now bool `json:"now"`
	// WorkflowID and RunID name the workflow that keeps the group. They are empty if it has none yet.
	WorkflowID string `json:"workflowID"`
	RunID      string `json:"runID"`
	// Holding is set if the throttle that was asked holds back what comes after the notice, or the notice itself.
	Holding *Holding `json:"holding,omitempty"`
}

// Holding means that a receiver's throttle is used up: until its span is over, only urgent notices pass.
type Holding struct {
	Until   time.Time `json:"until" doc:"When the alerts that are held back come as one digest; it comes earlier if it is full"`
	Waiting int       `json:"waiting,omitempty" doc:"How many alerts wait for the digest"`
}

// Urgent reports whether a receiver has to learn of the notice at once, however much it gets already. This is so for a
// fraud, for money that could not be given back, and for an alarm. Alerts that follow such an alert in its group are not urgent, and
// neither is any digest.
func (n Notice) Urgent() bool {
	of := n.Event.Type
	return n.Digest == nil && !n.FollowUp && (of == FraudDetected || of == CompensationFailed || of == AlarmFiring)
}
