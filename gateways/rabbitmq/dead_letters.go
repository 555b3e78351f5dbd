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

// walk goes once through all messages that are ready in the dead queue when it begins, in the queue's order. Whatever is
// not taken goes back at its end, or with its connection; until then no other walk sees it. It always goes to the end:
// RabbitMQ puts back behind what was put back before, so that half a walk would turn the queue around.
//
// It consumes: getting message by message grows slower with each that is held (RabbitMQ 3.10 took 18s for 20,000, and
// 0.4s to have them consumed). A consumer that holds a window full gets no more, so another one goes on from there: no
// more than a window is on its way or in memory.
type walk struct {
	conn    *connection
	queue   string
	total   int // messages that were ready at the beginning
	windows []*deadWindow
	taken   int
}

// through hands each message to visit, and returns how many there were. Those that visit answers with true the broker
// forgets. Where another walk has got some of them, visit sees fewer.
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

// ready is how many messages of a queue nobody holds.
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
	if err := w.conn.lost(); err != nil { // what had come before it is back in the queue
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

// open consumes from where the last window is full.
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

// errStillThere means that what was taken may be in the queue all the same.
var errStillThere = errors.New("whether the broker has forgotten what was taken is not known: it may still be in the dead queue, too")

// end puts back what was not taken, the oldest first. Without it the broker does so when the connection ends, but in no
// order. The last window, which may have room, must get nothing of that.
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

// RabbitMQ 3.10 takes messages back in their order only so many at once, since it keeps them in an Erlang map, which has
// an order up to 32 keys; and only while no more than 32 of a channel's requests are under way, since it joins those that
// come after them (rabbit_fifo_client's soft limit). Hence a channel for each window, and windows of fewer than 32 times
// 32.
const (
	inOrder = 32
	window  = 500
)

// deadWindow is a part of the dead queue that a walk has in its hands, by a consumer on a channel of its own.
type deadWindow struct {
	subscription

	held []uint64 // by their delivery tags, to go back
}

func (w *deadWindow) hold(message amqp.Delivery) {
	w.held = append(w.held, message.DeliveryTag)
}

// stop has the broker deliver no more.
func (w *deadWindow) stop() {
	if w.deliveries == nil {
		return
	}
	w.cancel()
	for message := range w.deliveries { // what no visit has seen
		w.hold(message)
	}
	w.deliveries = nil
}

// close puts back what is held. The broker answers it after it has done all that was asked on the channel before.
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
