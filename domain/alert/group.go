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
}
