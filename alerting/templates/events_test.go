package templates_test

import (
	"fmt"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
)

// testNotice is a notice and its receiver.
type testNotice struct {
	name     string
	notice   alert.Notice
	receiver string
}

// testNotices holds notices of every kind, in the order of the golden files.
func testNotices() []testNotice {
	of := func(name string, e alert.Event) testNotice {
		return testNotice{name, alert.Notice{ID: e.ID, Event: e}, "fraud-team"}
	}
	ask := of("to be acknowledged", anEvent())
	ask.notice.Ask = &alert.Ask{Until: anEvent().Time.Add(15 * time.Minute), Next: "on-call"}
	last := of("escalated", reviewRequested())
	last.receiver, last.notice.Unanswered = "on-call", []string{"fraud-team", "risk"}
	last.notice.Ask = &alert.Ask{Until: anEvent().Time.Add(30 * time.Minute)}
	throttled := of("the last before a throttle", anEvent())
	throttled.notice.Holding = &alert.Holding{Until: anEvent().Time.Add(time.Hour), Waiting: 3}
	return []testNotice{
		throttled, of("declined", anEvent()), of("declined by a reviewer", declinedByReviewer()), of("review", reviewRequested()),
		of("review, unchecked", unchecked()), of("reminder", reminder()),
		of("expired, declined", expired(review.Decline)), of("expired, approved", expired(review.Approve)),
		of("compensation failed", compensationFailed()),
		of("test", alert.Sample(alert.Test, anEvent().ID, anEvent().Time)), ask, last,
		{"digest", digest(23), "fraud-team"},
		of("alarm", alarm(alert.AlarmFiring)), of("alarm, over", alarm(alert.AlarmResolved)),
		{"digest after an alarm", digestOfAlarms(), "fraud-team"},
		{"digest of reviews that are over", digestOf(expired(review.Decline), expired(review.Approve)), "fraud-team"},
		{"digest of several types", digestOf(reviewRequested(), reminder(), declinedByReviewer(), notGivenBack()), "fraud-team"},
	}
}

func alarm(of alert.Type) alert.Event {
	return alert.Sample(of, anEvent().ID, anEvent().Time)
}

// digestOfAlarms returns a digest in which a transaction is, too.
func digestOfAlarms() alert.Notice {
	n := digestOf(anEvent(), alarm(alert.AlarmFiring), alarm(alert.AlarmResolved))
	n.Event = alarm(alert.AlarmFiring)
	return n
}

// digestOf returns a digest of alerts about one transaction, as a throttle has them.
func digestOf(events ...alert.Event) alert.Notice {
	n := digest(0)
	n.Digest.Group = "throttle of fraud-team"
	for _, e := range events {
		n.Digest.Members = append(n.Digest.Members, e.Member())
	}
	return n
}

// digest returns a digest of alerts in two currencies and with two outcomes.
func digest(count int) alert.Notice {
	n := alert.Notice{ID: "d1d1d1d1-0000-5000-8000-000000000001", Event: anEvent(), Digest: &alert.Digest{
		Number: 1, Group: "fraud.detected, card 123456******4321, AMOUNT_OVER_LIMIT",
		Since: anEvent().Time, Until: anEvent().Time.Add(5 * time.Minute),
	}}
	for i := range count {
		e := anEvent()
		if i%4 == 3 {
			e = reviewRequested()
			e.Data.Currency, e.Data.Amount = "EUR", "10.50"
		}
		m := e.Member()
		m.EventID = fmt.Sprintf("e%07d-0000-5000-8000-000000000001", i)
		m.TransactionID = fmt.Sprintf("t%07d-0000-7000-8000-000000000001", i)
		m.OrderID = fmt.Sprintf("%d", 2000+i)
		m.Time = m.Time.Add(time.Duration(i) * time.Second)
		n.Digest.Members = append(n.Digest.Members, m)
	}
	return n
}

func anEvent() alert.Event {
	return alert.Event{
		ID: "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21", Type: alert.FraudDetected, Subject: "1234",
		Time: time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC),
		Data: alert.Data{
			TransactionID: "0199c0de-0000-7000-8000-000000000001", OrderID: "1234", OrderName: "avengers 4 <spoilers> & more",
			PaymentMethod: "amazonpay", Card: "123456******4321", Wire: money.Wire{Amount: "250000.00", Currency: "INR"},
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

// notGivenBack is about a transaction that a reviewer approved, so that the outcome is review.
func notGivenBack() alert.Event {
	e := compensationFailed()
	e.Data.Decision = reviewRequested().Data.Decision
	e.Data.OrderID, e.Data.TransactionID = "1235", "0199c0de-0000-7000-8000-000000000002"
	return e
}
