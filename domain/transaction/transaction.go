// Package transaction is what a merchant posts, and the states it goes through.
package transaction

import (
	"errors"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
)

// Transaction is an accepted request: an order and how it is to be paid for. It holds no card number.
type Transaction struct {
	ID              string            `json:"id"`
	Order           Order             `json:"order"`
	PaymentMethod   string            `json:"paymentMethod"`
	Payment         Payment           `json:"payment"`
	Customer        *Customer         `json:"customer,omitempty"`
	IP              string            `json:"ip,omitempty"`
	BillingCountry  string            `json:"billingCountry,omitempty"`
	ShippingCountry string            `json:"shippingCountry,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	// Malformed names what was posted in a form that is not its own, by the constants below. As far as it could be read it
	// stands in its place.
	Malformed []string `json:"malformed,omitempty"`
	Receipt   Receipt  `json:"receipt,omitzero"`
}

// What can be malformed, by its name in the request.
const (
	MalformedEmail     = "customer.email"
	MalformedCreatedAt = "customer.createdAt"
	MalformedIP        = "ip"
	MalformedBilling   = "billing.country"
	MalformedShipping  = "shipping.country"
)

// Malformable are all that can be.
var Malformable = []string{MalformedEmail, MalformedCreatedAt, MalformedIP, MalformedBilling, MalformedShipping}

// Receipt is how a transaction came in: what a retry of its request is known by.
type Receipt struct {
	// Client is who posted it, by the name of its API key; empty where there are no API keys.
	Client string `json:"client,omitempty"`
	// BodyDigest is a keyed digest of what the request's body says, set where the request had an idempotency key.
	BodyDigest string `json:"bodyDigest,omitempty"`
	// TextDigest is one of how the body says it, numbers by their digits: what BodyDigest was in receipts of before. A call has it,
	// and no receipt that is kept.
	TextDigest string `json:"-"`
	// Call is unique to the call that was accepted: a call that finds another one here is a retry.
	Call string `json:"call,omitempty"`
}

// Order is what is bought. Items are optional; where they are given, they add up to Cost.
type Order struct {
	ID    string      `json:"id"`
	Name  string      `json:"name,omitempty"`
	Cost  money.Money `json:"cost"`
	Items []Item      `json:"items,omitempty"`
}

// Item is a line of an order, in the order's currency. Cost is for one piece; Discount is for the whole line.
type Item struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Cost     money.Money `json:"cost"`
	Quantity int64       `json:"quantity"`
	Discount money.Money `json:"discount"`
}

// Total is what the line costs, in minor units of the order's currency.
func (i Item) Total() int64 {
	return i.Cost.Minor*i.Quantity - i.Discount.Minor
}

// Payment is how the order is paid for: with a card, or with a token that its gateway gave out for one. Amount is what
// is charged.
type Payment struct {
	Card   card.Details `json:"card,omitzero"`
	Token  string       `json:"token,omitempty"`
	Type   string       `json:"type"`
	Amount money.Money  `json:"amount"`
}

// Customer is who buys, as far as the merchant says.
type Customer struct {
	ID        string    `json:"id,omitempty"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// What may come of asking for a transaction or its review, apart from an answer.
var (
	ErrNotFound    = errors.New("no such transaction")
	ErrNotAccepted = errors.New("nothing was accepted")
	ErrUnknown     = errors.New("it is not known whether it was accepted")
	ErrBusy        = errors.New("nothing was accepted: too many at once")
	ErrUnavailable = errors.New("the transaction cannot be read now")
	ErrKeyUsed     = errors.New("the idempotency key was used with another body")
	ErrLedgerAway  = errors.New("the ledger cannot be asked for an earlier request, and nothing was accepted")
)
