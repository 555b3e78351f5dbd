// Package alert defines alerts: the event as it travels, its publisher, its routes to receivers, and its deliveries.
package alert

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
)

// Type says what an event reports, and names the shape of its data. A shape changes only under a new type.
type Type string

// The types of events. FraudDetected reports that a transaction was stopped as a fraud; ReviewRequested that its money is
// held and a person has to decide; ReviewReminder the same, when half the time is over; ReviewExpired that no person decided
// in time; CompensationFailed that money which is held or was taken could not be given back, so that a person has to do it;
// AlarmFiring and AlarmResolved that a monitor says so of the service itself.
const (
	FraudDetected      Type = "orders.fraud.detected.v1"
	ReviewRequested    Type = "orders.fraud.review_requested.v1"
	ReviewReminder     Type = "orders.fraud.review_reminder.v1"
	ReviewExpired      Type = "orders.fraud.review_expired.v1"
	CompensationFailed Type = "orders.payment.compensation_failed.v1"
	AlarmFiring        Type = "orders.alarm.firing.v1"
	AlarmResolved      Type = "orders.alarm.resolved.v1"
)

// Test is the type of an alert about nothing, which shows whether a receiver can be reached. It never travels through the
// broker, and is not among Types.
const Test Type = "orders.alert.test.v1"

// Types lists all types that this service knows.
var Types = []Type{FraudDetected, ReviewRequested, ReviewReminder, ReviewExpired, CompensationFailed, AlarmFiring, AlarmResolved}

// RoutingKey returns the part of the type between its prefix and its version: "fraud.detected".
func (t Type) RoutingKey() string {
	key := strings.TrimPrefix(string(t), "orders.")
	if version := strings.LastIndex(key, ".v"); version > 0 {
		key = key[:version]
	}
	return key
}

// RoutingKeys returns the routing keys of types.
func RoutingKeys(types []Type) []string {
	keys := make([]string, len(types))
	for i, t := range types {
		keys[i] = t.RoutingKey()
	}
	return keys
}

// Known reports whether this service knows the type.
func (t Type) Known() bool {
	return slices.Contains(Types, t)
}

// Event is an alert as it travels. A retry, a redelivery and a replay carry the same ID; an event with the same ID is
// delivered only once.
type Event struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Type    Type      `json:"type"`
	Subject string    `json:"subject"` // the order's id, or the alarm's name
	Time    time.Time `json:"time"`
	Data    Data      `json:"data"`
}

// lifetime is how long an event is worth delivering if it does not say: people expect mail to be tried for about that long.
const lifetime = 72 * time.Hour

// Expiry returns the time from which the event is no longer worth delivering. Until then every delivery is retried.
func (e Event) Expiry() time.Time {
	if e.Data.ExpiresAt != nil {
		return *e.Data.ExpiresAt
	}
	return e.Time.Add(lifetime)
}

// IsSayable reports whether JSON can say a time in UTC.
func IsSayable(at time.Time) bool {
	year := at.UTC().Year()
	return 1 <= year && year <= 9999
}

// Data is the content of an alert. It holds the card's mask, never its number.
type Data struct {
	// Merchant owns the transaction. It is empty in events from before there were merchants, see identity.MerchantOf, and
	// identity.NoMerchant for an alarm.
	Merchant      string `json:"merchant,omitempty"`
	TransactionID string `json:"transactionID"`
	OrderID       string `json:"orderID"`
	OrderName     string `json:"orderName,omitempty"`
	PaymentMethod string `json:"paymentMethod"`
	payment.Result
	Card string `json:"card"`
	// CardFingerprint and CustomerID are what alerts are grouped by. Without the key, a number cannot be found from its
	// fingerprint, which is empty for a payment by token.
	CardFingerprint string `json:"cardFingerprint,omitempty"`
	CustomerID      string `json:"customerID,omitempty"`
	money.Wire
	Decision  fraud.Decision `json:"decision"`
	Review    *review.Review `json:"review,omitempty"`    // set if people were asked
	Problem   string         `json:"problem,omitempty"`   // for CompensationFailed: what could not be done
	Link      string         `json:"link,omitempty"`      // to the transaction in the Web UI
	ExpiresAt *time.Time     `json:"expiresAt,omitempty"` // see Event.Expiry
	Alarm     *Alarm         `json:"alarm,omitempty"`     // if it is set, everything about a transaction is empty
}

