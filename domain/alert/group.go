package alert

import (
	"context"
	"time"
)

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
