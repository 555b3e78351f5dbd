package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/internal/telemetry"
)

// Consumer takes events off the broker. Any number of consumers, in any number of processes, share one queue.
type Consumer struct {
	cfg  Config
	log  *slog.Logger
	feed *supervisor[*subscription]
	// dead has a connection of its own: during an alarm RabbitMQ blocks connections that publish, and it must go on
	// reading acknowledgements.
	dead sender
}

// NewConsumer returns a Consumer that is not connected yet: Consume connects it.
func NewConsumer(cfg Config, log *slog.Logger) *Consumer {
	cfg = cfg.withDefaults()
	dead := cfg
	dead.ConnectionName += ", dead letters"
	return &Consumer{cfg: cfg, log: log, feed: newSupervisor[*subscription](cfg, log), dead: newSender(dead, log)}
}

// Ready returns nil while the consumer is subscribed to its queue.
func (c *Consumer) Ready() error {
	now, _ := c.feed.state.get()
	return now.why
}

// Consume passes each event to handle, several at a time, until ctx ends; then it finishes those in hand and returns. It
// outlives every loss of the broker. Call it once.
//
// It holds an event whose handling fails, and calls handle again with growing waits, for Config.Patience. Then the event
// returns to the queue, and after Config.DeliveryLimit such rounds it goes to the dead queue. A message that is not an
// event, or is too large, goes there at once, with the reason in the header x-reason.
//
// handle's ctx outlives Consume's by up to Config.DrainTimeout. Consume returns an error only if the configuration is
// wrong, or if handlers had to be cut off at the end.
func (c *Consumer) Consume(ctx context.Context, handle alert.Handler) error {
	if err := c.cfg.Validate(); err != nil {
		return err
	}
	s := c.newConsumption(ctx, handle)
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

// consumerTag must be unique only on its channel.
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

// resume starts deliveries, after subscribe or after cancel.
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

// cancel asks the broker to stop deliveries. Those already sent still arrive, and then deliveries closes.
func (s *subscription) cancel() {
	_ = s.conn.within(replyTimeout, func() error { return s.channel.Cancel(consumerTag, false) })
}

// ended returns why deliveries has closed.
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

// reasonHeader holds, on a dead letter, why alertman rejected it.
const reasonHeader = "x-reason"

// read returns the event that a message carries, or an error that says why it carries none.
func read(body []byte) (alert.Event, error) {
	if len(body) > cloudevents.MaxSize {
		return alert.Event{}, fmt.Errorf("too large: an event must have at most %d bytes, and this has %d", cloudevents.MaxSize, len(body))
	}
	return cloudevents.Decode(body)
}

// take handles one delivery and answers it on the channel it came from. If that channel is gone, the answer is lost and
// the broker delivers the event again. When ctx ends, take stops retrying, but never interrupts a handler.
func (s *consumption) take(ctx context.Context, d amqp.Delivery) {
	log := s.log.With("event", idOf(d), "redelivered", d.Redelivered)
	work := s.work(d)
	waits := &backoff.ExponentialBackOff{
		InitialInterval: shortestWait, MaxInterval: longestWait, Multiplier: 2, RandomizationFactor: 0.5,
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, work() },
		backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(s.cfg.Patience),
		backoff.WithNotify(func(err error, wait time.Duration) {
			log.WarnContext(ctx, "Alert not handled, trying again", "error", shown(err.Error(), longestReason), "wait", wait.Round(time.Millisecond))
		}))
	switch {
	case err == nil:
		if err := d.Ack(false); err != nil {
			log.WarnContext(ctx, "Alert handled but not acknowledged: it will come again", "error", err)
		}
	case ctx.Err() != nil:
		s.handBack(d)
	case errors.Is(err, alert.ErrAway):
		log.WarnContext(ctx, "Alert returned to the queue, because its handler is not available", "error", shown(err.Error(), longestReason))
		s.setAside(d)
	default:
		log.ErrorContext(ctx, "Alert not handled: back to the queue as a failed delivery", "error", shown(err.Error(), longestReason))
		// A reject, because RabbitMQ 4.3 and later do not count a nack against the delivery limit.
		_ = d.Reject(true)
	}
}

// work returns what to do with a delivery: handle its event, or send it to the dead queue if it carries none.
func (s *consumption) work(d amqp.Delivery) func() error {
	event, err := read(d.Body)
	if err != nil {
		return func() error { return s.sendToDeadQueue(d, shown(err.Error(), longestReason)) }
	}
	ctx := withTrace(s.handling, d.Headers)
	return func() error {
		ctx, span := startSpan(ctx, s.cfg.Traces, trace.SpanKindConsumer, "process", s.cfg.Queue, event.ID)
		err := s.handle(ctx, event)
		telemetry.EndSpan(span, err)
		if errors.Is(err, alert.ErrAway) {
			return backoff.Permanent(err)
		}
		return err
	}
}

// sendToDeadQueue puts a message that is not an event into the dead queue unchanged, with the reason.
func (s *consumption) sendToDeadQueue(d amqp.Delivery, reason string) error {
	if err := s.dead.send(s.handling, s.cfg.DeadExchange, d.RoutingKey, deadLetter(d, reason)); err != nil {
		return err
	}
	telemetry.AlertsTaken.Inc(s.handling, "dead")
	s.log.WarnContext(s.handling, "Not an alert: put into the dead queue", "message", idOf(d), "queue", s.cfg.DeadQueue, "reason", reason)
	return nil
}

