package rabbitmq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
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
	IDs []string
	All bool
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

// DeadLetter is a message in the dead queue, as it is shown to people: but for Body, its texts are short, hold no control
// characters, and have what could be a card number struck out.
type DeadLetter struct {
	// ID is the message's own, or where it has none that could be typed, "body-" and the beginning of its body's SHA-256.
	ID string `json:"id"`
	// Time is when it became a dead letter, or where nobody has noted that, when it was sent; zero, where neither.
	Time time.Time `json:"time,omitzero"`
	// Reason is why it is one.
	Reason     string `json:"reason"`
	Type       string `json:"type,omitempty"`
	OrderID    string `json:"orderID,omitempty"` // where it is an event
	RoutingKey string `json:"routingKey,omitempty"`
	Size       int    `json:"size"` // of the body, in bytes
	// NoEvent is why alertman would put it straight back; empty, it is an event.
	NoEvent string `json:"noEvent,omitempty"`
	// Body is as it came, whatever it holds. Only Show reads it.
	Body []byte `json:"-"`
}

// What a dead letter's texts may hold at most, in characters.
const (
	longestReason = 1000
	longestName   = 100
)

// letter is the message as a dead letter, without its body.
func (d *DeadLetters) letter(message amqp.Delivery) DeadLetter {
	letter := DeadLetter{
		ID: idOf(message), Time: diedAt(message), Reason: reasonOf(message.Headers, d.reading.DeliveryLimit),
		Type: shown(message.Type, longestName), RoutingKey: shown(message.RoutingKey, longestName), Size: len(message.Body),
	}
	event, err := read(message.Body)
	if err != nil {
		letter.NoEvent = shown(err.Error(), longestReason)
		return letter
	}
	letter.Type, letter.OrderID = string(event.Type), shown(event.Data.OrderID, longestName)
	return letter
}

// digestBytes are enough of a hash to tell the messages of a queue apart.
const digestBytes = 8

// idOf is what people call the message by. UUIDs are no card numbers, though some have as many digits in a row.
func idOf(d amqp.Delivery) string {
	id := d.MessageId
	_, notUUID := uuid.Parse(id)
	if id != "" && !strings.ContainsFunc(id, unicode.IsSpace) && (notUUID == nil || shown(id, maxShortString) == id) {
		return id
	}
	sum := sha256.Sum256(d.Body)
	return "body-" + hex.EncodeToString(sum[:digestBytes])
}

// shown is foreign text as it may be shown, on one line.
func shown(text string, most int) string {
	return safetext.Cut(card.Redact(safetext.Line(text)), most, "…")
}

// death is what the broker has noted about the last time that the message became a dead letter, newest first:
// https://www.rabbitmq.com/docs/dlx#effects.
func death(headers amqp.Table) amqp.Table {
	deaths, _ := headers["x-death"].([]any)
	if len(deaths) == 0 {
		return nil
	}
	last, _ := deaths[0].(amqp.Table)
	return last
}

func diedAt(d amqp.Delivery) time.Time {
	if at, noted := death(d.Headers)["time"].(time.Time); noted {
		return at.UTC()
	}
	return d.Timestamp.UTC()
}

// reasonOf is alertman's own reason, or the broker's in words. limit is how often the queue delivers again: the broker's
// own count, x-delivery-count, goes on in the dead queue with each look.
func reasonOf(headers amqp.Table, limit int) string {
	if reason, ours := headers[reasonHeader].(string); ours && reason != "" {
		return shown(reason, longestReason)
	}
	code, _ := death(headers)["reason"].(string)
	if code == "" {
		code, _ = headers["x-first-death-reason"].(string)
	}
	switch code {
	case "":
		return "none was noted"
	case "delivery_limit":
		return fmt.Sprintf("delivered again %d times without success (delivery_limit)", limit)
	case "rejected":
		return "refused by a consumer (rejected)"
	case "expired":
		return "nobody took it in its time (expired)"
	case "maxlen":
		return "its queue was full (maxlen)"
	default:
		return shown(code, longestName)
	}
}

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
	to, chosen := newSender(d.publishing, d.log), choice.open()
	var running sync.WaitGroup
	running.Go(func() { to.run(sending) })
	var failed error
	failures := 0 // one after the other
	_, err := d.through(ctx, func(message amqp.Delivery) (take bool) {
		if failed != nil || !chosen.has(message) {
			return false
		}
		letter := d.letter(message)
		if letter.NoEvent != "" && !force {
			tell(letter, fmt.Errorf("it is no event, and would come straight back: %s", letter.NoEvent))
			return false
		}
		err := to.send(sending, d.publishing.Exchange, message.RoutingKey, alive(message))
		tell(letter, err)
		if err == nil {
			failures = 0
			return true
		}
		if failures++; failures == patienceWithBroker {
			failed = fmt.Errorf("%d letters failed one after the other, and the rest was left where it is; the last: %w", failures, err)
		}
		return false
	})
	stop()
	running.Wait()
	err = errors.Join(err, failed)
	if err := errors.Join(err, chosen.missing(err)); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	return nil
}

// patienceWithBroker is how many letters may fail one after the other before the rest is left alone: each may take
// twice ConfirmTimeout to fail.
const patienceWithBroker = 3

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
