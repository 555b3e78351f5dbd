package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"
)

// DeadLetters is the dead queue as an operator looks after it. Nothing is lost by it: a message leaves the queue only
// where it was purged, or replayed and confirmed; all others are back when a call returns. Several may look at once, and
// then each sees fewer. A look that takes longer than the broker's consumer_timeout, by default 30m, fails.
type DeadLetters struct {
	reading, publishing Config
	log                 *slog.Logger
}

// NewDeadLetters takes a user who may read the dead queue, alertman's, and one who may publish alerts, the worker's.
// It connects nowhere yet: each call does, and closes its connections.
func NewDeadLetters(reading, publishing Config, log *slog.Logger) *DeadLetters {
	reading, publishing = reading.withDefaults(), publishing.withDefaults()
	reading.ConnectionName, publishing.ConnectionName = "orders alertman dead", "orders alertman dead, replay"
	return &DeadLetters{reading: reading, publishing: publishing, log: log}
}

// List is the oldest letters, as many as most, and how many there are. Those that another look holds are not counted.
func (d *DeadLetters) List(ctx context.Context, most int) (letters []DeadLetter, total int, err error) {
	if most < 1 {
		return nil, 0, fmt.Errorf("list dead letters: at least 1 must be asked for, not %d", most)
	}
	total, err = d.through(ctx, func(message amqp.Delivery) (take bool) {
		if len(letters) < most {
			letters = append(letters, d.letter(message))
		}
		return false
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, total, nil
}

// ErrNoDeadLetter means that the dead queue holds no letter of an id, or that another look holds it just now.
var ErrNoDeadLetter = errors.New("no such dead letter")

// Show is the oldest letter of that id, with its body.
func (d *DeadLetters) Show(ctx context.Context, id string) (DeadLetter, error) {
	var found *DeadLetter
	_, err := d.through(ctx, func(message amqp.Delivery) (take bool) {
		if found == nil && idOf(message) == id {
			letter := d.letter(message)
			letter.Body = message.Body
			found = &letter
		}
		return false
	})
	if err != nil {
		return DeadLetter{}, fmt.Errorf("show dead letter %s: %w", id, err)
	}
	if found == nil {
		return DeadLetter{}, fmt.Errorf("show dead letter %s: %w in queue %s", id, ErrNoDeadLetter, d.reading.DeadQueue)
	}
	return *found, nil
}

// Choice is which letters: all that there are, or all of these ids.
type Choice struct {
	All bool
	IDs []string
}

// Purge has the broker forget letters for good, and tells each as it goes. Its error is ErrNoDeadLetter where it found
// none of an id; the others are purged then.
func (d *DeadLetters) Purge(ctx context.Context, choice Choice, tell func(DeadLetter)) error {
	chosen := choice.open()
	_, err := d.through(ctx, func(message amqp.Delivery) (take bool) {
		if take = chosen.has(message); take {
			tell(d.letter(message))
		}
		return take
	})
	if err := errors.Join(err, chosen.missing(err)); err != nil {
		return fmt.Errorf("purge dead letters: %w", err)
	}
	return nil
}

// chosen is a choice, and which of its ids were met.
type chosen struct {
	Choice

	met map[string]bool
}

func (c Choice) open() *chosen {
	met := map[string]bool{}
	for _, id := range c.IDs {
		met[id] = false
	}
	return &chosen{Choice: c, met: met}
}

func (c *chosen) has(message amqp.Delivery) bool {
	if c.All {
		return true
	}
	id := idOf(message)
	if _, wanted := c.met[id]; !wanted {
		return false
	}
	c.met[id] = true
	return true
}

// missing is an error for each id that was not met in a look that saw everything.
func (c *chosen) missing(cutShort error) error {
	if cutShort != nil {
		return nil
	}
	var missing []error
	for _, id := range c.IDs {
		if !c.met[id] {
			missing = append(missing, fmt.Errorf("%s: %w, or another look holds it just now", id, ErrNoDeadLetter))
			c.met[id] = true // named once
		}
	}
	return errors.Join(missing...)
}
