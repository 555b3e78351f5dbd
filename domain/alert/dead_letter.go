package alert

import "time"

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
