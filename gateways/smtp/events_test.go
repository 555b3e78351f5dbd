package smtp_test

import (
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/review"
)

// told is an event and the subject that its mail has after the configured one.
type told struct {
	event   alert.Event
	subject string
}

// said are events of every kind, by the name of the files that hold their mails.
func said() map[string]told {
	return map[string]told{
		"declined":             {anEvent(), "order 1234 declined, INR 250000.00"},
		"declined-by-reviewer": {declinedByReviewer(), "order 1234 declined, INR 250000.00"},
		"review":               {reviewRequested(), "review order 1234 by 3 Nov 09:30 UTC, INR 250000.00"},
		"review-unchecked":     {unchecked(), "review order 1234 by 3 Nov 09:30 UTC, INR 250000.00"},
		"reminder":             {reminder(), "reminder: review order 1234 by 3 Nov 09:30 UTC, INR 250000.00"},
		"expired-declined":     {expired(review.Decline), "order 1234 declined, as nobody reviewed it, INR 250000.00"},
		"expired-approved":     {expired(review.Approve), "order 1234 approved, as nobody reviewed it, INR 250000.00"},
		"compensation-failed":  {compensationFailed(), "give back INR 250000.00 of order 1234"},
		"for-review":           {ofFirstRelease(fraud.Review), "look at order 1234, INR 250000.00"},
		"not-evaluated":        {ofFirstRelease(fraud.NotEvaluated), "look at order 1234, INR 250000.00"},
	}
}

func anEvent() alert.Event {
	return alert.Event{
		ID: "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21", Type: alert.FraudDetected, Subject: "1234",
		Time: time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC),
		Data: alert.Data{
			TransactionID: "0199c0de-0000-7000-8000-000000000001", OrderID: "1234", OrderName: "avengers 4 <spoilers> & more",
			PaymentMethod: "amazonpay", Card: "123456******4321", Amount: "250000.00", Currency: "INR",
			Decision: fraud.Decision{
				Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk,
				Reasons: []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 250000.00 is above the limit of INR 200000.00"}},
			},
			Link: "http://localhost:8233/namespaces/default/workflows/transaction-0199c0de-0000-7000-8000-000000000001",
		},
	}
}

func reviewRequested() alert.Event {
	e := anEvent()
	e.Type = alert.ReviewRequested
	e.Data.Decision.Outcome, e.Data.Decision.Score, e.Data.Decision.RiskLevel = fraud.Review, 70, fraud.ElevatedRisk
	e.Data.Decision.Reasons = []fraud.Reason{{
		Code: "AMOUNT_OVER_REVIEW_LIMIT", Message: "INR 250000.00 is above the review limit of INR 100000.00",
	}}
	e.Data.Review = &review.Review{RequestedAt: e.Time, Deadline: e.Time.Add(24 * time.Hour), OnExpiry: review.Decline}
	return e
}

func unchecked() alert.Event {
	e := reviewRequested()
	e.Data.Decision = fraud.Undecided("no fraud_police worker decided within 15m0s")
	return e
}

func reminder() alert.Event {
	e := reviewRequested()
	e.Type, e.Time = alert.ReviewReminder, e.Time.Add(12*time.Hour)
	return e
}

func declinedByReviewer() alert.Event {
	e := reviewRequested()
	e.Type, e.Time = alert.FraudDetected, e.Time.Add(time.Hour)
	e.Data.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada", Note: "the card was stolen"}, e.Time)
	return e
}

func expired(verdict review.Verdict) alert.Event {
	e := reviewRequested()
	e.Type, e.Time = alert.ReviewExpired, e.Data.Review.Deadline
	recheck := e.Data.Decision
	if verdict == review.Decline {
		recheck = anEvent().Data.Decision
	}
	e.Data.Review.Recheck = &recheck
	e.Data.Review.Expire(verdict, e.Time)
	return e
}

// compensationFailed is about a payment by token, so that no card is known.
func compensationFailed() alert.Event {
	e := anEvent()
	e.Type = alert.CompensationFailed
	e.Data.PaymentMethod, e.Data.Card = "card", ""
	e.Data.Decision = fraud.Decision{Outcome: fraud.Approve, RiskLevel: fraud.NormalRisk, Reasons: []fraud.Reason{}}
	e.Data.Problem = "release the hold: gateway stripe declined: payment_intent_unexpected_state"
	return e
}

// ofFirstRelease is a request as it was before reviews could be decided.
func ofFirstRelease(outcome fraud.Outcome) alert.Event {
	e := anEvent()
	e.Type, e.Data.Decision.Outcome = alert.ReviewRequested, outcome
	return e
}
