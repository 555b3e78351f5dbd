package ledger

import (
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"dummyorders/domain/velocity"
)

// busyValues keeps the uses of busy values in memory with their labels, since reading a thousand rows takes most of a check's time.
// Each check asks, in the database transaction that decides, whether they are still what the database has: see stretch.join.
type busyValues struct {
	stretches *lru.Cache[velocity.Lookup, *stretch]
	from      int // how many uses make a value busy
}

const (
	busyFrom = 100
	// fresh is how many of a value's newest uses are always read: one that was accepted before them may yet come. It is one more
	// than the offsets in the triggers of migration 19.
	fresh    = 16
	mostBusy = 64 // values; of one whose values are asked for, a thousand uses take about 700 KB
	// mostChanges is how many changes of labels are read. After more of them all uses are read again.
	mostChanges = 64
	// keptFor is how long a stretch is used: the changes of labels are known for longer.
	keptFor = 24 * time.Hour
)

func newBusyValues() *busyValues {
	stretches, err := lru.New[velocity.Lookup, *stretch](mostBusy)
	if err != nil {
		panic(err) // the size is positive
	}
	return &busyValues{stretches, busyFrom}
}

// stretch holds all uses of a value that are later than after, up to until: the newest first, with their labels if they were asked for. It
// is empty if it is known only that they are many.
type stretch struct {
	after, until time.Time
	uses         []velocity.Use
	// witness is the transaction that was counted when the uses were read. A server that lost its last commits in a crash, and has this
	// one, has all that came before.
	witness string
	late    int64 // how many uses of the value had come late
	changes int64 // from where on changes of labels were not known
	read    time.Time
}

// state says what has happened to uses and labels that are in memory.
type state struct {
	late    []int64                     // for each lookup, how many uses of its value have come late
	deleted time.Time                   // the latest time of a use that was deleted
	changes int64                       // where the next change of labels will stand, or a smaller number
	changed int                         // how many changes of labels were read
	labels  map[string][]velocity.Label // the labels of the transactions that these changes are about
}

// add adds a part of the state that was read: for a lookup, or, with -1, for all.
func (s *state) add(lookup int, part velocity.Use) {
	switch {
	case lookup >= 0:
		s.late[lookup] = part.Amount.Minor
	case part.TransactionID == "":
		s.deleted, s.changes = part.At, part.Amount.Minor
	default:
		s.changed++
		labels := s.labels[part.TransactionID]
		if len(part.Labels) == 0 || !slices.Contains(labels, part.Labels[0]) { // labels that changed twice are read twice
			labels = append(labels, part.Labels...)
		}
		s.labels[part.TransactionID] = labels
	}
}

// remembering finds what a transaction's lookups ask for, and reads only what is not in memory: look, lookAgain and past are called
// in this order, and what the first two return is run before the next. The transaction holds the locks of its values, or is the
// only one that writes: no use can come between the statements.
type remembering struct {
	*Ledger

	of      velocity.Use
	lookups []velocity.Lookup
	known   []*stretch
	now     *state
	found   []uses           // what was read
	all     [][]velocity.Use // what is known by now
	keeps   []bool           // whether that is kept in memory
	changed []int            // the lookups whose uses in memory are not those in the ledger
}

func (l *Ledger) remember(of velocity.Use, lookups []velocity.Lookup) *remembering {
	n := len(lookups)
	return &remembering{Ledger: l, of: of, lookups: lookups, known: make([]*stretch, n), all: make([][]velocity.Use, n), keeps: make([]bool, n)}
}

// look reads what is not in memory.
func (r *remembering) look() (read []statement, err error) {
	for i, asked := range r.lookups {
		r.known[i] = r.busy.get(asked)
	}
	r.found, r.now, read, err = r.findAgain(r.of.TransactionID, r.lookups, r.known)
	return read, err
}

// lookAgain reads the lookups whole whose uses in memory have changed.
func (r *remembering) lookAgain() (read []statement, err error) {
	var again []velocity.Lookup
	for i, asked := range r.lookups {
		joined, whole := r.known[i].join(r.found[i].newestFirst(), asked, r.of.TransactionID, r.now, r.now.late[i])
		r.all[i] = joined
		r.keeps[i] = !whole || r.known[i] != nil && r.known[i].uses == nil || len(r.found[i].all) > fresh+fresh/2 || r.now.changed > 0
		if !whole {
			r.changed, again = append(r.changed, i), append(again, asked)
		}
	}
	r.found, read, err = r.find(r.of.TransactionID, again)
	return read, err
}

