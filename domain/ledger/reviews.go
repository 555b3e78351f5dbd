package ledger

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/review"
)

// Reviews lists the transactions in review, and keeps who works on which. That a person works on one keeps no other verdict
// from it: the first verdict counts.
type Reviews interface {
	// Reviews returns a page of the transactions in review. A query that names no merchants finds none.
	Reviews(ctx context.Context, q ReviewQuery) (ReviewPage, error)
	// Assigned returns who works on a transaction of one of these merchants now, or nil.
	Assigned(ctx context.Context, of identity.Merchants, transactionID string, now time.Time) (*Assignment, error)
	// Assign gives a transaction to a person, also to one who has it already. It fails with ErrNotInReview, and with a
	// *TakenError if another person has it.
	Assign(ctx context.Context, of identity.Merchants, transactionID string, a Assignment, now time.Time) error
	// Release takes a transaction back from a person, or from any person if the name is empty. If it is free, Release does
	// nothing. It fails with a *TakenError if another person has it.
	Release(ctx context.Context, of identity.Merchants, transactionID, person string, now time.Time) error

	// Waiting returns how many transactions are in review, and the next deadline.
	Waiting(ctx context.Context, of identity.Merchants) (count int, next time.Time, err error)
	// Reviewed returns the reviews that were decided since a time, the latest first, and at most limit of them.
	Reviewed(ctx context.Context, of identity.Merchants, since time.Time, limit int) ([]Reviewed, error)
}

// Reviewed is a review that was decided, with what is known about its transaction from outside.
type Reviewed struct {
	Review review.Review
	Labels []Label // those of other sources than ByReviewer, with their words and sources only
}

// Assignment says who works on a transaction in review, and until when.
type Assignment struct {
	Person string    `json:"person" doc:"Who has taken the transaction"`
	Until  time.Time `json:"until" doc:"When others can take it, unless it is taken again before"`
}

// ReviewSort is an order of the transactions in review.
type ReviewSort string

// The orders: the next deadline first; the greatest amount first, currency by currency; and the highest score first.
const (
	ByDeadline ReviewSort = "deadline"
	ByAmount   ReviewSort = "amount"
	ByScore    ReviewSort = "score"
)

// QueueOf says whose queue a review is in.
type QueueOf string

// Whose queues reviews can be in, for the one who asks.
const (
	QueueMine   QueueOf = "mine"
	QueueOthers QueueOf = "others"
	QueueNone   QueueOf = "none"
)

// ReviewQuery selects transactions in review. Except for Merchants, a field with its zero value excludes none.
type ReviewQuery struct {
	Merchants identity.Merchants
	Currency  string
	Sort      ReviewSort // ByDeadline by default
	Mine      string     // those that this person has taken
	Free      bool       // those that are free
	Queue     QueueOf    // those in the queues of Whose, of others, or of none
	Queues    review.Queues
	Whose     []string
	Now       time.Time
	After     ReviewCursor // the end of the page before
	Limit     int          // transactions in the page; at least 1
}

// ReviewCursor is a place in the list of one order. Only what that order goes by is set, and the id.
type ReviewCursor struct {
	Deadline      time.Time `json:"deadline,omitzero"`
	Currency      string    `json:"currency,omitempty"`
	Amount        int64     `json:"amount,omitempty"` // in minor units
	Score         int64     `json:"score,omitempty"`
	TransactionID string    `json:"id"`
}

// ReviewPage is a part of the list, with Next and Size as those of a Page.
type ReviewPage struct {
	Reviews []InReview
	Next    ReviewCursor
	Size    int
}

// InReview is a transaction in review: its record without the explanation, and who has taken it.
type InReview struct {
	Record     Record
	Assignment *Assignment
}

// TakenError means that another person works on a transaction.
type TakenError struct {
	Assignment
}

// Error implements error.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s has taken it until %s", e.Person, e.Until.UTC().Format(time.RFC3339))
}
