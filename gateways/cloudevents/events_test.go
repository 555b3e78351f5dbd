package cloudevents_test

import (
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
)

// onRecord holds the events in testdata, by file.
func onRecord() map[string]alert.Event {
	return map[string]alert.Event{
		"fraud_detected.json":              fraudDetected(),
		"fraud_detected_by_reviewer.json":  declinedByReviewer(),
		"fraud_review_requested.json":      reviewRequested(),
		"fraud_review_reminder.json":       reviewReminder(),
		"fraud_review_expired.json":        reviewExpired(),
		"payment_compensation_failed.json": compensationFailed(),
		"alarm_firing.json":                alarm(alert.AlarmFiring),
		"alarm_resolved.json":              alarm(alert.AlarmResolved),
	}
}

func alarm(of alert.Type) alert.Event {
	return alert.Sample(of, "0b6c1f3a-6a0e-5d57-8f0d-1b9c35a7e006", time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC))
}

func fraudDetected() alert.Event {
	return alert.Event{
		ID:      "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21",
		Source:  "/orders/worker",
		Type:    alert.FraudDetected,
		Subject: "1234",
		Time:    time.Date(2026, 11, 2, 9, 30, 15, 123456789, time.UTC),
		Data: alert.Data{
			Merchant:      "acme",
			TransactionID: "0199c0de-0000-7000-8000-000000000001",
			OrderID:       "1234",
			OrderName:     "avengers 4 <spoilers> & more",
			PaymentMethod: "amazonpay",
			Card:          "123456******4321",
			Wire:          money.Wire{Amount: "123.00", Currency: "INR"},
			Decision: fraud.Decision{
				Outcome:   fraud.Decline,
				Score:     90,
				RiskLevel: fraud.HighestRisk,
				Reasons:   []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 123.00 is above the limit of INR 100.00"}},
				Ruleset:   fraud.Ruleset{ID: "limit", Version: 1, Digest: "sha256:00"},
				Source:    fraud.AutomatedRule,
			},
			Link: "http://localhost:8233/namespaces/default/workflows/transaction-0199c0de",
		},
	}
}

func reviewRequested() alert.Event {
	e := fraudDetected()
	e.Type = alert.ReviewRequested
	e.Data.Decision.Outcome, e.Data.Decision.Score, e.Data.Decision.RiskLevel = fraud.Review, 70, fraud.ElevatedRisk
	e.Data.Review = &review.Review{RequestedAt: e.Time, Deadline: e.Time.Add(24 * time.Hour), OnExpiry: review.Decline}
	return e
}

func declinedByReviewer() alert.Event {
	e := reviewRequested()
	e.Type = alert.FraudDetected
	e.Time = e.Time.Add(time.Hour)
	e.Data.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada", Note: "the card was stolen"}, e.Time)
	return e
}

func reviewReminder() alert.Event {
	e := reviewRequested()
	e.Type = alert.ReviewReminder
	e.Time = e.Time.Add(12 * time.Hour)
	return e
}

func reviewExpired() alert.Event {
	e := reviewRequested()
	e.Type = alert.ReviewExpired
	e.Time = e.Data.Review.Deadline
	recheck := fraudDetected().Data.Decision
	e.Data.Review.Recheck = &recheck
	e.Data.Review.Expire(review.Decline, e.Time)
	return e
}

func compensationFailed() alert.Event {
	e := fraudDetected()
	e.Type = alert.CompensationFailed
	e.Data.Card, e.Data.PaymentMethod = "", "card"
	e.Data.Problem = "void authorization pi_1: gateway stripe declined: payment_intent_unexpected_state"
	return e
}