// past returns all uses. If counted, the transaction is counted in the same database transaction, and can be a witness.
func (r *remembering) past(counted bool) velocity.Past {
	for n, i := range r.changed {
		r.all[i] = r.found[n].newestFirst()
	}
	past := velocity.Past{}
	for i, asked := range r.lookups {
		switch {
		case r.known[i] == nil:
			r.busy.watch(asked, len(r.all[i]))
		case counted && r.keeps[i]:
			r.busy.keep(asked, r.all[i], r.of, r.now, r.now.late[i])
		}
		past.Join(asked.Pool(), r.all[i])
	}
	return past
}

// join returns the uses that a lookup asks for, the newest first: those that were read, which are all later than the stretch,
// and those of the stretch without the transaction itself. It reports whether these are all. They are not if
//
//   - the stretch does not reach back as far,
//   - uses have come late since, which may belong into the stretch,
//   - uses were deleted that the lookup asks for,
//   - more labels have changed than were read, or
//   - the witness is gone, or is the transaction itself.
func (s *stretch) join(read []velocity.Use, asked velocity.Lookup, transactionID string, now *state, late int64) (all []velocity.Use, whole bool) {
	if s == nil || s.uses == nil {
		return read, true
	}
	if s.late != late || asked.After.Before(now.deleted) || now.changed > mostChanges || now.changes < s.changes ||
		!slices.ContainsFunc(read, func(u velocity.Use) bool { return u.TransactionID == s.witness }) {
		return nil, false
	}
	all = slices.Grow(read, len(s.uses))
	for _, use := range s.uses {
		if !use.At.After(asked.After) || len(all) == velocity.MostUses {
			break
		}
		if use.TransactionID == transactionID {
			continue
		}
		if len(now.labels) > 0 && asked.Labels {
			if labels, changed := now.labels[use.TransactionID]; changed {
				use.Labels = labels
			}
		}
		all = append(all, use)
	}
	return all, !asked.After.Before(s.after) || len(all) == velocity.MostUses
}

// keyOf returns the lookup without what differs from check to check.
func keyOf(asked velocity.Lookup) velocity.Lookup {
	asked.After = time.Time{}
	if asked.Across {
		asked.Merchant = ""
	}
	return asked
}

// get returns what is known of the uses that a lookup asks for: an empty stretch if only that they are many, and nil if not even
// that.
func (b *busyValues) get(asked velocity.Lookup) *stretch {
	s, known := b.stretches.Get(keyOf(asked))
	switch {
	case !known:
		return nil
	case !asked.After.Before(s.until) || time.Since(s.read) > keptFor:
		return &stretch{}
	}
	return s
}

// watch marks a value whose uses are many: the next check also asks for the state, which keep needs. Most values have few uses. What a
// delay leaves out differs from check to check, so lookups with one are always read.
func (b *busyValues) watch(asked velocity.Lookup, uses int) {
	if uses >= b.from && asked.Until.IsZero() {
		b.stretches.Add(keyOf(asked), &stretch{})
	}
}

// keep keeps all uses that a lookup found, the newest first, if they are many and the transaction of, which is not in them, is
// newer than what is kept.
func (b *busyValues) keep(asked velocity.Lookup, all []velocity.Use, of velocity.Use, now *state, late int64) {
	if len(all) < b.from {
		b.stretches.Remove(keyOf(asked))
		return
	}
	s := &stretch{after: asked.After, witness: of.TransactionID, late: late, changes: now.changes, read: time.Now()}
	if len(all) == velocity.MostUses {
		s.after = all[len(all)-1].At // there may be more of the same time
	}
	settled := all[fresh-1].At
	s.uses = slices.DeleteFunc(slices.Clone(all), func(u velocity.Use) bool { return !u.At.Before(settled) || !u.At.After(s.after) })
	if len(s.uses) == 0 {
		return
	}
	if s.until = s.uses[0].At; of.At.After(s.until) {
		b.stretches.Add(keyOf(asked), s)
	}
}
