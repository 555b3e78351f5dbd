package ledger

import (
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

// remembering finds what a transaction's lookups ask for, and reads only what is not in memory: look, lookAgain and past are called
// in this order, and what the first two return is run before the next. The transaction holds the locks of its values, or is the
// only one that writes: no use can come between the statements.
type remembering struct {
	*Ledger

	of      velocity.Use
	lookups []velocity.Lookup
	known   []*stretch
	found   []uses           // what was read
	all     [][]velocity.Use // what is known by now
	changed []int            // the lookups whose uses in memory are not as many as in the ledger
}

func (l *Ledger) remember(of velocity.Use, lookups []velocity.Lookup) *remembering {
	return &remembering{Ledger: l, of: of, lookups: lookups, known: make([]*stretch, len(lookups)), all: make([][]velocity.Use, len(lookups))}
}

// look reads what is not in memory.
func (r *remembering) look() (read []statement, err error) {
	for i, asked := range r.lookups {
		r.known[i] = r.busy.get(asked)
	}
	r.found, read, err = r.find(r.of.TransactionID, r.lookups, r.known)
	return read, err
}

// lookAgain reads the lookups whole whose uses in memory have changed.
func (r *remembering) lookAgain() (read []statement, err error) {
	var again []velocity.Lookup
	for i, asked := range r.lookups {
		joined, whole := r.known[i].join(&r.found[i], asked, r.of.TransactionID)
		r.all[i] = joined
		switch {
		case !whole:
			r.changed, again = append(r.changed, i), append(again, asked)
		case r.known[i] == nil || len(r.found[i].all) > 2*r.busy.fresh:
			r.busy.keep(asked, joined, r.of)
		}
	}
	r.found, read, err = r.find(r.of.TransactionID, again, make([]*stretch, len(again)))
	return read, err
}

func (r *remembering) past() velocity.Past {
	for n, i := range r.changed {
		r.all[i] = r.found[n].newestFirst()
		r.busy.keep(r.lookups[i], r.all[i], r.of)
	}
	past := velocity.Past{}
	for i, asked := range r.lookups {
		past.Join(asked.Pool(), r.all[i])
	}
	return past
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
