package rabbitmq

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/semaphore"

	"dummyorders/domain/alert"
)

// cutOffGrace is how long handlers have to return after their ctx has ended.
const cutOffGrace = 5 * time.Second

// shift is one call of Consume, over all its epochs. Handlers of a lost epoch go on, and count among the handlers at
// once, while the next epoch is at work.
type shift struct {
	*Consumer

	handle   alert.Handler
	handling context.Context // the handlers': it outlives Consume's
	cutOff   context.CancelCauseFunc
	places   *semaphore.Weighted // Prefetch of them
	drain    func() error        // waits for all handlers, once
}

func (c *Consumer) newShift(ctx context.Context, handle alert.Handler) *shift {
	s := &shift{Consumer: c, handle: handle, places: semaphore.NewWeighted(int64(c.cfg.Prefetch))}
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

// idle says whether all handlers have returned within the span.
func (s *shift) idle(within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if s.places.Acquire(ctx, int64(s.cfg.Prefetch)) != nil {
		return false
	}
	s.places.Release(int64(s.cfg.Prefetch))
	return true
}

// serve hands out deliveries until there are no more, or ctx ends.
func (s *shift) serve(ctx context.Context, from *subscription) error {
	for {
		select {
		case <-ctx.Done():
			return s.leave(from)
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

// leave finishes what is in hand while the connection is still there to acknowledge it on.
func (s *shift) leave(from *subscription) error {
	if err := from.conn.lost(); err != nil {
		return err
	}
	from.cancel()
	for d := range from.deliveries {
		s.handBack(d)
	}
	return s.drain()
}

// handBack is no failed delivery, and RabbitMQ 4.3 and later do not count it as one.
func (s *shift) handBack(d amqp.Delivery) {
	const multiple, requeue = false, true
	_ = d.Nack(multiple, requeue) // on a lost connection the broker does the same by itself
}
