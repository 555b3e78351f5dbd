package rabbitmq

import (
	"context"
	"fmt"

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

// inspect asks on a channel of its own, which the broker closes if a queue does not exist.
func (c *Consumer) inspect(queues ...string) (messages, consumers []telemetry.Value, err error) {
	now, _ := c.feed.state.get()
	if !now.up {
		return nil, nil, now.why
	}
	conn := now.service.conn
	err = conn.within(replyTimeout, func() error {
		channel, err := conn.Channel()
		if err != nil {
			return err
		}
		defer func() { _ = channel.Close() }()
		for _, name := range queues {
			const durable, autoDelete, exclusive, noWait = true, false, false, false // of no importance to a passive declaration, which only looks
			found, err := channel.QueueDeclarePassive(name, durable, autoDelete, exclusive, noWait, nil)
			if err != nil {
				return fmt.Errorf("ask about queue %s: %w", name, err)
			}
			messages = append(messages, telemetry.Value{Value: float64(found.Messages), Labels: []string{name}})
			consumers = append(consumers, telemetry.Value{Value: float64(found.Consumers), Labels: []string{name}})
		}
		return nil
	})
	return messages, consumers, err
}
