package rabbitmq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
)

// DeadLetters lists, shows, replays and purges the messages in the dead queue for an operator. It loses nothing: a
// message leaves the queue only if it was purged, or replayed and confirmed; all others are back when a call returns.
// Calls may run at the same time; each then sees fewer messages. A call that takes longer than the broker's
// consumer_timeout, by default 30m, fails.
type DeadLetters struct {
	reading, publishing Config
	log                 *slog.Logger
}

// NewDeadLetters returns a DeadLetters that reads the dead queue as alertman's user, and publishes alerts as the worker's.
// It does not connect yet: each call opens its own connections, and closes them.
func NewDeadLetters(reading, publishing Config, log *slog.Logger) *DeadLetters {
	reading, publishing = reading.withDefaults(), publishing.withDefaults()
	reading.ConnectionName, publishing.ConnectionName = "orders alertman dead", "orders alertman dead, replay"
	return &DeadLetters{reading: reading, publishing: publishing, log: log}
}

// List returns the oldest letters, up to most of them, and how many there are. It does not count letters that another
// call holds.
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

// ErrNoDeadLetter means that the dead queue has no letter with an id, or that another call holds it at present.
var ErrNoDeadLetter = errors.New("no such dead letter")

// Show returns the oldest letter with that id, and its body.
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

// Choice selects all letters, or all letters with these ids.
type Choice struct {
	IDs []string
	All bool
}

// Purge deletes letters for good, and passes each to tell as it goes. It returns ErrNoDeadLetter if it found no letter
// for an id; the others are purged nevertheless.
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

// chosen is a choice, and the record of which of its ids were found.
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

// missing returns an error for each id that was not found, unless the walk was cut short.
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

// DeadLetter is a message in the dead queue, made safe to show to people: its texts, except for Body, are short, contain
// no control characters, and have anything that could be a card number removed.
type DeadLetter struct {
	// ID is the message's own id. If it has none that a person could type, ID is "body-" and the start of its body's SHA-256.
	ID string `json:"id"`
	// Time is when it became a dead letter; if that is unknown, when it was sent; zero if both are unknown.
	Time time.Time `json:"time,omitzero"`
	// Reason is why it became a dead letter.
	Reason     string `json:"reason"`
	Type       string `json:"type,omitempty"`
	OrderID    string `json:"orderID,omitempty"` // if it is an event
	RoutingKey string `json:"routingKey,omitempty"`
	Size       int    `json:"size"` // of the body, in bytes
	// NoEvent is why alertman would put it straight back; empty if it is an event.
	NoEvent string `json:"noEvent,omitempty"`
	// Body is unchanged, whatever it contains. Only Show sets it.
	Body []byte `json:"-"`
}

// The greatest lengths of a dead letter's texts, in characters.
const (
	longestReason = 1000
	longestName   = 100
)

// letter returns the message as a DeadLetter, without its body.
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

// digestBytes is how many bytes of a hash are enough to distinguish the messages of a queue.
const digestBytes = 8

// idOf returns the id that people use for the message. A UUID is not a card number, though some have as many digits in a
// row.
func idOf(d amqp.Delivery) string {
	id := d.MessageId
	_, notUUID := uuid.Parse(id)
	if id != "" && !strings.ContainsFunc(id, unicode.IsSpace) && (notUUID == nil || shown(id, maxShortString) == id) {
		return id
	}
	sum := sha256.Sum256(d.Body)
	return "body-" + hex.EncodeToString(sum[:digestBytes])
}

// shown returns foreign text on one line, made safe to show, and cut to up to most characters.
func shown(text string, most int) string {
	return safetext.Cut(card.Redact(safetext.Line(text)), most, "…")
}

// death returns the broker's record of the last time that the message became a dead letter. The header's records are
// newest first: https://www.rabbitmq.com/docs/dlx#effects.
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

// reasonOf returns alertman's own reason, or the broker's in words. limit is how often the queue delivers again. The
// broker's own count, x-delivery-count, cannot be used: it also grows each time a message in the dead queue is read.
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

