package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

// reasonHeader says, on a dead letter, why it is none of ours.
const reasonHeader = "x-reason"

// maxBody is how many bytes an event may have: twice what CloudEvents asks of everybody who takes events (CloudEvents 1.0,
// Size Limits). Temporal refuses a request of more than 4 MiB with the code that it has for one request too many, so that
// such an event would be held for ever; and JSON that is written anew may be many times as long as it came.
const maxBody = 128 << 10

// read is the event that a message carries, or why it carries none.
func read(body []byte) (alert.Event, error) {
	if len(body) > maxBody {
		return alert.Event{}, fmt.Errorf("too large: an event must have at most %d bytes, and this has %d", maxBody, len(body))
	}
	return cloudevents.Decode(body)
}

// take sees one delivery through. It is answered on the channel it came from: when that is gone the answer goes
// nowhere, and the broker delivers the event again. ctx ends the trying, and never a handler in the middle.
func (s *shift) take(ctx context.Context, d amqp.Delivery) {
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
		log.WarnContext(ctx, "Alert goes back to the queue, since what takes it is away", "error", shown(err.Error(), longestReason))
		s.setAside(d)
	default:
		log.ErrorContext(ctx, "Alert not handled: back to the queue as a failed delivery", "error", shown(err.Error(), longestReason))
		// A reject, because RabbitMQ 4.3 and later count no nack against the delivery limit.
		_ = d.Reject(true)
	}
}

// work is what has to be done about a delivery.
func (s *shift) work(d amqp.Delivery) func() error {
	event, err := read(d.Body)
	if err != nil {
		return func() error { return s.bury(d, shown(err.Error(), longestReason)) }
	}
	ctx := withTrace(s.handling, d.Headers)
	return func() error {
		err := s.handle(ctx, event)
		if errors.Is(err, alert.ErrAway) {
			return backoff.Permanent(err)
		}
		return err
	}
}

// bury puts what is no event into the dead queue, as it came, with the reason.
func (s *shift) bury(d amqp.Delivery, reason string) error {
	if err := s.dead.send(s.handling, s.cfg.DeadExchange, d.RoutingKey, deadLetter(d, reason)); err != nil {
		return err
	}
	s.log.WarnContext(s.handling, "Not an alert: put into the dead queue", "message", idOf(d), "queue", s.cfg.DeadQueue, "reason", reason)
	return nil
}

// deadLetter leaves out two properties: an expiration would empty the dead queue, and the broker takes a user id only
// from that user.
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