// Publisher publishes events to the broker.
type Publisher interface {
	// Publish returns nil only once the broker has confirmed that the event is in a queue. After any error the event
	// may or may not have arrived: publish it again, under the same ID, unless the error is ErrUnpublishable. The error says
	// which event it is about.
	Publish(ctx context.Context, event Event) error
}

// ErrUnpublishable means that the event has no valid form, so that no retry can publish it.
var ErrUnpublishable = errors.New("no retry can publish it")

// Handler takes charge of an event. If it returns nil, another service is durably responsible for the event, and the broker
// may forget it; if it returns an error, the broker keeps the event. ErrAway means that no event can be taken now.
type Handler func(ctx context.Context, event Event) error

// ErrAway means that the service which takes charge of events cannot be reached.
var ErrAway = errors.New("no events can be taken now")

// Sample returns an event as it could be of the type of, about a transaction or an alarm that does not exist. It serves to try out
// routes and templates and, with the type Test, receivers.
func Sample(of Type, id string, at time.Time) Event {
	if of == AlarmFiring || of == AlarmResolved {
		return sampleAlarm(of, at).Event(id, at)
	}
	e := Event{ID: id, Source: "/orders", Type: of, Subject: "1234", Time: at, Data: Data{
		Merchant: identity.DefaultMerchant, TransactionID: "00000000-0000-7000-8000-000000000000", OrderID: "1234", OrderName: "avengers 4 spoilers book",
		PaymentMethod: "amazonpay", Card: "123456******4321", CardFingerprint: "sample", CustomerID: "c-1",
		Wire: money.Wire{Amount: "123.00", Currency: "INR"}, Decision: sampleDecision(of),
		Link: "http://localhost:8233/namespaces/default/workflows/transaction-00000000-0000-7000-8000-000000000000",
	}}
	switch of {
	case ReviewRequested, ReviewReminder, ReviewExpired:
		e.Data.Review = sampleReview(of, at)
	case CompensationFailed:
		e.Data.Problem = "release the hold: gateway simulated declined: hold_expired"
	case FraudDetected, Test, AlarmFiring, AlarmResolved:
	}
	return e
}

func sampleDecision(of Type) fraud.Decision {
	d := fraud.Decision{
		Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk,
		Reasons: []fraud.Reason{{Code: "CARD_VELOCITY", Message: "the card was used 12 times within an hour"}},
		Ruleset: fraud.Ruleset{ID: "default", Version: 1, Digest: "sha256:0"}, Source: fraud.AutomatedRule,
	}
	switch of {
	case ReviewRequested, ReviewReminder, ReviewExpired:
		d.Outcome, d.Score, d.RiskLevel = fraud.Review, 70, fraud.ElevatedRisk
	case CompensationFailed:
		d.Outcome, d.Score, d.RiskLevel, d.Reasons = fraud.Approve, 0, fraud.NormalRisk, []fraud.Reason{}
	case FraudDetected, Test, AlarmFiring, AlarmResolved:
	}
	return d
}

func sampleReview(of Type, at time.Time) *review.Review {
	r := &review.Review{RequestedAt: at, Deadline: at.Add(24 * time.Hour), OnExpiry: review.Decline}
	switch of {
	case ReviewReminder:
		r.RequestedAt, r.Deadline = at.Add(-12*time.Hour), at.Add(12*time.Hour)
	case ReviewExpired:
		r.RequestedAt, r.Deadline = at.Add(-24*time.Hour), at
		r.Expire(review.Decline, at)
	case FraudDetected, ReviewRequested, CompensationFailed, Test, AlarmFiring, AlarmResolved:
	}
	return r
}
