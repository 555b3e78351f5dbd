package usage

import (
	"cmp"
	"slices"
	"time"
)

// Timeline holds uses in memory, for deciding again what was decided long ago: it is filled in the order of the
// decisions, so that each sees what came before it and nothing else. It is not for several goroutines at once.
type Timeline struct {
	uses map[Dimension]map[string][]Use // of one value, by their times
}

// Add remembers a use, once.
func (t *Timeline) Add(u Use) {
	if t.uses == nil {
		t.uses = map[Dimension]map[string][]Use{}
	}
	for dimension, value := range u.Values {
		if t.uses[dimension] == nil {
			t.uses[dimension] = map[string][]Use{}
		}
		all := t.uses[dimension][value]
		at, known := slices.BinarySearchFunc(all, u, inTime)
		if !known {
			t.uses[dimension][value] = slices.Insert(all, at, u)
		}
	}
}

// Look answers as a database does.
func (t *Timeline) Look(transactionID string, lookups []Lookup) Past {
	past := Past{}
	for _, l := range lookups {
		all := t.uses[l.By][l.Value]
		if !l.Until.IsZero() {
			all = all[:firstAfter(all, l.Until)]
		}
		var found []Use
		for i := len(all) - 1; i >= 0 && all[i].At.After(l.After) && len(found) < MostUses; i-- {
			if all[i].TransactionID != transactionID {
				found = append(found, all[i])
			}
		}
		past.Join(l.By, found)
	}
	return past
}

// Forget drops the uses that no lookup asks for any more whose After is this or later. It says how many are left, each
// counted once for each of its values.
func (t *Timeline) Forget(after time.Time) int {
	left := 0
	for _, byValue := range t.uses {
		for value, all := range byValue {
			kept := slices.Clone(all[firstAfter(all, after):])
			if byValue[value] = kept; len(kept) == 0 {
				delete(byValue, value)
			}
			left += len(kept)
		}
	}
	return left
}

// firstAfter is the place of the first use after a time.
func firstAfter(all []Use, after time.Time) int {
	first, _ := slices.BinarySearchFunc(all, after, func(u Use, after time.Time) int {
		if u.At.After(after) {
			return 1
		}
		return -1
	})
	return first
}

// inTime orders uses by their times, those of one time by their ids.
func inTime(a, b Use) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.TransactionID, b.TransactionID))
}
