package rabbitmq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
)

// DeadLetters looks through the dead queue for an operator. It loses nothing: a message leaves the queue only if it was
// dropped, or replayed and confirmed; all others are back, in their order, when a call returns. Each call opens its own
// connections. Calls may run at the same time; each then sees only what the others do not hold. A call that takes
// longer than the broker's consumer_timeout, by default 30m, fails.
type DeadLetters struct {
	// MaxHeld is how many messages a call can put back. It stops once it holds so many: the broker allows 2047 channels on a
	// connection, and each keeps the order of inOrder messages.
	MaxHeld int

	reading, publishing Config
}

// NewDeadLetters returns a DeadLetters that reads the dead queue as alertman's user, and publishes alerts as the worker's.
func NewDeadLetters(reading, publishing Config) *DeadLetters {
	reading, publishing = reading.withDefaults(), publishing.withDefaults()
	reading.ConnectionName, publishing.ConnectionName = "orders alertman dead", "orders alertman dead, replay"
	return &DeadLetters{MaxHeld: 2000 * inOrder, reading: reading, publishing: publishing}
}

// Look passes each letter to visit, the oldest first, and drops those for which visit returns drop, until visit returns
// enough. It returns how many there were when it began. Later ones are not visited, and none after MaxHeld that are not
// dropped. If ctx ends after visit returned enough, the order of the letters already read may change.
func (d *DeadLetters) Look(ctx context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (total int, err error) {
	return d.each(ctx, func(message amqp.Delivery) (drop, enough bool) { return visit(d.letter(message)) })
}

// Replay publishes the letters for which chosen returns true unchanged, each under its own id, and passes each to tell
// with the error that kept it in the dead queue. A letter leaves the dead queue only after its confirm. After a crash in
// between it is in both queues, and alertman recognizes it by its id. Replay gives up at the first letter that the broker
// does not take.
func (d *DeadLetters) Replay(ctx context.Context, chosen func(alert.DeadLetter) bool, report func(alert.DeadLetter, error)) error {
	if err := d.publishing.Validate(); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	to := newSender(d.publishing, slog.New(slog.DiscardHandler)) // the errors say everything
	sending, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { to.run(sending) })
	var failed error
	_, err := d.each(ctx, func(message amqp.Delivery) (drop, enough bool) {
		letter := d.letter(message)
		if !chosen(letter) {
			return false, false
		}
		err := to.send(sending, d.publishing.Exchange, message.RoutingKey, alive(message))
		report(letter, err)
		if err != nil {
			failed = fmt.Errorf("the broker did not take %s, and the rest was left where it is: %w", letter.ID, err)
		}
		return err == nil, err != nil
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	return nil
}

// The greatest lengths of a dead letter's texts, in characters.
const (
	longestReason = 1000
	longestName   = 100
)

func (d *DeadLetters) letter(message amqp.Delivery) alert.DeadLetter {
	letter := alert.DeadLetter{
		ID: idOf(message), Time: diedAt(message), Reason: reasonOf(message.Headers, d.reading.DeliveryLimit),
		Type: shown(message.Type, longestName), RoutingKey: shown(message.RoutingKey, longestName),
		Size: len(message.Body), Body: message.Body,
	}
	event, err := read(message.Body)
	if err != nil {
		letter.NoEvent = shown(err.Error(), longestReason)
		return letter
	}
	letter.Type, letter.OrderID = string(event.Type), shown(event.Data.OrderID, longestName)
	letter.Merchant = identity.MerchantOf(event.Data.Merchant)
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

// diedAt returns the zero time for one that JSON cannot say: a message may hold any.
func diedAt(d amqp.Delivery) time.Time {
	at, noted := death(d.Headers)["time"].(time.Time)
	if !noted {
		at = d.Timestamp
	}
	if !alert.IsSayable(at) {
		return time.Time{}
	}
	return at.UTC()
}

// reasonOf returns alertman's own reason, or the broker's. limit is how often the queue delivers again. The broker's own
// count, x-delivery-count, cannot be used: it also grows each time a message in the dead queue is read.
func reasonOf(headers amqp.Table, limit int) string {
	if reason, ours := headers[reasonHeader].(string); ours && reason != "" {
		return shown(reason, longestReason)
	}
	switch code, _ := death(headers)["reason"].(string); code {
	case "":
		return "none was noted"
	case "delivery_limit":
		return fmt.Sprintf("delivered again %d times without success (delivery_limit)", limit)
	default:
		return shown(code, longestName)
	}
}

// marks matches the headers that alertman and RabbitMQ, up to 4.x, add on the way to the dead queue.
var marks = regexp.MustCompile(`^(` + reasonHeader + `|x-death|x-(first|last)-death-.*|x-delivery-count|x-acquired-count)$`)

// alive returns the message without the marks of a dead letter. Like deadLetter, it leaves out the expiration and the
// user id.
func alive(d amqp.Delivery) amqp.Publishing {
	message := deadLetter(d, "replayed") // the reason is a mark too
	maps.DeleteFunc(message.Headers, func(name string, _ any) bool { return marks.MatchString(name) })
	return message
}

// each passes the messages that are in the dead queue when it begins to visit, in the queue's order, until visit returns
// enough, and returns how many there were. It removes those for which visit returns drop. If another call holds some, visit
// sees fewer.
func (d *DeadLetters) each(ctx context.Context, visit func(amqp.Delivery) (drop, enough bool)) (total int, err error) {
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
	l := &look{conn: conn, queue: d.reading.DeadQueue, maxHeld: d.MaxHeld}
	err = errors.Join(l.run(ctx, visit), l.end())
	return l.total, err
}

// look goes once through the dead queue, and holds what it does not drop until its end. It gets one message at a time,
// which takes RabbitMQ about 1ms. It goes to the end of the queue, or until it holds maxHeld or visit has seen enough, but in
// any case through the messages that were put back before, which RabbitMQ gives out first: it puts messages back behind those,
// so that a look at half of them would change their order.
type look struct {
	conn    *connection
	queue   string
	maxHeld int
	total   int // messages in the queue at the beginning
	windows []window
	dropped bool // any message
}

// window is a part of the queue that a look holds, on a channel of its own.
type window struct {
	channel *amqp.Channel
	held    int
}

// inOrder is how many messages a window holds: RabbitMQ 3.10 keeps the order of up to 32 messages that a channel
// returns. It joins the requests of a channel once 32 are under way (rabbit_fifo_client's soft limit), in no particular
// order, and returning a message that was got by itself is one request.
const inOrder = 32

func (l *look) run(ctx context.Context, visit func(amqp.Delivery) (drop, enough bool)) error {
	before, enough := true, false // whether the last message was put back before, and whether visit has seen enough
	for got, held := 0, 0; held < l.maxHeld && (got == 0 || got < l.total) && (before || !enough); got++ {
		switch {
		case ctx.Err() != nil && enough:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		message, ok, err := l.get()
		if err != nil || !ok {
			return err
		}
		if got == 0 {
			l.total = 1 + int(message.MessageCount)
		}
		drop := false
		if before = message.Redelivered; !enough {
			drop, enough = visit(message)
		}
		if !drop {
			l.windows[len(l.windows)-1].held++
			held++
			continue
		}
		l.dropped = true
		if err := message.Ack(false); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) get() (message amqp.Delivery, ok bool, err error) {
	err = l.conn.within(replyTimeout, func() error {
		if n := len(l.windows); n == 0 || l.windows[n-1].held == inOrder {
			channel, err := l.conn.Channel()
			if err != nil {
				return err
			}
			l.windows = append(l.windows, window{channel: channel})
		}
		message, ok, err = l.windows[len(l.windows)-1].channel.Get(l.queue, false)
		return err
	})
	return message, ok, err
}

// end puts back what the look holds, the oldest first. Without it the broker does so when the connection ends, but in no
// particular order. The broker answers the closing of a channel only after all earlier requests on it are done, so end
// fails if what was dropped may still be in the queue.
func (l *look) end() error {
	for _, w := range l.windows {
		err := l.conn.within(replyTimeout, func() error {
			const all, multiple, requeue = 0, true, true
			return errors.Join(w.channel.Nack(all, multiple, requeue), w.channel.Close())
		})
		if l.conn.IsClosed() { // Close returns nil if the library has noticed that first
			err = errors.Join(err, errors.New("the connection was lost"))
		}
		if err != nil && l.dropped {
			return fmt.Errorf("whether the broker has forgotten what was taken is not known: it may still be in the dead queue, too: %w", err)
		}
	}
	return nil
}
