package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"dummyorders/domain/velocity"
)

// busyValues keeps the uses of busy values in memory, since reading a thousand rows takes most of a check's time. It is right
// whatever other processes do: uses never change, and are deleted only by their age, so those in a span of time are the same as
// before as long as they are as many. Each check counts them, in the index, in the database transaction that decides. If they
// are not as many, as after one that came late, they are all read again.
type busyValues struct {
	stretches *lru.Cache[velocity.Lookup, *stretch]
	// from is how many uses make a value busy. The newest of them, fresh in number, are always read: one that was accepted before
	// them may yet come.
	from, fresh int
}

const (
	busyFrom = 100
	fresh    = 32
	mostBusy = 64 // values; of one whose values are asked for, a thousand uses take about 700 KB
)

func newBusyValues() *busyValues {
	stretches, err := lru.New[velocity.Lookup, *stretch](mostBusy)
	if err != nil {
		panic(err) // the size is positive
	}
	return &busyValues{stretches, busyFrom, fresh}
}

// stretch holds all uses of a value that are later than after, up to until: the newest first, without labels.
type stretch struct {
	after, until time.Time
	uses         []velocity.Use
}

// within returns a lookup that finds the uses of the stretch which another one asks for.
func (s *stretch) within(asked velocity.Lookup) velocity.Lookup {
	asked.After, asked.Until = later(asked.After, s.after), s.until
	return asked
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lookAgain finds what look does, and reads only what is not in memory. A transaction holds the locks of its values, or is the
// only one that writes: no use can come between the statements.
func (l *Ledger) lookAgain(ctx context.Context, tx *sql.Tx, of velocity.Use, lookups []velocity.Lookup) (velocity.Past, error) {
	known := make([]*stretch, len(lookups))
	for i, asked := range lookups {
		known[i] = l.busy.get(asked)
	}
	found, err := l.find(ctx, tx, of.TransactionID, lookups, known)
	if err != nil {
		return nil, err
	}
	all := make([][]velocity.Use, len(lookups))
	var changed []int
	for i, asked := range lookups {
		joined, whole := known[i].join(&found[i], asked, of.TransactionID)
		all[i] = joined
		switch {
		case !whole:
			changed = append(changed, i)
		case known[i] == nil || len(found[i].all) > 2*l.busy.fresh:
			l.busy.keep(asked, joined, of)
		}
	}
	if len(changed) > 0 {
		if err := l.readWhole(ctx, tx, of, lookups, changed, all); err != nil {
			return nil, fmt.Errorf("read it again: %w", err)
		}
	}
	past := velocity.Past{}
	for i, asked := range lookups {
		past.Join(asked.Pool(), all[i])
	}
	return past, nil
}

// readWhole reads all uses for the lookups that changed lists, into all.
func (l *Ledger) readWhole(
	ctx context.Context, tx *sql.Tx, of velocity.Use, lookups []velocity.Lookup, changed []int, all [][]velocity.Use,
) error {
	var again []velocity.Lookup
	for _, i := range changed {
		again = append(again, lookups[i])
	}
	found, err := l.find(ctx, tx, of.TransactionID, again, make([]*stretch, len(again)))
	if err != nil {
		return err
	}
	for n, i := range changed {
		all[i] = found[n].newestFirst()
		l.busy.keep(lookups[i], all[i], of)
	}
	return nil
}

// join returns the uses that a lookup asks for, the newest first: those that were read, which are all later than the stretch,
// and those of the stretch without the transaction itself. It reports whether these are all.
func (s *stretch) join(read *uses, asked velocity.Lookup, transactionID string) (all []velocity.Use, whole bool) {
	all = read.newestFirst()
	if s == nil {
		return all, true
	}
	known := 0
	all = slices.Grow(all, len(s.uses))
	for _, use := range s.uses {
		if !use.At.After(asked.After) {
			break
		}
		if known++; use.TransactionID != transactionID {
			use.Labels = read.labels[use.TransactionID]
			all = append(all, use)
		}
	}
	reachesBack := !asked.After.Before(s.after) || len(all) >= velocity.MostUses
	whole = known == read.known && reachesBack
	return all[:min(len(all), velocity.MostUses)], whole
}

// keyOf returns the lookup without what differs from check to check.
func keyOf(asked velocity.Lookup) velocity.Lookup {
	asked.After, asked.Labels = time.Time{}, false
	if asked.Across {
		asked.Merchant = ""
	}
	return asked
}

// get returns what is known of the uses that a lookup asks for, or nil. What a delay leaves out differs from check to check, so
// lookups with one are always read.
func (b *busyValues) get(asked velocity.Lookup) *stretch {
	s, known := b.stretches.Get(keyOf(asked))
	if !known || !asked.Until.IsZero() || !asked.After.Before(s.until) {
		return nil
	}
	return s
}

// keep keeps all uses that a lookup found, the newest first, if they are many and the transaction of, which is not in them, is
// newer than what is kept.
func (b *busyValues) keep(asked velocity.Lookup, all []velocity.Use, of velocity.Use) {
	if !asked.Until.IsZero() || len(all) < b.from {
		return
	}
	s, settled := &stretch{after: asked.After}, all[b.fresh-1].At
	if len(all) == velocity.MostUses {
		s.after = all[len(all)-1].At // there may be more of the same time
	}
	for _, use := range all {
		if use.At.Before(settled) && use.At.After(s.after) {
			use.Labels = nil
			s.uses, s.until = append(s.uses, use), later(s.until, use.At)
		}
	}
	if len(s.uses) > 0 && of.At.After(s.until) {
		b.stretches.Add(keyOf(asked), s)
	}
}
