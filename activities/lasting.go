package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// Lasting tells the workflow of the activity in ctx that what it waits for lasts, so that its status becomes known. A
// workflow cannot see that an activity is tried again.
type Lasting func(ctx context.Context) error

const (
	// lastingAfter is how long a first try goes on before it lasts.
	lastingAfter = 2 * time.Second
	// tellWithin bounds what telling adds to a try.
	tellWithin = 5 * time.Second
)

// begin tells the workflow once an activity lasts: when its first try goes on for long, or with its second. That it was
// told goes from try to try in the activity's heartbeat details. The function that is returned ends the try.
func (l Lasting) begin(ctx context.Context) (end func()) {
	if l == nil || activity.HasHeartbeatDetails(ctx) {
		return func() {}
	}
	if activity.GetInfo(ctx).Attempt > 1 {
		l.tell(ctx)
		return func() {}
	}
	over := make(chan struct{})
	timer := time.AfterFunc(lastingAfter, func() {
		defer close(over)
		l.tell(ctx)
	})
	return func() {
		if !timer.Stop() {
			<-over
		}
	}
}

func (l Lasting) tell(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := l(short); err != nil {
		activity.GetLogger(ctx).Warn("The workflow was not told that its activity lasts; the next try tells it", "error", err)
		return
	}
	activity.RecordHeartbeat(ctx, true)
}
