package rabbitmq_test

import (
	"context"
	"net"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/gateways/rabbitmq"
)

// A confirmed alert is in the queue with its properties.
func TestPublish(t *testing.T) {
	cfg := config(t)
	p := startPublisher(t, cfg)
	event := newEvent("one")
	traced := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	require.NoError(t, p.Publish(traced, event))

	d := next(t, cfg.Queue)
	assert.Equal(t, "fraud.detected", d.RoutingKey)
	assert.Equal(t, event.ID, d.MessageId)
	assert.Equal(t, "orders.fraud.detected.v1", d.Type)
	assert.Equal(t, "orders", d.AppId)
	assert.Equal(t, "application/cloudevents+json", d.ContentType)
	assert.Equal(t, amqp.Persistent, d.DeliveryMode)
	assert.True(t, event.Time.Equal(d.Timestamp))
	assert.Equal(t, "00-01000000000000000000000000000000-0200000000000000-01", d.Headers["traceparent"])
	decoded, err := cloudevents.Decode(d.Body)
	require.NoError(t, err)
	assert.Equal(t, event, decoded)
}

func TestPublishReturned(t *testing.T) {
	cfg := config(t)
	p := startPublisher(t, cfg)
	require.NoError(t, operator(t).QueueUnbind(cfg.Queue, "fraud.#", cfg.Exchange, nil))

	event := newEvent("one")
	err := p.Publish(t.Context(), event)
	require.ErrorContains(t, err, event.ID)
	require.ErrorContains(t, err, "312 NO_ROUTE")

	require.NoError(t, operator(t).QueueBind(cfg.Queue, "fraud.#", cfg.Exchange, false, nil))
	require.NoError(t, p.Publish(t.Context(), event))
	counts(t, cfg.Queue, 1)
}

func TestPublishRefused(t *testing.T) {
	cfg := config(t)
	p := startPublisher(t, cfg)
	ch := operator(t)
	require.NoError(t, ch.QueueUnbind(cfg.Queue, "fraud.#", cfg.Exchange, nil))
	_, err := ch.QueueDeclare(cfg.Queue+".full", true, false, false, false, amqp.Table{"x-max-length": 0, "x-overflow": "reject-publish"})
	require.NoError(t, err)
	require.NoError(t, ch.QueueBind(cfg.Queue+".full", "fraud.#", cfg.Exchange, false, nil))

	event := newEvent("one")
	err = p.Publish(t.Context(), event)
	require.ErrorContains(t, err, event.ID)
	require.ErrorContains(t, err, "nack")
}

// A missing exchange is a failure with the broker's words.
func TestPublishExchangeMissing(t *testing.T) {
	cfg := config(t)
	p := startPublisher(t, cfg)
	require.NoError(t, operator(t).ExchangeDelete(cfg.Exchange, false, false))

	event := newEvent("one")
	err := p.Publish(t.Context(), event)
	require.ErrorContains(t, err, event.ID)
	require.ErrorContains(t, err, "NOT_FOUND - no exchange")
	require.NoError(t, p.Ready(), "the connection is as good as before")

	ch := operator(t)
	require.NoError(t, ch.ExchangeDeclare(cfg.Exchange, "topic", true, false, false, false, nil))
	require.NoError(t, ch.QueueBind(cfg.Queue, "fraud.#", cfg.Exchange, false, nil))
	require.NoError(t, p.Publish(t.Context(), event))
}

// Without a connection Publish fails in time.
func TestPublishWithoutConnection(t *testing.T) {
	cfg := rabbitmq.Config{URL: "amqp://orders:secret@127.0.0.1:1/", ConfirmTimeout: time.Second}
	event := newEvent("one")
	p := rabbitmq.NewPublisher(cfg, logger(t))
	err := p.Publish(t.Context(), event)
	require.ErrorContains(t, err, "not connected to RabbitMQ yet", "before it runs")

	stop := run(t, p.Run)
	eventually(t, func() error { return mustFail(p.Ready(), "connection refused") })
	err = p.Publish(t.Context(), event)
	require.ErrorContains(t, err, event.ID)
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "secret")

	stop()
	require.ErrorContains(t, p.Publish(context.Background(), event), "closed for good", "at once, when it runs no more")
}

// Stopping does not wait for a server that does not answer.
func TestPublisherStopSilentServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	p := rabbitmq.NewPublisher(rabbitmq.Config{URL: "amqp://orders:orders@" + silent.Addr().String()}, logger(t))
	stop := run(t, p.Run)
	conn, err := silent.Accept()
	require.NoError(t, err)
	defer conn.Close()
	stop()
}

// A caller that gives up is not kept waiting.
func TestPublishCancelled(t *testing.T) {
	p := rabbitmq.NewPublisher(rabbitmq.Config{URL: "amqp://orders:orders@127.0.0.1:1/", ConfirmTimeout: time.Hour}, logger(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Publish(ctx, newEvent("one")), context.Canceled)
}

func TestPublishNotEvent(t *testing.T) {
	p := rabbitmq.NewPublisher(rabbitmq.Config{}, logger(t))
	event := newEvent("one")
	event.Type = "orders.unheard_of.v1"
	err := p.Publish(t.Context(), event)
	require.ErrorContains(t, err, "publish alert "+event.ID+": no retry can publish it: encode event")
	require.ErrorIs(t, err, alert.ErrUnpublishable)

	event = newEvent("one")
	event.ID = string(make([]byte, 256))
	err = p.Publish(t.Context(), event)
	require.ErrorContains(t, err, "at most 255 bytes")
	require.ErrorIs(t, err, alert.ErrUnpublishable)
}
