package rabbitmq_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/telemetrytest"
)

// A handled alert is removed from the queue.
func TestConsume(t *testing.T) {
	cfg := config(t)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, Remote: true})
	type call struct {
		event alert.Event
		span  trace.SpanContext
	}
	calls := make(chan call, 1)
	c := startConsumer(t, cfg, func(ctx context.Context, e alert.Event) error {
		calls <- call{e, trace.SpanContextFromContext(ctx)}
		return nil
	})
	event := newEvent("one")
	require.NoError(t, startPublisher(t, cfg).Publish(trace.ContextWithSpanContext(t.Context(), span), event))

	got := until(t, calls)
	assert.Equal(t, event, got.event)
	assert.Equal(t, span, got.span, "in the publisher's trace")
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 0)
}

func TestHandlerIsRetried(t *testing.T) {
	cfg := config(t)
	var calls atomic.Int64
	handled := make(chan string, 1)
	startConsumer(t, cfg, func(_ context.Context, e alert.Event) error {
		if calls.Add(1) < 4 {
			return errBusy
		}
		handled <- e.ID
		return nil
	})
	event := newEvent("one")
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), event))
	require.Equal(t, event.ID, until(t, handled))
}

// What one consumer cannot handle another may.
func TestFailedAlertGoesToOtherConsumer(t *testing.T) {
	cfg := config(t)
	cfg.Patience, cfg.DeliveryLimit = time.Nanosecond, 1_000_000 // the one may get it back often before the other does
	startConsumer(t, cfg, func(context.Context, alert.Event) error { return errBusy })
	handled := newTally()
	startConsumer(t, cfg, handled.handle)
	p := startPublisher(t, cfg)
	for i := range 10 {
		require.NoError(t, p.Publish(t.Context(), newEvent(fmt.Sprint(i))))
	}
	handled.waitFor(t, 10)
	counts(t, cfg.DeadQueue, 0)
}

// An outage of what takes alerts costs each alert one delivery.
func TestDownstreamOutage(t *testing.T) {
	cfg := config(t)
	cfg.DeliveryLimit, cfg.Prefetch = 2, 3
	var away atomic.Bool
	away.Store(true)
	var looks atomic.Int64
	cfg.Downstream = func(context.Context) error {
		looks.Add(1)
		if away.Load() {
			return errBusy
		}
		return nil
	}
	var refused atomic.Int64
	handled := newTally()
	c := startConsumer(t, cfg, func(ctx context.Context, e alert.Event) error {
		if away.Load() {
			refused.Add(1)
			return fmt.Errorf("take it: %w", alert.ErrAway)
		}
		return handled.handle(ctx, e)
	})
	p := startPublisher(t, cfg)
	const events = 10
	for i := range events {
		require.NoError(t, p.Publish(t.Context(), newEvent(fmt.Sprint(i))))
	}
	counts(t, cfg.Queue, events) // all of them wait, and none is held
	before := refused.Load()
	require.LessOrEqual(t, before, int64(cfg.Prefetch))
	asked := looks.Load()
	eventually(t, func() error {
		if looks.Load() < asked+3 {
			return errBusy // it is asked again and again, and takes nothing
		}
		return nil
	})
	counts(t, cfg.Queue, events)
	require.Equal(t, before, refused.Load(), "events were taken while what takes them was away")
	away.Store(false)
	handled.waitFor(t, events)
	counts(t, cfg.DeadQueue, 0)
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 0)
}

// An alert that fails beyond the limit is a dead letter.
func TestDeliveryLimit(t *testing.T) {
	cfg := config(t)
	cfg.Patience, cfg.DeliveryLimit = time.Nanosecond, 3
	var calls atomic.Int64
	startConsumer(t, cfg, func(context.Context, alert.Event) error {
		calls.Add(1)
		return errBusy
	})
	event := newEvent("one")
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), event))

	d := next(t, cfg.DeadQueue)
	assert.Equal(t, event.ID, d.MessageId)
	assert.Equal(t, "fraud.detected", d.RoutingKey)
	assert.EqualValues(t, 1+cfg.DeliveryLimit, calls.Load())
	counts(t, cfg.Queue, 0)
}

