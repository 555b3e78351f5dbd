package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// Lasting signals to the workflow of the activity in ctx that the activity takes long, so that the workflow publishes its
// status. A workflow cannot see by itself that an activity is being retried.
type Lasting func(ctx context.Context) error

const (
	// lastingAfter is how long a first try runs before it counts as lasting.
	lastingAfter = 2 * time.Second
	// notifyTimeout bounds the time that the signal adds to a try.
	notifyTimeout = 5 * time.Second
)

// begin signals to the workflow once an activity lasts: when its first try takes longer than lastingAfter, or when its
// second try begins. The activity's heartbeat details carry from try to try that the signal was sent. The caller ends the
// try with the returned function.
func (l Lasting) begin(ctx context.Context) (end func()) {
	if l == nil || activity.HasHeartbeatDetails(ctx) {
		return func() {}
	}
	if activity.GetInfo(ctx).Attempt > 1 {
		l.notify(ctx)
		return func() {}
	}
	over := make(chan struct{})
	timer := time.AfterFunc(lastingAfter, func() {
		defer close(over)
		l.notify(ctx)
	})
	return func() {
		if !timer.Stop() {
			<-over
		}
	}
}

func (l Lasting) notify(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	if err := l(short); err != nil {
		activity.GetLogger(ctx).Warn("Signalling the workflow that its activity lasts failed; the next try signals it again", "error", err)
		return
	}
	activity.RecordHeartbeat(ctx, true)
}
