package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/internal/telemetry"
)

// appID names the publishing application in each message's properties.
const appID = "orders"

// maxShortString is AMQP 0-9-1's limit, in bytes, for a message id. The library drops the connection over a longer one.
const maxShortString = 255

// Publisher is an alert.Publisher.
type Publisher struct {
	cfg    Config
	sender sender
}

var _ alert.Publisher = (*Publisher)(nil)

// NewPublisher returns a Publisher that is not connected yet: Run connects it.
func NewPublisher(cfg Config, log *slog.Logger) *Publisher {
	cfg = cfg.withDefaults()
	return &Publisher{cfg: cfg, sender: newSender(cfg, log)}
}

// Run keeps a connection open until ctx ends, then closes it; publishes still under way then fail. Run returns an error
// only for a configuration that Validate rejects.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.cfg.Validate(); err != nil {
		return err
	}
	p.sender.run(ctx)
	return nil
}

// Ready returns nil while there is a connection and the broker accepts messages on it.
func (p *Publisher) Ready() error {
	return p.sender.ready()
}

// Publish implements alert.Publisher. Its errors name the event. It fails in bounded time: after ConfirmTimeout without
// a connection, at once if the broker accepts no messages at present, and after ConfirmTimeout without a confirm.
func (p *Publisher) Publish(ctx context.Context, e alert.Event) error {
	if len(e.ID) > maxShortString {
		return fmt.Errorf("publish alert %.40s…: %w: its id must have at most %d bytes, and has %d", e.ID, alert.ErrUnpublishable, maxShortString, len(e.ID))
	}
	body, err := cloudevents.Encode(e)
	if err != nil {
		return fmt.Errorf("publish alert %s: %w: %w", e.ID, alert.ErrUnpublishable, err)
	}
	ctx, span := startSpan(ctx, trace.SpanFromContext(ctx).TracerProvider(), trace.SpanKindProducer, "publish", p.cfg.Exchange, e.ID)
	message := amqp.Publishing{
		MessageId:    e.ID,
		Type:         string(e.Type),
		Timestamp:    e.Time,
		AppId:        appID,
		ContentType:  cloudevents.ContentType,
		DeliveryMode: amqp.Persistent,
		Headers:      traceHeaders(ctx),
		Body:         body,
	}
	err = p.sender.send(ctx, p.cfg.Exchange, e.Type.RoutingKey(), message)
	telemetry.EndSpan(span, err)
	if err != nil {
		return fmt.Errorf("publish alert %s: %w", e.ID, err)
	}
	return nil
}

// sender sends messages with confirms over a supervised connection of its own.
type sender struct {
	*supervisor[*channelPool]
}

func newSender(cfg Config, log *slog.Logger) sender {
	return sender{newSupervisor[*channelPool](cfg, log)}
}

func (s sender) run(ctx context.Context) {
	s.supervisor.run(ctx,
		func(conn *connection) (*channelPool, error) { return newChannelPool(conn, s.cfg.Channels), nil },
		func(ctx context.Context, _ *channelPool) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
}

// send waits up to ConfirmTimeout for a channel, and then as long for the confirm. After an error the message may have
// arrived nevertheless.
func (s sender) send(ctx context.Context, exchange, key string, message amqp.Publishing) error {
	from, lane, err := s.takeChannel(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.ConfirmTimeout, fmt.Errorf("no confirm within %s", s.cfg.ConfirmTimeout))
	defer cancel()
	err = lane.send(ctx, exchange, key, message)
	from.giveBack(lane, err == nil)
	return err
}

func (s sender) takeChannel(ctx context.Context) (*channelPool, *confirmChannel, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.ConfirmTimeout, fmt.Errorf("no channel free within %s", s.cfg.ConfirmTimeout))
	defer cancel()
	for {
		now, changed := s.state.get()
		if now.over {
			return nil, nil, now.why
		}
		if now.up {
			lane, err := now.service.take(ctx)
			if err == nil || !errors.Is(err, errConnectionLost) {
				return now.service, lane, err
			}
			now.why = err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %w", context.Cause(ctx), now.why)
		}
	}
}

func (s sender) ready() error {
	now, _ := s.state.get()
	if !now.up {
		return now.why
	}
	if reason, _ := now.service.conn.blocked.get(); reason != "" {
		return blockedError(reason)
	}
	return nil
}
