// Package alert is that somebody must know: the event as it travels, who publishes it, and who delivers it.
package alert

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
)

// Type is what an event tells, and names the shape of its data. A shape changes only under a new type.
type Type string

// The types. FraudDetected tells that a transaction was stopped as a fraud; ReviewRequested that its money is held and
// a person has to decide; ReviewReminder the same, when half the time is over; ReviewExpired that nobody did in time;
// CompensationFailed that money which is held or was taken could not be given back, and a person has to.
const (
	FraudDetected      Type = "orders.fraud.detected.v1"
	ReviewRequested    Type = "orders.fraud.review_requested.v1"
	ReviewReminder     Type = "orders.fraud.review_reminder.v1"
	ReviewExpired      Type = "orders.fraud.review_expired.v1"
	CompensationFailed Type = "orders.payment.compensation_failed.v1"
)

// Test is an alert about nothing: it shows whether a receiver is reached. It never travels by the broker, and is none of
// Types.
const Test Type = "orders.alert.test.v1"

// Types are all that this service knows.
var Types = []Type{FraudDetected, ReviewRequested, ReviewReminder, ReviewExpired, CompensationFailed}

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
	return slices.Contains(Types, t)
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

// lifetime is how long an event is worth telling where it does not say: people expect mail to be tried for about that
// long.
const lifetime = 72 * time.Hour

// Expiry is when the event is not worth telling any more. Until then every delivery is tried.
func (e Event) Expiry() time.Time {
	if e.Data.ExpiresAt != nil {
		return *e.Data.ExpiresAt
	}
	return e.Time.Add(lifetime)
}

// Data is what people are told. It holds the card's mask, never its number.
type Data struct {
	TransactionID string `json:"transactionID"`
	OrderID       string `json:"orderID"`
	OrderName     string `json:"orderName,omitempty"`
	PaymentMethod string `json:"paymentMethod"`
	payment.Result
	Card string `json:"card"`
	// CardFingerprint and CustomerID are what alerts are grouped by. Nobody without the key finds a number by the
	// fingerprint; empty for a payment by token.
	CardFingerprint string         `json:"cardFingerprint,omitempty"`
	CustomerID      string         `json:"customerID,omitempty"`
	Amount          json.Number    `json:"amount"`
	Currency        string         `json:"currency"`
	Decision        fraud.Decision `json:"decision"`
	Review          *review.Review `json:"review,omitempty"`    // where people were asked
	Problem         string         `json:"problem,omitempty"`   // of CompensationFailed: what could not be done
	Link            string         `json:"link,omitempty"`      // to the transaction in the Web UI
	ExpiresAt       *time.Time     `json:"expiresAt,omitempty"` // see Event.Expiry
}
