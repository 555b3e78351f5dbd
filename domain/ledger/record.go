// Package ledger is what is remembered of a transaction, in the words that clients read.
package ledger

import (
	"encoding/json"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
)

// Answer is what the merchant who posted a transaction gets back.
type Answer struct {
	Message           string          `json:"message" example:"Transaction Successful"`
	TransactionID     string          `json:"transactionID"`
	TransactionStatus Status          `json:"transactionStatus"`
	Decision          *fraud.Decision `json:"decision,omitempty" doc:"What the fraud check found; absent until it has answered"`
}

// Status is a transaction's status, as code and name, and whether a verdict of fraud stopped it.
type Status struct {
	Code        transaction.Status `json:"code" example:"18"`
	Status      string             `json:"status" example:"TRANSACTION_PAYMENT_COMPLETE"`
	FraudStatus bool               `json:"fraudStatus"`
}

// Record is everything there is to know about a transaction: the answer, what was posted, and the steps so far.
type Record struct {
	Answer

	Order         Order             `json:"order"`
	PaymentMethod string            `json:"paymentMethod"`
	Payment       Payment           `json:"payment"`
	CustomerID    string            `json:"customerID,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	StartTime     time.Time         `json:"startTime"`
	EndTime       *time.Time        `json:"endTime" doc:"When the last step was done; null while there are more to come"`
	Steps         []Step            `json:"steps"`
}

// Order is the order as it was posted, without its items.
type Order struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Cost     json.Number `json:"cost"`
	Currency string      `json:"currency"`
}

// Payment is the payment with the card masked, and where it got to.
type Payment struct {
	Card            string      `json:"card" example:"123456******4321"`
	Brand           string      `json:"brand"`
	Type            string      `json:"type"`
	Amount          json.Number `json:"amount"`
	Currency        string      `json:"currency"`
	AuthorizationID string      `json:"authorizationID,omitempty"`
	CaptureID       string      `json:"captureID,omitempty"`
	Error           string      `json:"error,omitempty" doc:"Why no money was taken"`
}

// Step is a status that the transaction reached, and when.
type Step struct {
	Code   transaction.Status `json:"code"`
	Status string             `json:"status"`
	Time   time.Time          `json:"time"`
}

// Open is the record of a transaction that was just accepted.
func Open(t transaction.Transaction, at time.Time) *Record {
	r := &Record{
		Answer:        Answer{TransactionID: t.ID},
		Order:         Order{ID: t.Order.ID, Name: t.Order.Name, Cost: t.Order.Cost.Decimal(), Currency: string(t.Order.Cost.Currency)},
		PaymentMethod: t.PaymentMethod,
		Payment: Payment{
			Card: t.Payment.Card.Masked(), Brand: t.Payment.Card.Brand, Type: t.Payment.Type,
			Amount: t.Payment.Amount.Decimal(), Currency: string(t.Payment.Amount.Currency),
		},
		Metadata:  t.Metadata,
		StartTime: at,
	}
	if t.Customer != nil {
		r.CustomerID = t.Customer.ID
	}
	r.Move(transaction.Pending, at)
	return r
}

// Decide notes the fraud check's decision.
func (r *Record) Decide(d fraud.Decision) {
	r.Decision = &d
}

// Move notes that the transaction reached a status.
func (r *Record) Move(to transaction.Status, at time.Time) {
	fraudulent := r.Decision != nil && r.Decision.Fraudulent()
	r.TransactionStatus = Status{Code: to, Status: to.String(), FraudStatus: fraudulent}
	r.Message = message(to, fraudulent)
	r.Steps = append(r.Steps, Step{Code: to, Status: to.String(), Time: at})
}

// Close notes that nothing more will happen.
func (r *Record) Close(at time.Time) {
	r.EndTime = &at
}

// Status is where the transaction stands.
func (r *Record) Status() transaction.Status {
	return r.TransactionStatus.Code
}

// message keeps the seed's sentences, and adds those it had no words for.
func message(status transaction.Status, fraudulent bool) string {
	switch status {
	case transaction.PaymentComplete:
		return "Transaction Successful"
	case transaction.PaymentError:
		return "Transaction Payment Failed"
	case transaction.Fraudulent, transaction.AlertInitiated, transaction.AlertError, transaction.AlertDone:
		if !fraudulent {
			return "Transaction Stopped, Not Evaluated"
		}
		return "Transaction Fraudulent"
	case transaction.Pending, transaction.PaymentInitiated:
	}
	return "Transaction Pending"
}

// PendingAnswer is the answer while nothing is settled.
func PendingAnswer(transactionID string) Answer {
	return Answer{
		Message:           message(transaction.Pending, false),
		TransactionID:     transactionID,
		TransactionStatus: Status{Code: transaction.Pending, Status: transaction.Pending.String()},
	}
}
