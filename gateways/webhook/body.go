package webhook

import (
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/money"
)

// digestType is the Body's type for a digest. For an event it is the event's type.
const digestType alert.Type = "orders.alert.digest.v1"

// Body is what is posted. Programs read it, so a type's members may be added to, but never changed or removed.
type Body struct {
	Type      alert.Type `json:"type"`
	Timestamp time.Time  `json:"timestamp"` // of the event; for a digest, its end
	Data      Data       `json:"data"`
}

// Data is the notice.
type Data struct {
	AlertID  string `json:"alertID"` // its id in the API: GET /alerts/{alertID}
	Receiver string `json:"receiver"`
	Text     string `json:"text"` // for people; only this changes with the wording and the templates
	// Event is the event of the alert; for a digest, that of the alert that was sent before it.
	Event  alert.Event `json:"event"`
	Digest *Digest     `json:"digest,omitempty"`
	// Ask is set if the alert needs an acknowledgement.
	Ask *alert.Ask `json:"ask,omitempty"`
	// Unanswered are the earlier receivers that have not acknowledged it.
	Unanswered []string `json:"unanswered,omitempty"`
	// Holding is set if the receiver's throttle holds back later alerts.
	Holding *alert.Holding `json:"holding,omitempty"`
}

// Digest holds all alerts that followed the event.
type Digest struct {
	Number  int            `json:"number"` // of the group's digests, counted from 1
	Group   string         `json:"group"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until"`
	Count   int            `json:"count"`
	Sums    []money.Wire   `json:"sums"` // of the members, exactly, one in each currency
	Members []alert.Member `json:"members"`
}

// newBody returns the body of a message to an endpoint. to is the endpoint's receiver and its own name: "fraud-team/hook".
func newBody(to string, message alert.Message) Body {
	n := message.Notice
	receiver, _, _ := strings.Cut(to, "/")
	body := Body{Type: n.Event.Type, Timestamp: n.Event.Time, Data: Data{
		AlertID: n.ID, Receiver: receiver, Text: message.Text, Event: n.Event, Ask: n.Ask, Unanswered: n.Unanswered, Holding: n.Holding,
	}}
	if n.Digest != nil {
		body.Type, body.Timestamp, body.Data.Digest = digestType, n.Digest.Until, newDigest(*n.Digest)
	}
	return body
}

func newDigest(d alert.Digest) *Digest {
	sums := []money.Wire{}
	for _, sum := range d.Sums() {
		sums = append(sums, sum.Wire())
	}
	return &Digest{
		Number: d.Number, Group: d.Group, Since: d.Since, Until: d.Until,
		Count: len(d.Members), Sums: sums, Members: d.Members,
	}
}
