package alert

import (
	"context"
	"errors"
)

// Publisher hands events to the broker.
type Publisher interface {
	// Publish returns nil only once the broker has confirmed that the event is in a queue. After any error the event
	// may or may not have arrived: publish it again, under the same ID, unless the error is ErrUnpublishable. The error says
	// which event it is about.
	Publish(ctx context.Context, event Event) error
}

// ErrUnpublishable means that the event has no valid form, so that no retry can publish it.
var ErrUnpublishable = errors.New("no retry can publish it")

// Handler takes charge of an event. When it returns nil the event is somebody's durable duty, and the broker may
// forget it; when it returns an error the broker keeps it. ErrAway means that no event can be taken now.
type Handler func(ctx context.Context, event Event) error

// ErrAway is that what would take charge of events cannot be reached.
var ErrAway = errors.New("no events can be taken now")

// Consumer takes events off the broker.
type Consumer interface {
	// Consume hands each event to handle, several at a time, until ctx ends; then it finishes those in hand and
	// returns. It outlives every loss of the broker. What is no event is put aside with the reason, never handed on.
	Consume(ctx context.Context, handle Handler) error
}
