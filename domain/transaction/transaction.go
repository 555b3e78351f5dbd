// Package transaction is what a merchant posts, and the states it goes through.
package transaction

import (
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

// Payment is how the order is paid for. Amount is what is charged.
type Payment struct {
	Card   card.Details `json:"card"`
	Type   string       `json:"type"`
	Amount money.Money  `json:"amount"`
}

// Customer is who buys, as far as the merchant says.
type Customer struct {
	ID        string    `json:"id,omitempty"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}