// What is not an event goes to the dead queue at once, with the reason.
func TestConsumeNotEvent(t *testing.T) {
	cfg := config(t)
	handled, dead := newTally(), telemetrytest.Value(t, "orders_alerts_taken_total", "result", "dead")
	startConsumer(t, cfg, handled.handle)
	unknown := []byte(`{"specversion":"1.0","id":"7","source":"/s","type":"orders.unheard_of.v1"}`)
	sent := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, operator(t).Publish(cfg.Exchange, "fraud.unheard_of", true, false, amqp.Publishing{
		MessageId: "7", Type: "orders.unheard_of.v1", AppId: "somebody", CorrelationId: "c", ReplyTo: "r", Priority: 3,
		ContentType: "application/json", ContentEncoding: "identity", Timestamp: sent, UserId: "operator",
		Expiration: "3600000", Headers: amqp.Table{"origin": "a test"}, Body: unknown,
	}))

	d := next(t, cfg.DeadQueue)
	assert.Contains(t, d.Headers["x-reason"], `type must be`)
	assert.Contains(t, d.Headers["x-reason"], `orders.unheard_of.v1`)
	assert.Equal(t, "a test", d.Headers["origin"])
	assert.Equal(t, "fraud.unheard_of", d.RoutingKey)
	assert.Equal(t, unknown, d.Body)
	assert.Equal(t, []any{"7", "orders.unheard_of.v1", "somebody", "c", "r", uint8(3), "application/json", "identity"},
		[]any{d.MessageId, d.Type, d.AppId, d.CorrelationId, d.ReplyTo, d.Priority, d.ContentType, d.ContentEncoding})
	assert.True(t, sent.Equal(d.Timestamp))
	assert.Equal(t, amqp.Persistent, d.DeliveryMode)
	assert.Empty(t, d.Expiration, "it stays until somebody looks at it")

	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), newEvent("one")))
	handled.waitFor(t, 1)
	counts(t, cfg.Queue, 0)
	assert.InDelta(t, 1, telemetrytest.Value(t, "orders_alerts_taken_total", "result", "dead")-dead, 0)
}

// A very large event goes to the dead queue at once, with the reason. Temporal would refuse it for being one request
// too many, and be waited for.
func TestConsumeLargeEvent(t *testing.T) {
	cfg := config(t)
	handled := newTally()
	startConsumer(t, cfg, handled.handle)
	large := newEvent("large")
	body, err := cloudevents.Encode(large)
	require.NoError(t, err)
	padding := bytes.Repeat([]byte(" "), 5<<20-len(body))
	require.NoError(t, operator(t).Publish(cfg.Exchange, "fraud.detected", true, false, amqp.Publishing{
		MessageId: large.ID, Body: append(body, padding...),
	}))

	const reason = "too large: an event must have at most 131072 bytes, and this has 5242880"
	counts(t, cfg.DeadQueue, 1)
	letters := dying{rabbitmq.NewDeadLetters(cfg, cfg), cfg}.list(t)
	assert.Equal(t, reason, letters[0].NoEvent, "replayed, it would come straight back")
	d := next(t, cfg.DeadQueue)
	assert.Equal(t, reason, d.Headers["x-reason"])
	assert.Len(t, d.Body, 5<<20)
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), newEvent("one")))
	handled.waitFor(t, 1)
	counts(t, cfg.Queue, 0)
}

// No card number gets into the log or the reason.
func TestConsumeHidesCardNumber(t *testing.T) {
	const number, masked = "4012888888881881", "401288******1881"
	cfg := config(t)
	c := startConsumer(t, cfg, newTally().handle)
	ch := operator(t)
	require.NoError(t, ch.QueueUnbind(cfg.DeadQueue, "", cfg.DeadExchange, nil)) // so that it says more
	require.NoError(t, ch.Publish(cfg.Exchange, "fraud."+number, true, false, amqp.Publishing{
		MessageId: number, Body: []byte(`{"specversion":"` + number + `"}`),
	}))
	c.log.waitFor(t, "312 NO_ROUTE")
	require.NoError(t, ch.QueueBind(cfg.DeadQueue, "", cfg.DeadExchange, false, nil))

	d := next(t, cfg.DeadQueue)
	assert.Equal(t, `no CloudEvent: specversion must be "1.0", not "`+masked+`"`, d.Headers["x-reason"])
	assert.Equal(t, number, d.MessageId, "the message is as it came")
	c.log.waitFor(t, "Not an alert: put into the dead queue")
	assert.Zero(t, c.log.says(number))
	assert.NotZero(t, c.log.says(masked))
}

