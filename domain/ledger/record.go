// Package ledger defines the lasting record of a transaction, in the words that clients read.
package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// Answer is the answer to the merchant who posted a transaction.
type Answer struct {
	Message           string          `json:"message" example:"Transaction Successful"`
	TransactionID     string          `json:"transactionID"`
	TransactionStatus Status          `json:"transactionStatus"`
	Decision          *fraud.Decision `json:"decision,omitempty" doc:"What the fraud check found; absent until it has answered"`
	Review            *review.Review  `json:"review,omitempty" doc:"The review by a person; absent if there was none"`
	Payment           *payment.Result `json:"payment,omitempty" doc:"The gateway that was asked for the money, and why it was not taken; absent until a gateway was chosen"`
}

// Status holds a transaction's status as code and name, and whether a verdict of fraud stopped the transaction.
type Status struct {
	Code        transaction.Status `json:"code" example:"18"`
	Status      string             `json:"status" example:"TRANSACTION_PAYMENT_COMPLETE"`
	FraudStatus bool               `json:"fraudStatus"`
}

// Record holds everything known about a transaction: the answer, what was posted, and the steps so far.
type Record struct {
	Answer

	Merchant      string             `json:"merchant" doc:"Who owns the transaction"`
	Order         Order              `json:"order"`
	PaymentMethod string             `json:"paymentMethod"`
	Payment       Payment            `json:"payment"`
	CustomerID    string             `json:"customerID,omitempty"`
	Metadata      map[string]string  `json:"metadata,omitempty"`
	Explanation   *fraud.Explanation `json:"explanation,omitempty" doc:"How the fraud check came to its decision; absent if it gave no explanation"`
	Labels        []Label            `json:"labels,omitempty" doc:"What turned out to be true"`
	StartTime     time.Time          `json:"startTime"`
	EndTime       *time.Time         `json:"endTime" doc:"When the last step was done; null while steps are left"`
	Steps         []Step             `json:"steps"`
	// Retries are known while the transaction runs, and are stored nowhere.
	Retries []Retry `json:"retries,omitempty" doc:"What has failed and is tried again; only where one running transaction is asked for"`
}

// Retry is a step of a running transaction that has failed and is tried again.
type Retry struct {
	Step    string     `json:"step" example:"Capture" doc:"The activity, as Temporal names it"`
	Failed  int        `json:"failed" doc:"How many tries have failed"`
	Next    *time.Time `json:"next,omitempty" doc:"When it is tried again; absent while it is being tried"`
	Failure string     `json:"failure,omitempty" doc:"Why the last try failed; absent for callers of some merchants only"`
}

// Order is the order as it was posted, without its items.
type Order struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Cost     json.Number `json:"cost"`
	Currency string      `json:"currency"`
}

// Payment is the payment with the card masked, and its progress so far.
type Payment struct {
	Card    string `json:"card,omitempty" example:"123456******4321"`
	Brand   string `json:"brand,omitempty"`
	CoBrand string `json:"coBrand,omitempty" doc:"The second brand of a card that has two"`
	Type    string `json:"type"`
	money.Wire
	AuthorizationID string     `json:"authorizationID,omitempty"`
	CaptureID       string     `json:"captureID,omitempty"`
	VoidedAt        *time.Time `json:"voidedAt,omitempty" doc:"When the hold was released"`
	RefundID        string     `json:"refundID,omitempty" doc:"Set if the money was taken and given back"`
	payment.Result
	Error     string `json:"error,omitempty" doc:"Why no money was taken, in the gateway's words"`
	StillHeld string `json:"stillHeld,omitempty" doc:"Why the money could not be given back; a person must do it"`
}

// Step is a status that the transaction reached, with the time.
type Step struct {
	Code   transaction.Status `json:"code"`
	Status string             `json:"status"`
	Time   time.Time          `json:"time"`
}