// Replay publishes letters again unchanged, each under its own id, and passes each to tell as it goes. A letter leaves
// the dead queue only after its confirm. After a crash in between it is in both queues, and alertman recognizes it by its
// id.
//
// A letter that is not an event would come straight back, and is replayed only if force is true. The error passed to tell
// is why a letter stayed in the dead queue. Replay fails if the broker accepts no letters. It returns ErrNoDeadLetter if
// it found no letter for an id; the others are replayed nevertheless.
func (d *DeadLetters) Replay(ctx context.Context, choice Choice, force bool, tell func(DeadLetter, error)) error {
	if err := d.publishing.Validate(); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	sending, stop := context.WithCancel(ctx)
	to, chosen := newSender(d.publishing, d.log), choice.open()
	var running sync.WaitGroup
	running.Go(func() { to.run(sending) })
	var failed error
	failures := 0 // in a row
	_, err := d.through(ctx, func(message amqp.Delivery) (take bool) {
		if failed != nil || !chosen.has(message) {
			return false
		}
		letter := d.letter(message)
		if letter.NoEvent != "" && !force {
			tell(letter, fmt.Errorf("it is not an event, and would come straight back: %s", letter.NoEvent))
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

// patienceWithBroker is how many letters may fail in a row before Replay gives up on the rest: each may take twice
// ConfirmTimeout to fail.
const patienceWithBroker = 3

// alive returns the message without the headers that mark a dead letter. Like deadLetter, it leaves out the expiration
// and the user id.
func alive(d amqp.Delivery) amqp.Publishing {
	message := deadLetter(d, "replayed") // the reason is a mark too, and is removed below
	maps.DeleteFunc(message.Headers, func(name string, _ any) bool { return marksDeath(name) })
	return message
}

// marksDeath reports whether alertman or RabbitMQ, up to 4.x, adds the header on the way to the dead queue.
func marksDeath(header string) bool {
	switch header {
	case reasonHeader, "x-death", "x-delivery-count", "x-acquired-count":
		return true
	}
	return strings.HasPrefix(header, "x-first-death-") || strings.HasPrefix(header, "x-last-death-")
}

// walk goes once through all messages that are ready in the dead queue when it begins, in the queue's order. Messages
// that are not taken go back when it ends, or when its connection does; until then no other walk sees them. It always
// goes to the end: RabbitMQ puts messages back behind those put back before, so that half a walk would change the
// queue's order.
//
// It consumes, because getting messages one by one becomes slower with each that is held (for 20,000 messages RabbitMQ
// 3.10 took 18s, and 0.4s when they were consumed). A consumer that holds a full window gets no more, so another one
// continues from there: no more than a window is on its way or in memory.
type walk struct {
	conn    *connection
	queue   string
	total   int // messages that were ready at the beginning
	windows []*deadWindow
	taken   int
}

// through passes each message to visit, and returns how many there were. It removes from the queue those for which visit
// returns true. If another walk holds some of them, visit sees fewer.
func (d *DeadLetters) through(ctx context.Context, visit func(amqp.Delivery) (take bool)) (total int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read queue %s: %w", d.reading.DeadQueue, err)
		}
	}()
	if err := d.reading.Validate(); err != nil {
		return 0, err
	}
	conn, err := dial(ctx, d.reading)
	if err != nil {
		return 0, err
	}
	defer conn.close()
	if d.reading.Declare {
		if err := conn.declare(d.reading.topology()); err != nil {
			return 0, err
		}
	}
	w := &walk{conn: conn, queue: d.reading.DeadQueue}
	if w.total, err = conn.ready(w.queue); err != nil {
		return 0, err
	}
	return w.total, errors.Join(w.run(ctx, visit), w.end())
}

// ready returns how many messages of a queue no consumer holds.
func (c *connection) ready(queue string) (messages int, err error) {
	err = c.within(replyTimeout, func() error {
		channel, err := c.Channel()
		if err != nil {
			return err
		}
		const durable, autoDelete, exclusive, noWait = true, false, false, false
		q, err := channel.QueueDeclarePassive(queue, durable, autoDelete, exclusive, noWait, nil)
		if err != nil {
			return err
		}
		messages = q.Messages
		return channel.Close()
	})
	return messages, err
}

func (w *walk) run(ctx context.Context, visit func(amqp.Delivery) (take bool)) error {
	for range w.total {
		message, err := w.next(ctx)
		if errors.Is(err, errSilence) { // another walk holds the rest
			return nil
		}
		if err != nil {
			return err
		}
		if !visit(message) {
			w.last().hold(message)
			continue
		}
		if err := message.Ack(false); err != nil {
			return fmt.Errorf("%w: %w", errStillThere, err)
		}
		w.taken++
	}
	return nil
}

func (w *walk) last() *deadWindow {
	return w.windows[len(w.windows)-1]
}

var errSilence = errors.New("nothing more came")

func (w *walk) next(ctx context.Context) (amqp.Delivery, error) {
	if ctx.Err() != nil {
		return amqp.Delivery{}, context.Cause(ctx)
	}
	if len(w.windows) == 0 || len(w.last().held) == window {
		if err := w.open(); err != nil {
			return amqp.Delivery{}, err
		}
	}
	if err := w.conn.lost(); err != nil { // messages that arrived before the loss are back in the queue
		return amqp.Delivery{}, err
	}
	silence := time.NewTimer(replyTimeout)
	defer silence.Stop()
	select {
	case message, open := <-w.last().deliveries:
		if !open {
			return message, w.last().ended()
		}
		return message, nil
	case <-silence.C:
		return amqp.Delivery{}, errSilence
	case <-ctx.Done():
		return amqp.Delivery{}, context.Cause(ctx)
	}
}

// open starts a new window, which continues where the last one is full.
func (w *walk) open() error {
	opened := &deadWindow{subscription: subscription{conn: w.conn}}
	w.windows = append(w.windows, opened)
	return w.conn.within(replyTimeout, func() (err error) {
		if opened.channel, err = w.conn.Channel(); err != nil {
			return err
		}
		opened.closed = opened.channel.NotifyClose(make(chan *amqp.Error, 1))
		if err = opened.channel.Qos(window, 0, false); err != nil {
			return err
		}
		const autoAck, exclusive, noLocal, noWait = false, false, false, false
		opened.deliveries, err = opened.channel.Consume(w.queue, consumerTag, autoAck, exclusive, noLocal, noWait, nil)
		return err
	})
}

// errStillThere means that messages that were taken may still be in the queue.
var errStillThere = errors.New("whether the broker has forgotten what was taken is not known: it may still be in the dead queue, too")

// end puts back the messages that were not taken, the oldest first. Without it the broker does so when the connection
// ends, but in no particular order. The last window may have room, so it is stopped first, and gets none of them.
func (w *walk) end() error {
	if len(w.windows) > 0 {
		w.last().stop()
	}
	for _, opened := range w.windows {
		if err := opened.close(); err != nil && w.taken > 0 {
			return fmt.Errorf("%w: %w", errStillThere, err)
		}
	}
	return nil
}

// RabbitMQ 3.10 keeps the order of returned messages only under two limits. At most 32 may be returned at once, because
// it keeps them in an Erlang map, which is ordered up to 32 keys. And at most 32 of a channel's requests may be under
// way, because it joins later ones (rabbit_fifo_client's soft limit). So each window has its own channel, and holds
// fewer than 32 times 32 messages.
const (
	inOrder = 32
	window  = 500
)

// deadWindow is a part of the dead queue that a walk holds, through a consumer on a channel of its own.
type deadWindow struct {
	subscription

	held []uint64 // delivery tags of the messages to put back
}

func (w *deadWindow) hold(message amqp.Delivery) {
	w.held = append(w.held, message.DeliveryTag)
}

// stop makes the broker deliver no more, and holds what it had already sent.
func (w *deadWindow) stop() {
	if w.deliveries == nil {
		return
	}
	w.cancel()
	for message := range w.deliveries { // not yet visited
		w.hold(message)
	}
	w.deliveries = nil
}

// close puts the held messages back. The broker answers it only after all earlier requests on the channel are done.
func (w *deadWindow) close() error {
	w.stop()
	if w.channel == nil {
		return nil
	}
	return w.conn.within(replyTimeout, func() error {
		const multiple, requeue = true, true
		for some := range slices.Chunk(w.held, inOrder) {
			if err := w.channel.Nack(some[len(some)-1], multiple, requeue); err != nil {
				return err
			}
		}
		return w.channel.Close()
	})
}
