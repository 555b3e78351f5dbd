package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/alert"
)

// Consumer is an alert.Consumer. Any number of them, in any number of processes, share one queue.
type Consumer struct {
	cfg  Config
	log  *slog.Logger
	feed *supervisor[*subscription]
	// dead has a connection of its own: RabbitMQ blocks, in an alarm, those that publish, and must not stop reading
	// acknowledgements.
	dead sender
}

var _ alert.Consumer = (*Consumer)(nil)

// NewConsumer connects nowhere yet: Consume does.
func NewConsumer(cfg Config, log *slog.Logger) *Consumer {
	cfg = cfg.withDefaults()
	dead := cfg
	dead.ConnectionName += ", dead letters"
	return &Consumer{cfg: cfg, log: log, feed: newSupervisor[*subscription](cfg, log), dead: newSender(dead, log)}
}

// Ready is nil while the consumer is subscribed to its queue.
func (c *Consumer) Ready() error {
	now, _ := c.feed.state.get()
	return now.why
}

// Consume fulfils alert.Consumer; call it once. An event whose handling fails is held and handed to handle again, with
// growing waits, for Config.Patience; then it goes back to the queue, and after Config.DeliveryLimit such rounds to the
// dead queue. What is no event, or a very large one, goes there at once, with the reason in the header x-reason.
//
// handle's ctx outlives Consume's by up to Config.DrainTimeout. Consume's error is nil unless the configuration is
// wrong, or handlers had to be cut off at the end.
func (c *Consumer) Consume(ctx context.Context, handle alert.Handler) error {
	if err := c.cfg.Validate(); err != nil {
		return err
	}
	s := c.newShift(ctx, handle)
	defer s.cutOff(nil)
	var dead sync.WaitGroup
	defer dead.Wait()
	burying, stop := context.WithCancel(s.handling)
	defer stop()
	dead.Go(func() { c.dead.run(burying) })

	c.feed.run(ctx, c.subscribe, s.serve)
	return s.drain()
}

// subscription is a consumer on the queue, for one epoch.
type subscription struct {
	conn       *connection
	channel    *amqp.Channel
	deliveries <-chan amqp.Delivery
	closed     <-chan *amqp.Error
}

// consumerTag has to be unique on its channel only.
const consumerTag = "alerts"

func (c *Consumer) subscribe(conn *connection) (*subscription, error) {
	s := &subscription{conn: conn}
	err := conn.within(replyTimeout, func() (err error) {
		if s.channel, err = conn.Channel(); err != nil {
			return err
		}
		s.closed = s.channel.NotifyClose(make(chan *amqp.Error, 1))
		return s.channel.Qos(c.cfg.Prefetch, 0, false)
	})
	if err != nil {
		return nil, fmt.Errorf("consume from queue %s: %w", c.cfg.Queue, err)
	}
	return s, c.resume(s)
}

// resume has deliveries come, after subscribe or after cancel.
func (c *Consumer) resume(s *subscription) error {
	err := s.conn.within(replyTimeout, func() (err error) {
		const autoAck, exclusive, noLocal, noWait = false, false, false, false
		s.deliveries, err = s.channel.Consume(c.cfg.Queue, consumerTag, autoAck, exclusive, noLocal, noWait, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("consume from queue %s: %w", c.cfg.Queue, err)
	}
	return nil
}

// cancel asks for no more deliveries. Those already on their way still come, and then deliveries closes.
func (s *subscription) cancel() {
	_ = s.conn.within(replyTimeout, func() error { return s.channel.Cancel(consumerTag, false) })
}

// ended is why deliveries has closed.
func (s *subscription) ended() error {
	select {
	case err, abnormal := <-s.closed:
		if abnormal {
			return fmt.Errorf("the channel is gone: %w", err)
		}
		return errors.New("the connection was closed")
	default:
		return errors.New("the broker cancelled the consumer, as it does when its queue is deleted")
	}
}