// Open returns the record of a transaction that was just accepted.
func Open(t transaction.Transaction, at time.Time) *Record {
	cost := t.Order.Cost.Wire()
	r := &Record{
		Answer:        Answer{TransactionID: t.ID},
		Merchant:      identity.MerchantOf(t.Merchant),
		Order:         Order{ID: t.Order.ID, Name: t.Order.Name, Cost: cost.Amount, Currency: cost.Currency},
		PaymentMethod: t.PaymentMethod,
		Payment: Payment{
			Card: t.Payment.Card.Masked(), Brand: t.Payment.Card.Brand, CoBrand: t.Payment.Card.CoBrand, Type: t.Payment.Type,
			Wire: t.Payment.Amount.Wire(),
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

// Decide records the fraud check's decision. The explanation is kept apart from the answer, because merchants read the
// answer.
func (r *Record) Decide(d fraud.Decision) {
	r.Explanation, d.Explanation = d.Explanation, nil
	r.Decision = &d
}

// Move records that the transaction reached a status.
func (r *Record) Move(to transaction.Status, at time.Time) {
	r.Answer = r.answerAt(to)
	r.Answer.Payment = nil // Record.Payment has it
	r.Steps = append(r.Steps, Step{Code: to, Status: to.String(), Time: at})
}

// CallersAnswer returns the answer for the caller that posted the transaction: the settled answer, which stays the same, or,
// until there is one, the transaction's current state.
func (r *Record) CallersAnswer() Answer {
	if settled := r.SettledAnswer(); settled != nil {
		return *settled
	}
	return r.Standing()
}

// Standing returns the answer for the transaction's current state.
func (r *Record) Standing() Answer {
	return r.answerAt(r.Status())
}

// SettledAnswer returns the answer as it was when the transaction was settled, or nil if it is not settled. Later statuses
// of the alert do not change it.
func (r *Record) SettledAnswer() *Answer {
	for _, step := range r.Steps {
		if step.Code.Settled() {
			answer := r.answerAt(step.Code)
			return &answer
		}
	}
	return nil
}

func (r *Record) answerAt(status transaction.Status) Answer {
	a := r.Answer
	a.TransactionStatus = Status{Code: status, Status: status.String(), FraudStatus: r.fraudulent()}
	a.Message = r.message(status)
	if result := r.Payment.Result; result != (payment.Result{}) {
		a.Payment = &result
		if status != transaction.PaymentError {
			a.Payment.Decline = nil
		}
	}
	return a
}

// fraudulent reports whether there is a verdict of fraud. A person's verdict overrides the fraud check's; an expired
// deadline says nothing about fraud.
func (r *Record) fraudulent() bool {
	if r.Review != nil {
		return r.Review.Verdict == review.Decline && !r.Review.Expired
	}
	return r.Decision != nil && r.Decision.Fraudulent()
}

// Clone returns a copy that later changes of the record do not affect.
func (r *Record) Clone() Record {
	c := *r
	c.Steps, c.Labels = slices.Clone(r.Steps), slices.Clone(r.Labels)
	if r.Review != nil {
		asked := *r.Review
		c.Review = &asked
	}
	return c
}

// Close records the time at which the last step was done.
func (r *Record) Close(at time.Time) {
	r.EndTime = &at
}

// Releasing reports whether money that the transaction does not take may still be held, and the gateway is asked to give it back.
// That is over once the gateway has done so or refused for good.
func (r *Record) Releasing() bool {
	status, p := r.Status(), r.Payment
	unknown := p.Decline != nil && p.Decline.Code == payment.GatewayUnavailable
	return status.Settled() && status != transaction.PaymentComplete && r.EndTime == nil &&
		(p.AuthorizationID != "" || unknown) && p.VoidedAt == nil && p.RefundID == ""
}

// Status returns the transaction's current status.
func (r *Record) Status() transaction.Status {
	return r.TransactionStatus.Code
}

// message returns the seed's sentence for a status, or a new one where the seed had none.
func (r *Record) message(status transaction.Status) string {
	switch status {
	case transaction.PaymentComplete:
		return "Transaction Successful"
	case transaction.PaymentError:
		return "Transaction Payment Failed"
	case transaction.InReview:
		if r.Review.AwaitsSecond() {
			return "Transaction In Review, A Second Person Has To Agree"
		}
		return "Transaction In Review"
	case transaction.Fraudulent, transaction.AlertInitiated, transaction.AlertError, transaction.AlertDone:
		if r.fraudulent() {
			return "Transaction Fraudulent"
		}
		return "Transaction Stopped, Not Reviewed"
	case transaction.Pending, transaction.PaymentInitiated:
	}
	return "Transaction Pending"
}

// PendingAnswer returns the answer for a transaction that is not settled yet.
func PendingAnswer(transactionID string) Answer {
	r := Record{Answer: Answer{TransactionID: transactionID}}
	return r.answerAt(transaction.Pending)
}

// ClosedError means that a review can no longer be decided.
type ClosedError struct {
	Why    string  // who has decided, or the transaction's status
	Status *Status // nil if unknown
}

// Error implements error.
func (e *ClosedError) Error() string { return e.Why }

// PosterError means that who posted a transaction asks to approve it.
type PosterError struct {
	Why string
}

// Error implements error.
func (e *PosterError) Error() string { return e.Why }

// WorseError means that the reviewer has to confirm an approval, because the fraud check's result has got worse.
type WorseError struct {
	Why string
	Now *fraud.Decision // nil if unknown
}

// Error implements error.
func (e *WorseError) Error() string { return e.Why }
