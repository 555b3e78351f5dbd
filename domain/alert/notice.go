package alert

import (
	"cmp"
	"slices"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/money"
)

// Notice is the content of one message: an event, or a digest of several.
type Notice struct {
	ID    string `json:"id"` // the event's, or the digest's own
	Event Event  `json:"event"`
	// Digest holds the alerts that followed Event, which was delivered before; nil if the notice is the event itself.
	Digest *Digest `json:"digest,omitempty"`
	// FollowUp is true if the event had to wait for a digest, and is delivered by itself because the digest would have held
	// nothing else.
	FollowUp bool `json:"followUp,omitempty"`
	// Ask is set if the notice has to be acknowledged.
	Ask *Ask `json:"ask,omitempty"`
	// Unanswered lists the receivers of the earlier steps of the escalation, which got the notice and did not acknowledge
	// it.
	Unanswered []string `json:"unanswered,omitempty"`
	// Holding is set if the notice is the last before the receiver's throttle holds others back, or if the throttle already
	// does.
	Holding *Holding `json:"holding,omitempty"`
}

// Merchants returns the merchants that a notice says something about, each once and sorted. A digest names the event that
// was sent before it, too.
func (n Notice) Merchants() []string {
	merchants := []string{identity.MerchantOf(n.Event.Data.Merchant)}
	for _, m := range n.Members() {
		merchants = append(merchants, identity.MerchantOf(m.Merchant))
	}
	slices.Sort(merchants)
	return slices.Compact(merchants)
}

// Ask is a request to acknowledge a notice.
type Ask struct {
	Until time.Time `json:"until"`          // when the next step begins
	Next  string    `json:"next,omitempty"` // the receiver of the next step; empty if there is none
}

// Digest is several alerts in one message. Each alert of a group is in exactly one of its digests.
type Digest struct {
	Number  int       `json:"number"` // counted from 1 within the group
	Group   string    `json:"group"`  // what the alerts have in common, for people
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Members []Member  `json:"members"` // in the order in which they came
}

// Member is an alert in a digest.
type Member struct {
	Merchant      string `json:"merchant,omitempty"` // as in Data
	Type          Type   `json:"type,omitempty"`     // empty in digests of earlier versions
	EventID       string `json:"eventID"`
	TransactionID string `json:"transactionID"`
	OrderID       string `json:"orderID"` // empty for an alarm
	money.Wire
	Outcome string    `json:"outcome"` // of an alarm, firing or resolved
	Score   int       `json:"score"`
	Reason  string    `json:"reason,omitempty"` // the code of the first reason, or the alarm's name
	Time    time.Time `json:"time"`
	Expiry  time.Time `json:"expiry"`
}

// Member returns the event in the form in which a digest lists it.
func (e Event) Member() Member {
	return Member{
		Merchant: e.Data.Merchant, Type: e.Type, EventID: e.ID, TransactionID: e.Data.TransactionID, OrderID: e.Data.OrderID, Wire: e.Data.Wire,
		Outcome: e.Data.outcome(), Score: e.Data.Decision.Score, Reason: e.Data.about(),
		Time: e.Time, Expiry: e.Expiry(),
	}
}

// Sums returns the digest's amounts added up, one sum per currency, sorted by currency code. It leaves out an amount that is
// not valid or would not fit.
func (d Digest) Sums() []money.Money {
	sums := map[money.Currency]money.Money{}
	for _, m := range d.Members {
		amount, err := money.FromWire(m.Wire)
		if err != nil {
			continue
		}
		amount.Minor = money.Add(amount.Minor, sums[amount.Currency].Minor)
		sums[amount.Currency] = amount
	}
	var sorted []money.Money
	for _, sum := range sums {
		sorted = append(sorted, sum)
	}
	slices.SortFunc(sorted, func(a, b money.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return sorted
}
