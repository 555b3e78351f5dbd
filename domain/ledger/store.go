package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// Entry is a transaction as the ledger keeps it: its record, and the posted data, which holds no card number.
type Entry struct {
	Record      Record                  `json:"record"`
	Transaction transaction.Transaction `json:"transaction"`
	Mark        Mark                    `json:"mark"`
}

// Mark orders the entries of one transaction: the later one counts. The time is compared first, because a workflow task that
// a killed worker had begun is run again later, and may then number its entries differently.
type Mark struct {
	At     time.Time `json:"at"`
	Number int       `json:"number"`
}

// ErrNotFound means that the ledger does not hold the transaction.
var ErrNotFound = errors.New("the ledger holds no such transaction")

// MostNotes is how many earlier notes a label keeps.
const MostNotes = 100

// ErrTooManyNotes means that a label has all the earlier notes that it may have, and keeps its note.
var ErrTooManyNotes = fmt.Errorf("the label already has %d earlier notes, the most it can have", MostNotes)

// ErrNotInReview means that no decision is needed about a transaction, as far as the ledger knows.
var ErrNotInReview = errors.New("the transaction is not in review")

// Writer writes transactions to the ledger.
type Writer interface {
	// Save writes an entry. If the ledger holds an entry of the same transaction with a later mark, Save does nothing. A
	// saved entry survives a power failure.
	Save(ctx context.Context, e Entry) error
}

// Reader reads transactions from the ledger.
type Reader interface {
	// Find returns the entry of a transaction of one of these merchants, or ErrNotFound.
	Find(ctx context.Context, of identity.Merchants, transactionID string) (Entry, error)
	// List returns a page of entries, those with the newest start first. A query that names no merchants finds none.
	List(ctx context.Context, q Query) (Page, error)
}

// Searcher reads the ledger for people who search it.
type Searcher interface {
	Reader
	// Reach returns the place of the last entry that a search may look at, if it looks at most at this many. It is zero if the
	// search may look at all: an index leads to what is searched for, or there are fewer entries. The query's own DownTo does not count.
	Reach(ctx context.Context, q Query, entries int) (Cursor, error)
}

// Labeler keeps labels, which say what turned out to be true about transactions.
type Labeler interface {
	// Label adds a label to those of other sources and other words. If there is one with the same source and word, Label
	// changes its note and who gave it, leaves its time, and keeps the earlier note, or fails with ErrTooManyNotes. If the same
	// subject gives the same note again, nothing changes. It returns the label as it is kept now, or ErrNotFound, also for a
	// transaction of other merchants than these.
	Label(ctx context.Context, of identity.Merchants, transactionID string, l Label) (Label, error)
}

// Pruner deletes old transactions.
type Pruner interface {
	// Prune deletes at most limit transactions that ended before endedBefore, and returns how many it has deleted. A
	// transaction that has not ended is kept, however old it is.
	Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Query selects entries. Except for Merchants, a field with its zero value excludes none.
type Query struct {
	Merchants identity.Merchants // whose entries; none by default
	Status    transaction.Status
	Outcome   fraud.Outcome
	OrderID   string

	Releasing       bool // the gateway is asked to give back what it may hold
	CustomerID      string
	CardLastFour    string
	CardFingerprint string // found by CardLastFour, which must be set too
	IP              string

	// No index leads to these six: each entry that the other fields leave is read.
	PaymentMethod        string
	Currency             money.Currency
	AmountFrom, AmountTo int64        // in minor units; zero for no bound
	Rule                 string       // a rule that hit, also in shadow
	Disagrees            fraud.Shadow // whose trial had another outcome than the decision
	Metadata             map[string]string

	Since time.Time // entries that started then or later
	Until time.Time // entries that started before then
	After Cursor    // the end of the page before
	Limit int       // entries in the page; at least 1
	Brief bool      // leave out explanations and what was posted, which are most of an entry

	DownTo Cursor // the last place to look at, as Reach has returned it for this query; zero for no bound
}

// Cursor is a place in the list. It stays at that place while transactions are added before or after it.
type Cursor struct {
	StartTime     time.Time
	TransactionID string
}

// pageSize bounds what Entries holds in memory at once.
const pageSize = 500

// Entries returns all entries that a query chooses, those with the newest start first. It reads them page by page and
// ignores the query's limit. An error is the last that it returns, with a zero entry.
func Entries(ctx context.Context, from Reader, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		q.Limit = pageSize
		for {
			page, err := from.List(ctx, q)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page.Entries {
				if !yield(e, nil) {
					return
				}
			}
			if page.Next == (Cursor{}) {
				return
			}
			q.After = page.Next
		}
	}
}

// Page is a part of a list. Next is where the next page begins, or zero at the end. Size is how many bytes of JSON its records take,
// about.
type Page struct {
	Entries []Entry
	Next    Cursor
	Size    int
}
