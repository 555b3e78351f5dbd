package alert

import (
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/review"
)

// Sample is an event such as those of a type, about a transaction that there is not: to try routes and templates with,
// and receivers with the type Test.
func Sample(of Type, id string, at time.Time) Event {
	e := Event{ID: id, Source: "/orders", Type: of, Subject: "1234", Time: at, Data: Data{
		TransactionID: "00000000-0000-7000-8000-000000000000", OrderID: "1234", OrderName: "avengers 4 spoilers book",
		PaymentMethod: "amazonpay", Card: "123456******4321", CardFingerprint: "sample", CustomerID: "c-1",
		Amount: "123.00", Currency: "INR", Decision: sampleDecision(of),
		Link: "http://localhost:8233/namespaces/default/workflows/transaction-00000000-0000-7000-8000-000000000000",
	}}
	switch of {
	case ReviewRequested, ReviewReminder, ReviewExpired:
		e.Data.Review = sampleReview(of, at)
	case CompensationFailed:
		e.Data.Problem = "release the hold: gateway simulated declined: hold_expired"
	case FraudDetected, Test:
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
	case FraudDetected, Test:
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
	case FraudDetected, ReviewRequested, CompensationFailed, Test:
	}
	return r
}
