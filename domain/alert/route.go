package alert

import (
	"context"
	"time"
)

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

// Gatherer keeps groups of alerts, each durably.
type Gatherer interface {
	// Gather puts a notice into its group. Asked again with the same notice, it answers the same: a notice that is told in a
	// digest is told in one.
	Gather(ctx context.Context, g Gathering) (Place, error)
	// Admit asks the receiver's throttle. Asked again with the same notice, it answers the same.
	Admit(ctx context.Context, g Gathering) (Place, error)
	// Recall is an event that was taken, by its id.
	Recall(ctx context.Context, eventID string) (Event, error)
	// Told are the ids of the events that a digest tells.
	Told(ctx context.Context, digestID string) ([]string, error)
}

// Gathering is a notice on its way into a group.
type Gathering struct {
	Notice     Notice     `json:"notice"`
	Assignment Assignment `json:"assignment"` // whom to tell, also of the group's digests
	// Since is from when on the notice may have been gathered before, by somebody who was killed before that was recorded.
	Since time.Time `json:"since"`
}

// Members are what a digest lists of the notice: the event, or where it is a digest itself all that it has.
func (n Notice) Members() []Member {
	if n.Digest != nil {
		return n.Digest.Members
	}
	return []Member{n.Event.Member()}
}

// Place is what became of a notice in a group.
type Place struct {
	// Now says that it is to be told at once, by whoever asked; else it comes in a digest of the group.
	Now bool `json:"now"`
	// WorkflowID and RunID are where the group is kept.
	WorkflowID string `json:"workflowID"`
	RunID      string `json:"runID"`
	// Holding is there where the throttle that was asked holds back what comes after the notice, or the notice itself.
	Holding *Holding `json:"holding,omitempty"`
}

// Holding is that a receiver's throttle is used up: until its span is over, only what is urgent passes.
type Holding struct {
	Until   time.Time `json:"until" doc:"When what is held back comes as one digest, unless there is so much of it that it comes before"`
	Waiting int       `json:"waiting,omitempty" doc:"How many alerts wait for it"`
}

// Urgent reports whether a receiver has to learn of the notice at once, whatever else it is told: of a fraud, and of money
// that could not be given back. What follows upon such an alert in its group is not urgent, and no digest is.
func (n Notice) Urgent() bool {
	of := n.Event.Type
	return n.Digest == nil && !n.FollowUp && (of == FraudDetected || of == CompensationFailed)
}
