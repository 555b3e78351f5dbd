// Package audit looks at the ledger from outside: Verifier compares it with Temporal's histories, and Export writes it
// out for spreadsheets and programs.
package audit

import (
	"context"
	"errors"
	"time"

	"dummyorders/domain/ledger"
)

// History is what Temporal knows of transactions.
type History interface {
	// Started calls each for the workflows that started within a span, in any order, perhaps twice for one. Those of the
	// last seconds may be left out: Temporal's index lags.
	Started(ctx context.Context, span Span, each func(Execution) error) error
	// Execution is how a transaction's workflow stands, or ErrForgotten.
	Execution(ctx context.Context, transactionID string) (Execution, error)
	// Record is what a transaction's workflow says of itself. It fails with ErrForgotten or ErrUnanswered.
	Record(ctx context.Context, transactionID string) (ledger.Record, error)
	// Retention is how long histories are kept after their end.
	Retention(ctx context.Context) (time.Duration, error)
}

// ErrForgotten is for a transaction that Temporal holds no history of.
var ErrForgotten = errors.New("temporal holds no history of the transaction")

// ErrUnanswered is for a workflow that no worker spoke for. Histories are replayed by the orders worker.
var ErrUnanswered = errors.New("no orders worker answered for the workflow")

// ErrNoWorker ends a comparison in which nobody answers.
var ErrNoWorker = errors.New("no orders worker answers queries: the comparison needs one, start it with `orders worker`")

// Execution is a transaction's workflow, seen from outside.
type Execution struct {
	TransactionID string
	State         string    // in Temporal's word, such as running or terminated
	Started       time.Time // zero where unknown
	Closed        time.Time // zero while it runs
}

// Span is a stretch of time. A zero end is open.
type Span struct {
	Since time.Time // the first instant in it
	Until time.Time // the first instant after it
}

// pageSize bounds what is held in memory at once.
const pageSize = 500

// entries calls each for the ledger's entries, the newest first.
func entries(ctx context.Context, from ledger.Reader, q ledger.Query, each func(ledger.Entry) error) error {
	q.Limit = pageSize
	for {
		page, err := from.List(ctx, q)
		if err != nil {
			return err
		}
		for _, entry := range page.Entries {
			if err := each(entry); err != nil {
				return err
			}
		}
		if page.Next == (ledger.Cursor{}) {
			return nil
		}
		q.After = page.Next
	}
}
