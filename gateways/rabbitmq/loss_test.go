package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
)

// Publish fails while the broker is away and works afterwards.
func TestPublishBrokerAway(t *testing.T) {
	cfg := config(t)
	cfg.ConfirmTimeout = time.Second
	p := startPublisher(t, cfg)
	eventually(t, func() error { return p.Publish(t.Context(), newEvent("before")) })

	theBroker(t).Kill()
	event := newEvent("while away")
	require.ErrorContains(t, p.Publish(t.Context(), event), event.ID)
	eventually(t, func() error { return mustFail(p.Ready(), "not connected to RabbitMQ") })

	theBroker(t).start(t)
	eventually(t, func() error { return p.Publish(t.Context(), event) })
}

// No alert is lost when the broker is killed.
func TestBrokerIsKilled(t *testing.T) {
	const all, publishers = 1000, 20
	cfg := config(t)
	handled := newTally()
	c := startConsumer(t, cfg, handled.handle)
	p := startPublisher(t, cfg)

	events := make(chan alert.Event)
	var work sync.WaitGroup
	for range publishers {
		work.Go(func() {
			for event := range events {
				publish(t.Context(), p, event)
			}
		})
	}
	for i := range all {
		if i == all/2 {
			theBroker(t).Kill()
			theBroker(t).start(t)
		}
		events <- newEvent(fmt.Sprint(i))
	}
	close(events)
	work.Wait()
	handled.waitFor(t, all)
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 0)
	counts(t, cfg.DeadQueue, 0)
}

// publish tries again as the workflow does.
func publish(ctx context.Context, p *rabbitmq.Publisher, event alert.Event) {
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, p.Publish(ctx, event) })
}

// A blocked broker fails each publish at once with its reason.
func TestPublishBrokerBlocked(t *testing.T) {
	cfg := config(t)
	cfg.ConfirmTimeout = time.Hour
	p := startPublisher(t, cfg)
	require.NoError(t, p.Publish(t.Context(), newEvent("before")))

	theBroker(t).ctl(t, "set_vm_memory_high_watermark", "absolute", "1")
	t.Cleanup(func() { theBroker(t).ctl(t, "set_vm_memory_high_watermark", "0.4") })
	blocked := newEvent("blocked")
	eventually(t, func() error { // once the broker has looked at its memory, and seen another message
		return mustFail(p.Publish(t.Context(), blocked), "publish alert "+blocked.ID+": the broker takes no messages at present: low on memory")
	})
	require.ErrorContains(t, p.Ready(), "low on memory")
	for range 50 { // more than there are channels
		require.ErrorContains(t, p.Publish(t.Context(), blocked), "low on memory")
	}

	theBroker(t).ctl(t, "set_vm_memory_high_watermark", "0.4")
	eventually(t, p.Ready)
	require.NoError(t, p.Publish(t.Context(), newEvent("after")))
}

// A consumer reconnects and every alert is handled.
func TestConsumerReconnects(t *testing.T) {
	const all = 50
	cfg := config(t)
	handled := newTally()
	startConsumer(t, cfg, handled.handle)
	p := startPublisher(t, cfg)
	for i := range all {
		if i%20 == 10 {
			theBroker(t).ctl(t, "close_all_connections", "a test")
		}
		eventually(t, func() error { return p.Publish(t.Context(), newEvent(fmt.Sprint(i))) })
	}
	handled.waitFor(t, all)
	counts(t, cfg.Queue, 0)
}

// A handler that outlives its connection acknowledges nothing. Both deliveries of the event have tag 1, each on its own
// channel. If the first handler's acknowledgement were sent on the second channel, it would remove the event while the
// second handler works on it; if that failed, the event would be lost.
func TestHandlerOutlivesConnection(t *testing.T) {
	cfg := config(t)
	started, finish := make(chan int), []chan error{make(chan error), make(chan error)}
	var calls atomic.Int64
	c := startConsumer(t, cfg, func(context.Context, alert.Event) error {
		call := int(calls.Add(1)) - 1
		started <- call
		return <-finish[call]
	})
	require.NoError(t, startPublisher(t, cfg).Publish(t.Context(), newEvent("one")))
	require.Equal(t, 0, until(t, started))

	theBroker(t).ctl(t, "close_all_connections", "a test")
	require.Equal(t, 1, until(t, started), "delivered again while the first handler is still at it")
	finish[0] <- nil
	c.log.waitFor(t, "Alert handled but not acknowledged")

	c.cancel()
	finish[1] <- errBusy
	require.NoError(t, c.stop())
	counts(t, cfg.Queue, 1)
}