// What cannot be put into the dead queue stays in the queue.
func TestDeadQueueIsUnbound(t *testing.T) {
	cfg := config(t)
	c := startConsumer(t, cfg, newTally().handle)
	ch := operator(t)
	require.NoError(t, ch.QueueUnbind(cfg.DeadQueue, "", cfg.DeadExchange, nil))
	require.NoError(t, ch.Publish(cfg.Exchange, "fraud.x", true, false, amqp.Publishing{Body: []byte("hello")}))
	c.log.waitFor(t, "312 NO_ROUTE")

	require.NoError(t, ch.QueueBind(cfg.DeadQueue, "", cfg.DeadExchange, false, nil))
	assert.Equal(t, "hello", string(next(t, cfg.DeadQueue).Body))
}

func TestTwoConsumers(t *testing.T) {
	cfg := config(t)
	cfg.Prefetch = 1
	started, finish := make(chan string), make(chan struct{})
	hold := func(_ context.Context, e alert.Event) error {
		started <- e.ID
		<-finish
		return nil
	}
	startConsumer(t, cfg, hold)
	startConsumer(t, cfg, hold)
	p := startPublisher(t, cfg)
	first, second := newEvent("first"), newEvent("second")
	require.NoError(t, p.Publish(t.Context(), first))
	require.NoError(t, p.Publish(t.Context(), second))
	assert.ElementsMatch(t, []string{first.ID, second.ID}, []string{until(t, started), until(t, started)}, "each holds one")
	close(finish)
	counts(t, cfg.Queue, 0)
}

// Stopping finishes what is in progress and leaves the rest.
func TestConsumerStop(t *testing.T) {
	cfg := config(t)
	cfg.Prefetch = 2
	started, finish := make(chan context.Context), make(chan struct{})
	c := startConsumer(t, cfg, func(ctx context.Context, _ alert.Event) error {
		started <- ctx
		<-finish
		return ctx.Err()
	})
	p := startPublisher(t, cfg)
	for i := range 5 {
		require.NoError(t, p.Publish(t.Context(), newEvent(fmt.Sprint(i))))
	}
	first, second := until(t, started), until(t, started)

	c.cancel()
	counts(t, cfg.Queue, 3) // not the two in hand
	require.NoError(t, first.Err())
	require.NoError(t, second.Err())
	close(finish)
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 3)
	assert.Error(t, c.Ready())
}

// Stopping returns a failing alert at once.
func TestConsumerStopReturnsFailing(t *testing.T) {
	cfg := config(t)
	c := startConsumer(t, cfg, func(context.Context, alert.Event) error { return errBusy })
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), newEvent("one")))
	c.log.waitFor(t, "Alert not handled, trying again")
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 1)
}

// A handler that does not finish is cut off.
func TestConsumerDrainTimeout(t *testing.T) {
	cfg := config(t)
	cfg.DrainTimeout = time.Millisecond
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	c := startConsumer(t, cfg, func(ctx context.Context, _ alert.Event) error {
		started <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), newEvent("one")))
	until(t, started)
	require.ErrorContains(t, c.stop(), "handlers were still at work after 1ms")
	require.ErrorContains(t, until(t, ended), "handlers were still at work after 1ms")
	counts(t, cfg.Queue, 1)
}

func TestWrongConfigIsRefused(t *testing.T) {
	wrong := rabbitmq.Config{URL: "http://orders:secret@localhost/", Prefetch: -1}
	errs := []error{
		rabbitmq.NewConsumer(wrong, logger(t)).Consume(t.Context(), nil),
		rabbitmq.NewPublisher(wrong, logger(t)).Run(t.Context()),
	}
	for _, err := range errs {
		require.ErrorContains(t, err, "must be a URL such as amqp://user:password@localhost:5672/")
		require.ErrorContains(t, err, "prefetch is -1: must be from 1 to 65535")
		require.NotContains(t, err.Error(), "secret")
	}
}
