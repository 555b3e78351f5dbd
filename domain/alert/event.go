// Package alert is that somebody must know: the event as it travels, who publishes it, and who delivers it.
package alert

import (
	"encoding/json"
	"strings"
	"time"

	"dummyorders/domain/fraud"
)

// Type is what an event tells, and names the shape of its data. A shape changes only under a new type.
type Type string

// The types. FraudDetected tells that a transaction was declined; ReviewRequested that it was stopped without a final
// verdict, and a person should look at it.
const (
	FraudDetected   Type = "orders.fraud.detected.v1"
	ReviewRequested Type = "orders.fraud.review_requested.v1"
)

// RoutingKey is the type between its prefix and its version: "fraud.detected".
func (t Type) RoutingKey() string {
	key := strings.TrimPrefix(string(t), "orders.")
	if version := strings.LastIndex(key, ".v"); version > 0 {
		key = key[:version]
	}
	return key
}

// Known says whether this service knows what such an event means.
func (t Type) Known() bool {
	return t == FraudDetected || t == ReviewRequested
}

// TypeFor is what has to be told about a decision that stopped a transaction.
func TypeFor(outcome fraud.Outcome) Type {
	if outcome == fraud.Decline {
		return FraudDetected
	}
	return ReviewRequested
}

// Event is an alert as it travels. A retry, a redelivery and a replay carry the same ID; nothing with the same ID is
// told twice.
type Event struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Type    Type      `json:"type"`
	Subject string    `json:"subject"` // the order's id
	Time    time.Time `json:"time"`
	Data    Data      `json:"data"`
}

// Data is what people are told. It holds the card's mask, never its number.
type Data struct {
	TransactionID string         `json:"transactionID"`
	OrderID       string         `json:"orderID"`
	OrderName     string         `json:"orderName,omitempty"`
	PaymentMethod string         `json:"paymentMethod"`
	Card          string         `json:"card"`
	Amount        json.Number    `json:"amount"`
	Currency      string         `json:"currency"`
	Decision      fraud.Decision `json:"decision"`
	Link          string         `json:"link,omitempty"` // to the transaction in the Web UI
}
