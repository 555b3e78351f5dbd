package rabbitmq

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
)

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
	return newDeadLetter(message, d.reading.DeliveryLimit)
}

func newDeadLetter(d amqp.Delivery, limit int) DeadLetter {
	letter := DeadLetter{
		ID: idOf(d), Time: diedAt(d), Reason: reasonOf(d.Headers, limit), Size: len(d.Body),
		Type: shown(d.Type, longestName), RoutingKey: shown(d.RoutingKey, longestName),
	}
	event, err := read(d.Body)
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
