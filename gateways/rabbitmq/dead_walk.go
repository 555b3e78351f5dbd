package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// walk goes once through all messages that are ready in the dead queue when it begins, in the queue's order. Whatever is
// not taken goes back at its end, or with its connection; until then no other walk sees it. It always goes to the end:
// RabbitMQ puts back behind what was put back before, so that half a walk would turn the queue around.
//
// It consumes: getting message by message grows slower with each that is held (RabbitMQ 3.10 took 18s for 20,000, and
// 0.4s to have them consumed). A consumer that holds a window full gets no more, so another one goes on from there: no
// more than a window is on its way or in memory.
type walk struct {
	conn    *connection
	queue   string
	total   int // messages that were ready at the beginning
	windows []*deadWindow
	taken   int
}

// through hands each message to visit, and returns how many there were. Those that visit answers with true the broker
// forgets. Where another walk has got some of them, visit sees fewer.
func (d *DeadLetters) through(ctx context.Context, visit func(amqp.Delivery) (take bool)) (total int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read queue %s: %w", d.reading.DeadQueue, err)
		}
	}()
	if err := d.reading.Validate(); err != nil {
		return 0, err
	}
	conn, err := dial(ctx, d.reading)
	if err != nil {
		return 0, err
	}
	defer conn.close()
	if d.reading.Declare {
		if err := conn.declare(d.reading.topology()); err != nil {
			return 0, err
		}
	}
	w := &walk{conn: conn, queue: d.reading.DeadQueue}
	if w.total, err = conn.ready(w.queue); err != nil {
		return 0, err
	}
	return w.total, errors.Join(w.run(ctx, visit), w.end())
}

// ready is how many messages of a queue nobody holds.
func (c *connection) ready(queue string) (messages int, err error) {
	err = c.within(replyTimeout, func() error {
		channel, err := c.Channel()
		if err != nil {
			return err
		}
		const durable, autoDelete, exclusive, noWait = true, false, false, false
		q, err := channel.QueueDeclarePassive(queue, durable, autoDelete, exclusive, noWait, nil)
		if err != nil {
			return err
		}
		messages = q.Messages
		return channel.Close()
	})
	return messages, err
}

func (w *walk) run(ctx context.Context, visit func(amqp.Delivery) (take bool)) error {
	for range w.total {
		message, err := w.next(ctx)
		if errors.Is(err, errSilence) { // another walk holds the rest
			return nil
		}
		if err != nil {
			return err
		}
		if !visit(message) {
			w.last().hold(message)
			continue
		}
		if err := message.Ack(false); err != nil {
			return fmt.Errorf("%w: %w", errStillThere, err)
		}
		w.taken++
	}
	return nil
}

func (w *walk) last() *deadWindow {
	return w.windows[len(w.windows)-1]
}

var errSilence = errors.New("nothing more came")

func (w *walk) next(ctx context.Context) (amqp.Delivery, error) {
	if ctx.Err() != nil {
		return amqp.Delivery{}, context.Cause(ctx)
	}
	if len(w.windows) == 0 || len(w.last().held) == window {
		if err := w.open(); err != nil {
			return amqp.Delivery{}, err
		}
	}
	if err := w.conn.lost(); err != nil { // what had come before it is back in the queue
		return amqp.Delivery{}, err
	}
	silence := time.NewTimer(replyTimeout)
	defer silence.Stop()
	select {
	case message, open := <-w.last().deliveries:
		if !open {
			return message, w.last().ended()
		}
		return message, nil
	case <-silence.C:
		return amqp.Delivery{}, errSilence
	case <-ctx.Done():
		return amqp.Delivery{}, context.Cause(ctx)
	}
}

// open consumes from where the last window is full.
func (w *walk) open() error {
	opened := &deadWindow{subscription: subscription{conn: w.conn}}
	w.windows = append(w.windows, opened)
	return w.conn.within(replyTimeout, func() (err error) {
		if opened.channel, err = w.conn.Channel(); err != nil {
			return err
		}
		opened.closed = opened.channel.NotifyClose(make(chan *amqp.Error, 1))
		if err = opened.channel.Qos(window, 0, false); err != nil {
			return err
		}
		const autoAck, exclusive, noLocal, noWait = false, false, false, false
		opened.deliveries, err = opened.channel.Consume(w.queue, consumerTag, autoAck, exclusive, noLocal, noWait, nil)
		return err
	})
}

// errStillThere means that what was taken may be in the queue all the same.
var errStillThere = errors.New("whether the broker has forgotten what was taken is not known: it may still be in the dead queue, too")

// end puts back what was not taken, the oldest first. Without it the broker does so when the connection ends, but in no
// order. The last window, which may have room, must get nothing of that.
func (w *walk) end() error {
	if len(w.windows) > 0 {
		w.last().stop()
	}
	for _, opened := range w.windows {
		if err := opened.close(); err != nil && w.taken > 0 {
			return fmt.Errorf("%w: %w", errStillThere, err)
		}
	}
	return nil
}

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