// A deleted queue is made again and consumed.
func TestQueueIsDeleted(t *testing.T) {
	cfg := config(t)
	handled := newTally()
	c := startConsumer(t, cfg, handled.handle)
	p := startPublisher(t, cfg)
	require.NoError(t, p.Publish(t.Context(), newEvent("before")))
	handled.waitFor(t, 1)

	_, err := operator(t).QueueDelete(cfg.Queue, false, false, false)
	require.NoError(t, err)
	eventually(t, func() error { return p.Publish(t.Context(), newEvent("after")) })
	handled.waitFor(t, 2)
	eventually(t, c.Ready)
}

// A consumer without its queue retries until the queue is there.
func TestQueueIsMissing(t *testing.T) {
	cfg := config(t)
	p := startPublisher(t, cfg)
	cfg.Declare = false
	handled := newTally()
	c := startConsumer(t, cfg, handled.handle)

	_, err := operator(t).QueueDelete(cfg.Queue, false, false, false)
	require.NoError(t, err)
	eventually(t, func() error { return mustFail(c.Ready(), "NOT_FOUND - no queue") })
	cfg.Declare = true
	startPublisher(t, cfg)
	eventually(t, c.Ready)
	require.NoError(t, p.Publish(t.Context(), newEvent("one")))
	handled.waitFor(t, 1)
}

func TestPublishNotConfirmed(t *testing.T) {
	between := newProxy(t)
	cfg := config(t)
	cfg.URL, cfg.ConfirmTimeout = between.url("operator"), time.Second
	p := startPublisher(t, cfg)
	require.NoError(t, p.Publish(t.Context(), newEvent("before")))

	between.freeze(t)
	event := newEvent("one")
	require.ErrorContains(t, p.Publish(t.Context(), event), "publish alert "+event.ID+": no confirm within 1s")

	between.thaw(t)
	eventually(t, func() error { return p.Publish(t.Context(), event) })
}

// overtaken is a consumer of two handlers at once, both still at work for a lost connection while the new one has
// brought two more events.
type overtaken struct {
	*consuming

	cfg     rabbitmq.Config
	finish  chan struct{} // to be closed
	handled *tally
	now     atomic.Int64
	most    atomic.Int64 // at once
}

func overtake(t *testing.T, all int) *overtaken {
	t.Helper()
	o := &overtaken{cfg: config(t), finish: make(chan struct{}), handled: newTally()}
	o.cfg.Prefetch = 2
	o.consuming = startConsumer(t, o.cfg, o.handle)
	p := startPublisher(t, o.cfg)
	for i := range all {
		require.NoError(t, p.Publish(t.Context(), newEvent(fmt.Sprint(i))))
	}
	eventually(t, func() error {
		if o.now.Load() != 2 {
			return errors.New("not both at work yet")
		}
		return nil
	})
	theBroker(t).ctl(t, "close_all_connections", "a test")
	eventually(t, func() error {
		if n := o.log.says("Connected to RabbitMQ"); n != 4 { // for events and for dead letters, and again
			return fmt.Errorf("connected %d times", n)
		}
		return nil
	})
	counts(t, o.cfg.Queue, all-2)
	return o
}

func (o *overtaken) handle(ctx context.Context, e alert.Event) error {
	at := o.now.Add(1)
	defer o.now.Add(-1)
	for before := o.most.Load(); at > before && !o.most.CompareAndSwap(before, at); {
		before = o.most.Load()
	}
	<-o.finish
	return o.handled.handle(ctx, e)
}

// The handlers of a lost connection count towards the limit of handlers at once.
func TestHandlersOfLostConnection(t *testing.T) {
	o := overtake(t, 20)
	close(o.finish)
	o.handled.waitFor(t, 20)
	counts(t, o.cfg.Queue, 0)
	require.EqualValues(t, 2, o.most.Load())
}

// Stopping returns what no handler has seen.
func TestConsumerStopReturnsUnhandled(t *testing.T) {
	o := overtake(t, 5)
	o.cancel()
	counts(t, o.cfg.Queue, 5) // before those in hand, which will be handled in vain, are finished
	close(o.finish)
	require.NoError(t, o.stop())
	counts(t, o.cfg.Queue, 5)
}
