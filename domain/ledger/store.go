package ledger

import (
	"context"
	"errors"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
)

// Entry is a transaction as the ledger keeps it: its record, and what was posted, which holds no card number.
type Entry struct {
	Record      Record                  `json:"record"`
	Transaction transaction.Transaction `json:"transaction"`
	Mark        Mark                    `json:"mark"`
}

// Mark orders the entries of one transaction: the later one counts. Time comes first, because a workflow task that a
// killed worker had begun is begun again later, and may then number its entries differently.
type Mark struct {
	At     time.Time `json:"at"`
	Number int       `json:"number"`
}

// ErrNotFound is for a transaction that the ledger does not hold.
var ErrNotFound = errors.New("the ledger holds no such transaction")

// Writer keeps transactions.
type Writer interface {
	// Save keeps an entry, unless it holds one of a later mark of the same transaction: then it does nothing. What was
	// saved survives a power failure.
	Save(ctx context.Context, e Entry) error
}

// Reader finds transactions.
type Reader interface {
	// Find is the entry of a transaction, or ErrNotFound.
	Find(ctx context.Context, transactionID string) (Entry, error)
	// List is a page of entries, the newest start first.
	List(ctx context.Context, q Query) (Page, error)
}

// Labeler takes what turned out to be true about transactions.
type Labeler interface {
	// Label keeps a label beside those of other sources and other words. The same source with the same word again changes
	// its note and leaves its time. It answers the label as it is kept now, or ErrNotFound.
	Label(ctx context.Context, transactionID string, l Label) (Label, error)
}

// Pruner lets go of what is old.
type Pruner interface {
	// Prune deletes at most limit transactions that ended before a time, and says how many it has deleted. One that has
	// not ended is kept, however old.
	Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Query chooses entries. What is left at its zero value chooses nothing away.
type Query struct {
	Status  transaction.Status
	Outcome fraud.Outcome
	OrderID string
	Since   time.Time // started then, or later
	Until   time.Time // started before
	After   Cursor    // the end of the page before
	Limit   int       // of entries in the page; at least 1
}

// Cursor is a place in the list. It stays where it is while transactions are added before or after it.
type Cursor struct {
	StartTime     time.Time
	TransactionID string
}

// Page is a part of a list. Next is where the next one begins, or zero at the end.
type Page struct {
	Entries []Entry
	Next    Cursor
}
