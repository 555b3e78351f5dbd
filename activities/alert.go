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
	Lasting   Lasting
}

// PublishAlert returns once the event is in a queue. A retry publishes the same event under the same id, and alertman
// knows it by that. It fails with AlertUnpublishable, which is final, where the event has no valid form.
func (a *Alerts) PublishAlert(ctx context.Context, event alert.Event) error {
	defer a.Lasting.begin(ctx)()
	return forTemporal(a.Publisher.Publish(ctx, event))
}

// Groups puts alerts into groups, and asks throttles.
type Groups struct {
	Gatherer alert.Gatherer
}

// Gather puts a notice into its group. A retry gets the same answer.
func (a *Groups) Gather(ctx context.Context, g alert.Gathering) (alert.Place, error) {
	return a.Gatherer.Gather(ctx, g)
}

// Admit asks the receiver's throttle. A retry gets the same answer.
func (a *Groups) Admit(ctx context.Context, g alert.Gathering) (alert.Place, error) {
	return a.Gatherer.Admit(ctx, g)
}

// Recall finds an event again that was taken before.
func (a *Groups) Recall(ctx context.Context, eventID string) (alert.Event, error) {
	return a.Gatherer.Recall(ctx, eventID)
}

// Told finds what a digest tells that was begun before.
func (a *Groups) Told(ctx context.Context, digestID string) ([]string, error) {
	return a.Gatherer.Told(ctx, digestID)
}

// Deliveries tells people. Channels are known by the names that targets begin with.
type Deliveries struct {
	Channels map[string]alert.Channel
	Writer   alert.Writer
}

// Tell makes a delivery. It fails with DeliveryRefused, whose details are an alert.Told, when the other side's no is final;
// all else is tried again, also a channel that this worker does not have: it may be another worker's, or be configured
// again.
func (a *Deliveries) Tell(ctx context.Context, t alert.Telling) (alert.Told, error) {
	before, now := attemptsBefore(ctx), attempt(ctx)
	stop := keepBeating(ctx, before.with(unknown(now)))
	answer, err := a.deliver(ctx, t)
	stop()
	if err != nil {
		now.Answer = brief(err.Error())
		made := before.with(now)
		made.keep(ctx)
		return alert.Told{}, made.failure(ctx, fmt.Errorf("deliver alert %s to %s: %w", t.Notice.ID, t.Target, err))
	}
	now.Answer = brief(answer)
	return alert.Told{State: alert.Delivered, At: time.Now().UTC(), Attempts: before.with(now)}, nil
}

func (a *Deliveries) deliver(ctx context.Context, t alert.Telling) (answer string, err error) {
	name, address := t.Target.Split()
	channel, known := a.Channels[name]
	if !known {
		return "", fmt.Errorf("no channel %q is configured here", name)
	}
	message, err := a.Writer.Write(t)
	if err != nil {
		return "", fmt.Errorf("write the message: %w", err)
	}
	message.Key = t.Key()
	return channel.Deliver(ctx, address, message)
}

// beats are how often a delivery says that it lives in the time after which silence means that it does not.
const beats = 3

// keepBeating tells Temporal that the activity lives, until the function that it returns is called. Each beat has the
// attempts with it: one without would take away those that were kept.
func keepBeating(ctx context.Context, made attempts) (stop func()) {
	silence := activity.GetInfo(ctx).HeartbeatTimeout
	if silence <= 0 {
		return func() {} // without a timeout Temporal expects no heartbeats
	}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(silence / beats)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, made)
			}
		}
	}()
	return func() {
		cancel()
		<-over
	}
}
