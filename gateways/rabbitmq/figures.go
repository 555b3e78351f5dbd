package rabbitmq

import (
	"context"

	"dummyorders/internal/telemetry"
)

// MeasureQueues shows in the metrics how many messages wait in the consumer's queue and in the dead queue, and how many consumers
// they have. While the broker is away, the metrics show nothing.
func (c *Consumer) MeasureQueues(context.Context) error {
	messages, consumers, err := c.inspect(c.cfg.Queue, c.cfg.DeadQueue)
	telemetry.QueueMessages.Set(messages...)
	telemetry.QueueConsumers.Set(consumers...)
	return err
}

func (c *Consumer) inspect(queues ...string) (messages, consumers []telemetry.Value, err error) {
	now, _ := c.feed.state.get()
	if !now.up {
		return nil, nil, now.why
	}
	for _, name := range queues {
		found, err := now.service.conn.queue(name)
		if err != nil {
			return nil, nil, err
		}
		messages = append(messages, telemetry.Value{Value: float64(found.Messages), Labels: []string{name}})
		consumers = append(consumers, telemetry.Value{Value: float64(found.Consumers), Labels: []string{name}})
	}
	return messages, consumers, nil
}
