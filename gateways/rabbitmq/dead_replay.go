package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Replay publishes letters again as they came, each under its own id, and tells each as it goes. A letter leaves the dead
// queue only after its confirm: where a crash comes in between it is in both, and alertman knows it by its id.
//
// What is no event would come straight back, and is replayed only by force. tell's error is why a letter stayed in the
// dead queue. Replay fails where the broker takes no letters, and with ErrNoDeadLetter where it found none of an id; the
// others are replayed then.
func (d *DeadLetters) Replay(ctx context.Context, choice Choice, force bool, tell func(DeadLetter, error)) error {
	if err := d.publishing.Validate(); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	sending, stop := context.WithCancel(ctx)
	r := &replay{DeadLetters: d, ctx: sending, to: newSender(d.publishing, d.log), chosen: choice.open(), force: force, tell: tell}
	var running sync.WaitGroup
	running.Go(func() { r.to.run(sending) })
	_, err := d.through(ctx, r.visit)
	stop()
	running.Wait()
	err = errors.Join(err, r.failed)
	if err := errors.Join(err, r.chosen.missing(err)); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	return nil
}

// replay is one call of Replay.
type replay struct {
	*DeadLetters

	ctx    context.Context //nolint:containedctx // of the one call
	to     sender
	chosen *chosen
	force  bool
	tell   func(DeadLetter, error)

	failures int // one after the other
	failed   error
}

// patienceWithBroker is how many letters may fail one after the other before the rest is left alone: each may take
// twice ConfirmTimeout to fail.
const patienceWithBroker = 3

func (r *replay) visit(message amqp.Delivery) (take bool) {
	if r.failed != nil || !r.chosen.has(message) {
		return false
	}
	letter := r.letter(message)
	if letter.NoEvent != "" && !r.force {
		r.tell(letter, fmt.Errorf("it is no event, and would come straight back: %s", letter.NoEvent))
		return false
	}
	err := r.to.send(r.ctx, r.publishing.Exchange, message.RoutingKey, alive(message))
	r.tell(letter, err)
	if err == nil {
		r.failures = 0
		return true
	}
	if r.failures++; r.failures == patienceWithBroker {
		r.failed = fmt.Errorf("%d letters failed one after the other, and the rest was left where it is; the last: %w", r.failures, err)
	}
	return false
}

// alive is the message without the marks of its death. Like a dead letter it goes without its expiration and user id.
func alive(d amqp.Delivery) amqp.Publishing {
	message := deadLetter(d, "replayed") // a mark, too
	maps.DeleteFunc(message.Headers, func(name string, _ any) bool { return marksDeath(name) })
	return message
}

// marksDeath says whether alertman or RabbitMQ, up to 4.x, has added the header on the way to the dead queue.
func marksDeath(header string) bool {
	switch header {
	case reasonHeader, "x-death", "x-delivery-count", "x-acquired-count":
		return true
	}
	return strings.HasPrefix(header, "x-first-death-") || strings.HasPrefix(header, "x-last-death-")
}
