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

	away  chan struct{} // something was set aside
	mu    sync.Mutex
	aside []amqp.Delivery // handled by nobody, to be handed back once no more events are taken
}

func (c *Consumer) newShift(ctx context.Context, handle alert.Handler) *shift {
	s := &shift{Consumer: c, handle: handle, places: semaphore.NewWeighted(int64(c.cfg.Prefetch)), away: make(chan struct{}, 1)}
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

// lookAgain is how often it is asked whether what takes events is there again.
const lookAgain = 2 * time.Second

// setAside keeps a delivery until no more are taken: handed back before that, it would come again at once, and each time
// counts towards the limit of its deliveries.
func (s *shift) setAside(d amqp.Delivery) {
	s.mu.Lock()
	s.aside = append(s.aside, d)
	s.mu.Unlock()
	select {
	case s.away <- struct{}{}:
	default: // it is known
	}
}

func (s *shift) handBackAside() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.aside {
		s.handBack(d)
	}
	s.aside = nil
}

// wait takes no events until what they are handed to is there again. So an outage costs an event one delivery, however long it
// takes, whatever the broker's consumer_timeout is. The connection stays.
func (s *shift) wait(ctx context.Context, from *subscription) error {
	defer s.handBackAside()
	why := s.downstream(ctx)
	if why == nil || ctx.Err() != nil {
		return nil
	}
	s.log.WarnContext(ctx, "No more alerts are taken until what takes them is there again", "queue", s.cfg.Queue, "error", why)
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

func (s *shift) downstream(ctx context.Context) error {
	if s.cfg.Downstream == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	return s.cfg.Downstream(ctx)
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
