package alert

import (
	"bytes"
	"encoding/json"
	"time"

	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
)

// DeadLetter is a message in the dead queue, made safe to show to people: its texts, except for Body, are short, contain
// no control characters, and have anything that could be a card number removed.
type DeadLetter struct {
	ID         string    `json:"id" doc:"The message's own id. If it has none that a person could type: body- and the start of its body's SHA-256"`
	Time       time.Time `json:"time,omitzero" required:"false" doc:"When it became a dead letter; if that is unknown, when it was sent; absent if both are unknown"`
	Reason     string    `json:"reason" doc:"Why it became a dead letter"`
	Type       string    `json:"type,omitempty" doc:"The type of its event, or what the message says"`
	Merchant   string    `json:"merchant,omitempty" doc:"Whose transaction it is about, if it is an event"`
	OrderID    string    `json:"orderID,omitempty" doc:"The id of the order, if it is an event about one"`
	RoutingKey string    `json:"routingKey,omitempty"`
	Size       int       `json:"size" doc:"Of the body, in bytes"`
	NoEvent    string    `json:"noEvent,omitempty" doc:"Why alertman would put it straight back; absent if it is an event"`
	Body       []byte    `json:"-"` // unchanged, whatever it contains
}

// Text returns the body as people may see it: without card numbers or control sequences, and with JSON indented.
func (l DeadLetter) Text() string {
	body := l.Body
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return card.Redact(safetext.Block(string(body)))
}
