package alert

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"dummyorders/domain/money"
)

// Notice is what people are told at one time: an event, or a digest of several.
type Notice struct {
	ID    string `json:"id"` // the event's, or the digest's own
	Event Event  `json:"event"`
	// Digest is what followed upon Event, which was told before; nil where the notice is the event itself.
	Digest *Digest `json:"digest,omitempty"`
	// FollowUp says that the event had to wait for a digest, and is told by itself since nothing else was in it.
	FollowUp bool `json:"followUp,omitempty"`
	// Ask is there where somebody has to acknowledge the notice.
	Ask *Ask `json:"ask,omitempty"`
	// Unanswered are the receivers that were told before, and of whom nobody acknowledged it: the earlier steps of an
	// escalation.
	Unanswered []string `json:"unanswered,omitempty"`
	// Holding is there where it is the last before the receiver's throttle holds others back, or holds them already.
	Holding *Holding `json:"holding,omitempty"`
}

// Ask is a request to acknowledge a notice.
type Ask struct {
	Until time.Time `json:"until"`          // then the next step is told
	Next  string    `json:"next,omitempty"` // the receiver that is told then; empty, nobody
}

// Digest is several alerts in one. None of a group is missing from its digests, and none is in two of them.
type Digest struct {
	Number  int       `json:"number"` // of the group's digests, counted from 1
	Group   string    `json:"group"`  // what the alerts have in common, for people
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Members []Member  `json:"members"` // in the order in which they came
}

// Member is an alert in a digest.
type Member struct {
	EventID       string      `json:"eventID"`
	TransactionID string      `json:"transactionID"`
	OrderID       string      `json:"orderID"`
	Amount        json.Number `json:"amount"`
	Currency      string      `json:"currency"`
	Outcome       string      `json:"outcome"`
	Score         int         `json:"score"`
	Reason        string      `json:"reason,omitempty"` // the code of the first
	Time          time.Time   `json:"time"`
	Expiry        time.Time   `json:"expiry"`
}

// Member is the event as a digest lists it.
func (e Event) Member() Member {
	return Member{
		EventID: e.ID, TransactionID: e.Data.TransactionID, OrderID: e.Data.OrderID,
		Amount: e.Data.Amount, Currency: e.Data.Currency,
		Outcome: string(e.Data.Decision.Outcome), Score: e.Data.Decision.Score, Reason: e.Data.reason(),
		Time: e.Time, Expiry: e.Expiry(),
	}
}

func (d Data) reason() string {
	if len(d.Decision.Reasons) == 0 {
		return ""
	}
	return d.Decision.Reasons[0].Code
}

// Sums are the digest's amounts added up, a sum a currency, in the order of their codes. What is no amount, or would not
// fit, is left out of them.
func (d Digest) Sums() []money.Money {
	sums := map[money.Currency]money.Money{}
	for _, m := range d.Members {
		amount, err := money.Parse(m.Amount.String(), money.Currency(m.Currency))
		if err != nil {
			continue
		}
		amount.Minor += sums[amount.Currency].Minor
		sums[amount.Currency] = amount
	}
	var sorted []money.Money
	for _, sum := range sums {
		sorted = append(sorted, sum)
	}
	slices.SortFunc(sorted, func(a, b money.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return sorted
}
