// Package transaction defines what a merchant posts, and the states that it goes through.
package transaction

import (
	"errors"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
)

// Transaction is an accepted request: an order, and how it is paid for. It holds no card number.
type Transaction struct {
	ID string `json:"id"`
	// Merchant owns the transaction. It is empty in transactions from before there were merchants: see identity.MerchantOf.
	Merchant        string            `json:"merchant,omitempty"`
	Order           Order             `json:"order"`
	PaymentMethod   string            `json:"paymentMethod"`
	Payment         Payment           `json:"payment"`
	Customer        *Customer         `json:"customer,omitempty"`
	IP              string            `json:"ip,omitempty"`
	BillingCountry  string            `json:"billingCountry,omitempty"`
	ShippingCountry string            `json:"shippingCountry,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	// Malformed holds the paths of the fields that were posted in a malformed way: see Malformable. The fields themselves hold
	// as much as could be read.
	Malformed []string `json:"malformed,omitempty"`
	Receipt   Receipt  `json:"receipt,omitzero"`
}

// Receipt says how a transaction came in. A retry of its request is recognized by it.
type Receipt struct {
	// Client is the name of the client that posted the transaction, see identity.ClientName; empty if there are no API keys.
	Client string `json:"client,omitempty"`
	// BodyDigest is a keyed digest of the meaning of the request's body, set if the request had an idempotency key.
	BodyDigest string `json:"bodyDigest,omitempty"`
	// TextDigest is a digest of the body's wording, with numbers by their digits. Receipts of earlier versions hold it as
	// their BodyDigest. It is set for a call, and never in a receipt that is kept.
	TextDigest string `json:"-"`
	// Call is unique to the call that was accepted: a call that finds another value here is a retry.
	Call string `json:"call,omitempty"`
}

// Order is what the customer buys. Items are optional; if they are given, they add up to Cost.
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

// Total returns the price of the line, in minor units of the order's currency.
func (i Item) Total() int64 {
	return i.Cost.Minor*i.Quantity - i.Discount.Minor
}

// Payment says how the order is paid for: with a card, or with a token that its gateway issued for one. Amount is the amount
// to charge.
type Payment struct {
	Card   card.Details `json:"card,omitzero"`
	Token  string       `json:"token,omitempty"`
	Type   string       `json:"type"`
	Amount money.Money  `json:"amount"`
}

// Customer is the buyer, as far as the merchant says.
type Customer struct {
	ID        string    `json:"id,omitempty"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Errors of asking for a transaction or its review.
var (
	ErrNotFound    = errors.New("no such transaction")
	ErrNotAccepted = errors.New("nothing was accepted")
	ErrUnknown     = errors.New("it is not known whether it was accepted")
	ErrBusy        = errors.New("too many at once: nothing was accepted")
	ErrUnavailable = errors.New("the transaction cannot be read now")
	ErrKeyUsed     = errors.New("the idempotency key was used with another body")
	ErrInvalid     = errors.New("the request is not valid")
	ErrLedgerAway  = errors.New("the ledger cannot be asked for an earlier request, and nothing was accepted")
)
