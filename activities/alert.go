package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"dummyorders/domain/alert"
)

// Alerts hands alerts to the broker.
type Alerts struct {
	Publisher alert.Publisher
}

// PublishAlert returns once the event is in a queue. A retry publishes the same event under the same id, and alertman
// knows it by that.
func (a *Alerts) PublishAlert(ctx context.Context, event alert.Event) error {
	return a.Publisher.Publish(ctx, event)
}

// Deliveries tells people. Channels are known by the names that targets begin with.
type Deliveries struct {
	Channels map[string]alert.Channel
}

// beat is how often a delivery says that it lives. Half a minute of silence means that it does not.
const beat = 10 * time.Second

// Deliver tells one target. It fails with DeliveryRefused when the other side's no is final. A channel that this
// worker does not have may be another worker's, or be configured again: that is tried again.
func (a *Deliveries) Deliver(ctx context.Context, target alert.Target, event alert.Event) error {
	name, address := target.Split()
	channel, known := a.Channels[name]
	if !known {
		return fmt.Errorf("deliver alert %s to %s: no channel %q is configured here", event.ID, target, name)
	}
	defer keepBeating(ctx)()
	if err := channel.Deliver(ctx, address, event); err != nil {
		return forTemporal(fmt.Errorf("deliver alert %s to %s: %w", event.ID, target, err))
	}
	return nil
}

// keepBeating tells Temporal that the activity lives, until the function that it returns is called.
func keepBeating(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() {
		cancel()
		<-over
	}
}
