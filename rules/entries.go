package rules

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/rules/lang"
)

// Entries holds the entries of all lists in the database, also those that were removed and not deleted. It never changes. nil has none.
type Entries struct {
	lists   map[listKey]*keptList
	changes []changed // by time
}

// listKey names a list: one that is of another value than before is another list.
type listKey struct{ name, of string }

// keptList is a list in the database.
type keptList struct {
	by   map[string][]ruleset.ListEntry // by value
	nets networks                       // of addresses: only the lengths of the prefixes
}

// changed says up to which change everything was made at a time.
type changed struct {
	at     time.Time
	number int64
}

// With returns the entries with those that were added or removed since.
func (e *Entries) With(since []ruleset.ListEntry) *Entries {
	next, own := &Entries{lists: map[listKey]*keptList{}}, map[listKey]bool{}
	if e != nil {
		maps.Copy(next.lists, e.lists)
		next.changes = slices.Clone(e.changes)
	}
	for _, entry := range slices.SortedFunc(slices.Values(since), func(a, b ruleset.ListEntry) int { return cmp.Compare(a.Number, b.Number) }) {
		key := listKey{entry.List, entry.Of}
		if !own[key] {
			next.lists[key], own[key] = next.lists[key].clone(), true
		}
		next.changes = append(next.changes, next.lists[key].take(entry)...)
	}
	slices.SortFunc(next.changes, func(a, b changed) int { return a.at.Compare(b.at) })
	last := int64(0) // clocks of several processes differ: a change may have an earlier time than the one before it
	for i := range next.changes {
		last = max(last, next.changes[i].number)
		next.changes[i].number = last
	}
	return next
}

// Only returns the entries with these numbers, as if there had been no others.
func (e *Entries) Only(numbers []int64) *Entries {
	kept := make(map[int64]bool, len(numbers))
	for _, number := range numbers {
		kept[number] = true
	}
	var rest []ruleset.ListEntry
	all := 0
	for _, l := range e.lists {
		for _, entries := range l.by {
			all += len(entries)
			for _, entry := range entries {
				if kept[entry.Number] {
					rest = append(rest, entry)
				}
			}
		}
	}
	if len(rest) == all {
		return e
	}
	return (*Entries)(nil).With(rest)
}

// clone returns a list that can be changed without a change of l, which may be nil.
func (l *keptList) clone() *keptList {
	if l == nil {
		return &keptList{by: map[string][]ruleset.ListEntry{}}
	}
	return &keptList{by: maps.Clone(l.by), nets: networks{lengths: slices.Clone(l.nets.lengths)}}
}

// take adds an entry, or replaces it, and returns what has changed.
func (l *keptList) take(entry ruleset.ListEntry) (changes []changed) {
	was := l.by[entry.Value]
	at := slices.IndexFunc(was, func(e ruleset.ListEntry) bool { return e.Number == entry.Number })
	if at < 0 {
		changes = append(changes, changed{entry.At, entry.Number})
	}
	if entry.RemovedIn > 0 && (at < 0 || was[at].RemovedIn == 0) {
		changes = append(changes, changed{entry.RemovedAt, entry.RemovedIn})
	}
	others := slices.DeleteFunc(slices.Clone(was), func(e ruleset.ListEntry) bool { return e.Number == entry.Number })
	l.by[entry.Value] = append(others, entry)
	if network, err := netip.ParsePrefix(entry.Value); err == nil {
		l.nets.note(network)
	}
	return changes
}

// Last returns the number of the last change.
func (e *Entries) Last() int64 {
	if e == nil || len(e.changes) == 0 {
		return 0
	}
	return e.changes[len(e.changes)-1].number
}

// change returns the number of the last change that was made by a time.
func (e *Entries) change(by time.Time) int64 {
	if e == nil {
		return 0
	}
	after := sort.Search(len(e.changes), func(i int) bool { return e.changes[i].at.After(by) })
	if after == 0 {
		return 0
	}
	return e.changes[after-1].number
}

// stood reports whether an entry was on its list after a change, for transactions of a time.
func stood(entry ruleset.ListEntry, change int64, at time.Time) bool {
	return entry.Number <= change && (entry.RemovedIn == 0 || change < entry.RemovedIn) && entry.Counts(at)
}

// on returns the number of the entry by which a value was on a list after a change, for transactions of a time. It is 0 if there is none.
func (e *Entries) on(l *list, value string, change int64, at time.Time) (number int64) {
	if e == nil || value == "" {
		return 0
	}
	kept := e.lists[listKey{l.Name, l.Of}]
	if kept == nil {
		return 0
	}
	find := func(spelled string) bool {
		for _, entry := range kept.by[spelled] {
			if stood(entry, change, at) { // two may, for a transaction from before the first one expired
				number = max(number, entry.Number)
			}
		}
		return number > 0
	}
	if l.value.Addresses() {
		kept.nets.any(value, func(network netip.Prefix) bool { return find(network.String()) })
	} else {
		find(value)
	}
	return number
}

// count returns how many entries a list had after a change, for transactions of a time.
func (e *Entries) count(l *list, change int64, at time.Time) (number int) {
	if e == nil || e.lists[listKey{l.Name, l.Of}] == nil {
		return 0
	}
	for _, entries := range e.lists[listKey{l.Name, l.Of}].by {
		for _, entry := range entries {
			if stood(entry, change, at) {
				number++
			}
		}
	}
	return number
}

// Then returns a function that returns the set as it was at an earlier decision: with the entries of its lists in the database after the
// change that the decision names, or else at the decision's time. It is nil if the set has no such lists.
func (s *Set) Then() func(used *fraud.ListsUsed, at time.Time) fraud.Evaluator {
	if !s.NeedsEntries() {
		return nil
	}
	return func(used *fraud.ListsUsed, at time.Time) fraud.Evaluator { return s.AsDecided(used, at) }
}

// AsDecided returns the set with the entries of its lists in the database that a decision has used or, if it has none recorded, as they
// were at a time.
func (s *Set) AsDecided(used *fraud.ListsUsed, at time.Time) *Set {
	switch {
	case !s.NeedsEntries():
		return s
	case used != nil:
		return s.With(s.entries, used.Change)
	}
	return s.AsOf(at)
}

// SpellEntry returns an entry of lists of that value in the spelling in which it is compared, or an error that says what would be right.
func SpellEntry(of, entry string) (string, error) {
	value, err := lang.ParseListable(of)
	if err != nil {
		return "", err
	}
	if !value.Addresses() {
		return value.Spell(entry)
	}
	network, err := parseNetwork(entry)
	if err != nil {
		return "", err
	}
	return network.String(), nil
}

// EntryOf returns what a list of that value looks up for a transaction, as an entry. It is empty if the transaction has none.
func EntryOf(of string, t transaction.Transaction) string {
	value, err := lang.ParseListable(of)
	if err != nil {
		return ""
	}
	entry, err := SpellEntry(of, value.Value(lang.NewView(fraud.Check{Transaction: t}, nil, nil, nil)))
	if err != nil {
		return ""
	}
	return entry
}
