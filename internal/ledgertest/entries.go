package ledgertest

import (
	"encoding/json"
	"fmt"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// start is when the first transaction was accepted. It has more digits than a database column can hold.
var start = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

// after returns the time d after start.
func after(d time.Duration) time.Time {
	return start.Add(d)
}

// id returns the id of the n-th transaction. The ids sort by n.
func id(n int) string {
	return fmt.Sprintf("01990000-0000-7000-8000-%012d", n)
}

// Accepted returns the n-th transaction, just accepted, n seconds after the first.
func Accepted(n int) ledger.Entry {
	t := transaction.Transaction{
		ID:            id(n),
		Order:         transaction.Order{ID: "1234", Cost: money.Money{Minor: 12300, Currency: "INR"}},
		PaymentMethod: "amazonpay",
		Payment:       transaction.Payment{Type: "wallet", Token: "tok", Amount: money.Money{Minor: 12300, Currency: "INR"}},
	}
	at := after(time.Duration(n) * time.Second)
	return ledger.Entry{Record: *ledger.Open(t, at), Transaction: t, Mark: ledger.Mark{At: at, Number: 1}}
}

// Ended returns the n-th transaction, paid at the given time.
func Ended(n int, at time.Time) ledger.Entry {
	e := Accepted(n)
	e.Record.Decide(fraud.Decision{Outcome: fraud.Approve, Score: 5, RiskLevel: fraud.NormalRisk, Reasons: []fraud.Reason{}})
	e.Record.Move(transaction.PaymentInitiated, at)
	e.Record.Move(transaction.PaymentComplete, at)
	e.Record.Close(at)
	e.Mark = ledger.Mark{At: at, Number: 3}
	return e
}

// Whole returns a transaction with a value in every field that can have one.
func Whole() ledger.Entry {
	at := func(seconds int) time.Time { return after(time.Duration(seconds)*time.Second + time.Nanosecond) }
	voided := at(7)
	t := posted()
	r := ledger.Open(t, start)
	decision := fraud.Decision{
		Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk,
		Reasons: []fraud.Reason{{Code: "AMOUNT", Message: "it is above the limit"}},
		Ruleset: fraud.Ruleset{ID: "limit", Version: 3, Digest: "sha256:0123"}, Source: fraud.AutomatedRule,
	}
	explained := decision
	explained.Explanation = explanation()
	r.Decide(explained)
	r.Move(transaction.PaymentInitiated, at(1))
	r.Payment.AuthorizationID, r.Payment.CaptureID, r.Payment.RefundID = "auth-1", "capture-1", "refund-1"
	r.Payment.Gateway, r.Payment.Decline = "simulated-icici-debit", payment.NewDecline(payment.InsufficientFunds)
	r.Payment.VoidedAt, r.Payment.Error, r.Payment.StillHeld = &voided, "it was refused", "it has expired"
	r.Review = &review.Review{RequestedAt: at(2), Deadline: at(86400), OnExpiry: review.Decline, Recheck: &decision}
	r.Move(transaction.InReview, at(2))
	r.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada", Note: hard}, at(3))
	r.Labels = []ledger.Label{
		{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: hard, Time: at(3)},
		{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: at(4)},
		{Label: ledger.Legitimate, Source: ledger.ByDispute, Note: "won", Time: at(5)},
	}
	r.Move(transaction.Fraudulent, at(4))
	r.Close(at(5))
	return ledger.Entry{Record: *r, Transaction: t, Mark: ledger.Mark{At: at(5), Number: 9}}
}

func explanation() *fraud.Explanation {
	hit := fraud.RuleResult{ID: "card_velocity", Outcome: fraud.RuleHit, Score: -45, Action: fraud.ActReview, Shadow: true}
	failed := fraud.RuleResult{ID: "list:blocked_cards", Outcome: fraud.RuleFailed, Action: fraud.ActBlock, Error: hard}
	return &fraud.Explanation{
		AsOf: start, DecidedAt: start.Add(time.Nanosecond), TookMicros: 1<<53 + 1,
		Rules: []fraud.RuleResult{hit, failed}, Passed: []string{"first_large", hard},
		Features: map[string]float64{`card.count("10m")`: 3, `ip.distinct("card", "1h")`: 0.1, hard: 1e300},
		Trials: []fraud.Trial{{
			Ruleset: fraud.Ruleset{ID: "limit+shadow", Version: 4, Digest: "sha256:4567"}, Outcome: fraud.Decline, Score: 90,
			Rules: []fraud.RuleResult{hit},
		}},
	}
}

// hard is a text that may cause trouble on the way to a database.
const hard = "O'Neill; \"--\" \\ % _ ? $1 :x @y \n\t\u0000 \u2028 ü 日本 🛒 </script>"

func posted() transaction.Transaction {
	return transaction.Transaction{
		ID: "01990000-0000-7000-8000-ffffffffffff", Merchant: "acme",
		Order: transaction.Order{
			ID: "order " + hard, Name: hard, Cost: money.Money{Minor: 999_999_999_999_999, Currency: "KWD"},
			Items: []transaction.Item{{
				ID: "1", Name: "book", Cost: money.Money{Minor: 1, Currency: "KWD"}, Quantity: 3, Discount: money.Money{Currency: "KWD"},
			}},
		},
		PaymentMethod: "icici-debit",
		Payment: transaction.Payment{
			Card: card.Details{FirstSix: "123456", LastFour: "4321", Length: 16, Brand: "visa", LuhnValid: true, Fingerprint: "f00d"},
			Type: "card", Amount: money.Money{Minor: 1<<53 + 1, Currency: "JPY"}, // a float cannot hold it exactly
		},
		Customer: &transaction.Customer{ID: "c-1 " + hard, Email: "ada@example.com", CreatedAt: time.Date(1969, 2, 28, 12, 0, 0, 1, time.UTC)},
		IP:       "192.0.2.1", BillingCountry: "IN", ShippingCountry: "GB",
		Metadata: map[string]string{"channel": "web", hard: hard},
		Receipt:  transaction.Receipt{Client: "shop", BodyDigest: "beef", Call: "call-1"},
	}
}

// unfinished returns a transaction without any optional values, and with empty lists instead of nil ones.
func unfinished() ledger.Entry {
	e := Accepted(2)
	e.Record.Decide(fraud.Decision{Outcome: fraud.Approve, Reasons: []fraud.Reason{}})
	e.Record.Payment.Amount, e.Record.Order.Cost = json.Number("0.10"), json.Number("123.00")
	return e
}
