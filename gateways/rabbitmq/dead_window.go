package rabbitmq

import (
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
)

// RabbitMQ 3.10 takes messages back in their order only so many at once, since it keeps them in an Erlang map, which has
// an order up to 32 keys; and only while no more than 32 of a channel's requests are under way, since it joins those that
// come after them (rabbit_fifo_client's soft limit). Hence a channel for each window, and windows of fewer than 32 times
// 32.
const (
	inOrder = 32
	window  = 500
)

// deadWindow is a part of the dead queue that a walk has in its hands, by a consumer on a channel of its own.
type deadWindow struct {
	subscription

	held []uint64 // by their delivery tags, to go back
}

func (w *deadWindow) hold(message amqp.Delivery) {
	w.held = append(w.held, message.DeliveryTag)
}

// stop has the broker deliver no more.
func (w *deadWindow) stop() {
	if w.deliveries == nil {
		return
	}
	w.cancel()
	for message := range w.deliveries { // what no visit has seen
		w.hold(message)
	}
	w.deliveries = nil
}

// close puts back what is held. The broker answers it after it has done all that was asked on the channel before.
func (w *deadWindow) close() error {
	w.stop()
	if w.channel == nil {
		return nil
	}
	return w.conn.within(replyTimeout, func() error {
		const multiple, requeue = true, true
		for some := range slices.Chunk(w.held, inOrder) {
			if err := w.channel.Nack(some[len(some)-1], multiple, requeue); err != nil {
				return err
			}
		}
		return w.channel.Close()
	})
}
