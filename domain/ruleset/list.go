package ruleset

import (
	"context"
	"errors"
	"time"
)

// ListEntry is an entry of a list that is kept in the database. A removed entry keeps the time of its
// removal; it is deleted LEDGER_RETENTION later at the earliest.
//
// Each change of any list, an addition or a removal, has a number, and each number is higher than all before it. So the entries of all
// lists as they were after a change are those with Number <= change < RemovedIn.
type ListEntry struct {
	Number  int64     `json:"number" doc:"The number of the change that added it"`
	Value   string    `json:"value" doc:"As it is compared: an address as its network, a domain in ASCII"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by,omitempty" doc:"Who added it; absent if the list is a file, as is all but the value"`
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero" doc:"Transactions from that time on are not on the list by it"`

	RemovedIn     int64     `json:"removedIn,omitempty" doc:"The number of the change that removed it; absent if none has"`
	RemovedBy     string    `json:"removedBy,omitempty"`
	RemovedAt     time.Time `json:"removedAt,omitzero"`
	RemovedReason string    `json:"removedReason,omitempty"`

	// List and Of say which list it is on. A list that is of another value now has none of its earlier entries.
	List string `json:"-"`
	Of   string `json:"-"`
}

// Counts reports whether transactions of that time are on the list by the entry. It does not ask whether the entry was removed.
func (e ListEntry) Counts(at time.Time) bool {
	return e.Expires.IsZero() || at.Before(e.Expires)
}

// EntryQuery selects entries of a list.
type EntryQuery struct {
	List, Of string
	Search   string // what the value or the reason must contain, whatever the case; empty for all
	Removed  bool   // those that were removed too
	Before   int64  // only entries with lower numbers
	Limit    int
}

// Lists keeps the entries of lists.
type Lists interface {
	// AddEntry keeps an entry, and returns it with its number. It fails with a *ListedError if the value is on the list already,
	// and with ErrMayNotChange, as RemoveEntry does.
	AddEntry(ctx context.Context, e ListEntry) (ListEntry, error)
	// RemoveEntry ends the entry of that number, list and value looked up, and returns it. It fails with ErrNoEntry, also if the entry
	// was removed before.
	RemoveEntry(ctx context.Context, removed ListEntry) (ListEntry, error)
	// Entries returns entries, the newest first.
	Entries(ctx context.Context, q EntryQuery) ([]ListEntry, error)
	// EntryChanges returns the entries of all lists that were added or removed by changes with higher numbers than that one.
	EntryChanges(ctx context.Context, after int64) ([]ListEntry, error)
	// EntryNumbers returns the numbers of the entries of all lists that have not been deleted.
	EntryNumbers(ctx context.Context) ([]int64, error)
}

// EntryPruner deletes old entries of lists.
type EntryPruner interface {
	// PruneEntries deletes entries that ended before a time, and before every transaction that is kept. It deletes at most as many as
	// limit, and returns how many.
	PruneEntries(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Why entries are not shown or changed.
var (
	ErrNoList  = errors.New("no such list in the rulesets in use")
	ErrNoEntry = errors.New("no such entry is on the list now")
	// ErrMayNotChange means that the database does not let this process change rulesets and lists.
	ErrMayNotChange = errors.New("this process may not change rulesets and lists")
)

// ListedError says that a value is on a list already.
type ListedError struct {
	Entry ListEntry
}

// Error says so without the value.
func (e *ListedError) Error() string { return "the value is on the list already" }
