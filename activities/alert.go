package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/temporal"

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

// Deliveries tells people. Channels are known by the name of their target.
type Deliveries struct {
	Channels map[string]alert.Channel
}

// Deliver tells one target. It fails with DeliveryRefused when the other side's no is final, and with UnknownTarget
// when the configuration has changed and the target is gone.
func (a *Deliveries) Deliver(ctx context.Context, target string, event alert.Event) error {
	channel, known := a.Channels[target]
	if !known {
		return temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("deliver alert %s: no target %q is configured", event.ID, target), UnknownTarget, nil)
	}
	if err := channel.Deliver(ctx, event); err != nil {
		return forTemporal(fmt.Errorf("deliver alert %s to %s: %w", event.ID, target, err))
	}
	return nil
}
