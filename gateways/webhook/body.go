package webhook

import (
	"encoding/json"
	"strings"
	"time"

	"dummyorders/domain/alert"
)

// DigestType is the Body's type where it tells a digest. The type of one that tells an event is the event's.
const DigestType alert.Type = "orders.alert.digest.v1"

// Body is what is posted. Programs read it: members are only ever added to those of a type.
type Body struct {
	Type      alert.Type `json:"type"`
	Timestamp time.Time  `json:"timestamp"` // when it came about; of a digest, its end
	Data      Data       `json:"data"`
}

// Data is the notice.
type Data struct {
	AlertID  string `json:"alertID"` // by which the API knows it: GET /alerts/{alertID}
	Receiver string `json:"receiver"`
	Text     string `json:"text"` // for people; nothing but this changes with words and templates
	// Event is the alert as it travelled; of a digest, the alert that was told before it.
	Event  alert.Event `json:"event"`
	Digest *Digest     `json:"digest,omitempty"`
	// Ask is there where somebody has to acknowledge the alert.
	Ask *alert.Ask `json:"ask,omitempty"`
	// Unanswered are the receivers that were asked before, and have not acknowledged it.
	Unanswered []string `json:"unanswered,omitempty"`
	// Holding is there where the receiver's throttle holds back what follows.
	Holding *alert.Holding `json:"holding,omitempty"`
}

// Digest is the alerts that followed upon the event, all of them.
type Digest struct {
	Number  int            `json:"number"` // of the group's digests, counted from 1
	Group   string         `json:"group"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until"`
	Count   int            `json:"count"`
	Sums    []Sum          `json:"sums"`
	Members []alert.Member `json:"members"`
}

// Sum is what the members of one currency come to, exactly.
type Sum struct {
	Amount   json.Number `json:"amount"`
	Currency string      `json:"currency"`
}

// NewBody is the body of a message to an endpoint, which is named by its receiver and a name of its own: "fraud-team/hook".
func NewBody(to string, message alert.Message) Body {
	n := message.Notice
	receiver, _, _ := strings.Cut(to, "/")
	body := Body{Type: n.Event.Type, Timestamp: n.Event.Time, Data: Data{
		AlertID: n.ID, Receiver: receiver, Text: message.Text, Event: n.Event, Ask: n.Ask, Unanswered: n.Unanswered, Holding: n.Holding,
	}}
	if n.Digest != nil {
		body.Type, body.Timestamp, body.Data.Digest = DigestType, n.Digest.Until, newDigest(*n.Digest)
	}
	return body
}

func newDigest(d alert.Digest) *Digest {
	sums := []Sum{}
	for _, sum := range d.Sums() {
		sums = append(sums, Sum{Amount: sum.Decimal(), Currency: string(sum.Currency)})
	}
	return &Digest{
		Number: d.Number, Group: d.Group, Since: d.Since, Until: d.Until,
		Count: len(d.Members), Sums: sums, Members: d.Members,
	}
}