// deadLetter returns d as a message for the dead queue. It leaves out two properties: an expiration would empty the dead
// queue, and the broker accepts a user id only from that user.
func deadLetter(d amqp.Delivery, reason string) amqp.Publishing {
	headers := amqp.Table{}
	maps.Copy(headers, d.Headers)
	headers[reasonHeader] = reason
	return amqp.Publishing{
		Headers:         headers,
		ContentType:     d.ContentType,
		ContentEncoding: d.ContentEncoding,
		DeliveryMode:    amqp.Persistent,
		Priority:        d.Priority,
		CorrelationId:   d.CorrelationId,
		ReplyTo:         d.ReplyTo,
		MessageId:       d.MessageId,
		Timestamp:       d.Timestamp,
		Type:            d.Type,
		AppId:           d.AppId,
		Body:            d.Body,
	}
}

// cutOffGrace is how long handlers have to return after their ctx has ended.
const cutOffGrace = 5 * time.Second

// consumption is one call of Consume, over all its epochs. Handlers of a lost epoch go on during the next one, and still count
// toward Prefetch.
type consumption struct {
	*Consumer

	handle   alert.Handler
	handling context.Context // for the handlers; it outlives Consume's
	cutOff   context.CancelCauseFunc
	places   *semaphore.Weighted // Prefetch of them
	drain    func() error        // waits for all handlers, once

	away  chan struct{} // something was set aside
	mu    sync.Mutex
	aside []amqp.Delivery // not handled; handed back once no more events are taken
}

func (c *Consumer) newConsumption(ctx context.Context, handle alert.Handler) *consumption {
	s := &consumption{Consumer: c, handle: handle, places: semaphore.NewWeighted(int64(c.cfg.Prefetch)), away: make(chan struct{}, 1)}
	s.handling, s.cutOff = context.WithCancelCause(context.WithoutCancel(ctx))
	s.drain = sync.OnceValue(func() error {
		if s.idle(c.cfg.DrainTimeout) {
			return nil
		}
		err := fmt.Errorf("stop consuming from queue %s: handlers were still at work after %s", c.cfg.Queue, c.cfg.DrainTimeout)
		s.cutOff(err)
		s.idle(cutOffGrace)
		return err
	})
	return s
}

// idle reports whether all handlers have returned within the span.
func (s *consumption) idle(within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if s.places.Acquire(ctx, int64(s.cfg.Prefetch)) != nil {
		return false
	}
	s.places.Release(int64(s.cfg.Prefetch))
	return true
}

// serve hands deliveries to handlers until there are no more, or ctx ends.
func (s *consumption) serve(ctx context.Context, from *subscription) error {
	for {
		select {
		case <-ctx.Done():
			return s.leave(from)
		case <-s.away:
			if err := s.wait(ctx, from); err != nil {
				return err
			}
		case d, open := <-from.deliveries:
			if !open {
				return from.ended()
			}
			if s.places.Acquire(ctx, 1) != nil {
				s.handBack(d)
				return s.leave(from)
			}
			go func() {
				defer s.places.Release(1)
				s.take(ctx, d)
			}()
		}
	}
}

// lookAgain is how often wait calls Downstream during an outage.
const lookAgain = 2 * time.Second

// setAside keeps a delivery until no more are taken. Handed back before that, it would come again at once, and each time
// counts toward its delivery limit.
func (s *consumption) setAside(d amqp.Delivery) {
	s.mu.Lock()
	s.aside = append(s.aside, d)
	s.mu.Unlock()
	select {
	case s.away <- struct{}{}:
	default: // already signalled
	}
}

func (s *consumption) handBackAside() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.aside {
		s.handBack(d)
	}
	s.aside = nil
}

// wait takes no events until Downstream returns nil. So an outage costs an event one delivery, however long it lasts and
// whatever the broker's consumer_timeout is. The connection stays open.
func (s *consumption) wait(ctx context.Context, from *subscription) error {
	defer s.handBackAside()
	why := s.downstream(ctx)
	if why == nil || ctx.Err() != nil {
		return nil
	}
	s.log.WarnContext(ctx, "No alerts are taken until their handler is available again", "queue", s.cfg.Queue, "error", why)
	from.cancel()
	for d := range from.deliveries {
		s.handBack(d)
	}
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for why != nil {
		s.handBackAside()
		select {
		case <-ctx.Done():
			return s.leave(from)
		case <-s.away:
		case <-ticker.C:
			why = s.downstream(ctx)
		}
	}
	s.log.InfoContext(ctx, "Alerts are taken again", "queue", s.cfg.Queue)
	return s.resume(from)
}

func (s *consumption) downstream(ctx context.Context) error {
	if s.cfg.Downstream == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	return s.cfg.Downstream(ctx)
}

// leave waits for the running handlers while the connection is still open, so that their events can be acknowledged.
func (s *consumption) leave(from *subscription) error {
	if err := from.conn.lost(); err != nil {
		return err
	}
	from.cancel()
	for d := range from.deliveries {
		s.handBack(d)
	}
	return s.drain()
}

// handBack returns a delivery to the queue. That is not a failed delivery: RabbitMQ 4.3 and later do not count it as one.
func (s *consumption) handBack(d amqp.Delivery) {
	const multiple, requeue = false, true
	_ = d.Nack(multiple, requeue) // on a lost connection the broker does the same by itself
}
