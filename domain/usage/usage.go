// Package usage is how cards, customers, addresses and orders were used before: what the rules of a fraud check count.
package usage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// Dimension is what transactions have in common: the same card, the same customer. Those of metadata are made by
// Metadata.
type Dimension string

// The dimensions that every transaction is remembered by, as far as it has them.
const (
	Card     Dimension = "card"     // by its fingerprint
	Customer Dimension = "customer" // by its id
	IP       Dimension = "ip"       // by the subscriber whose address it is, see address.Subscriber
	Order    Dimension = "order"    // by its id
)

const metadataPrefix = "metadata."

// Metadata is the dimension of a key of the metadata: a terminal or a device, say.
func Metadata(key string) Dimension {
	return Dimension(metadataPrefix + key)
}

// MetadataKey is the key that a dimension is of, and false for the dimensions of other kinds.
func (d Dimension) MetadataKey() (string, bool) {
	return strings.CutPrefix(string(d), metadataPrefix)
}

// Use is a transaction as later ones see it.
type Use struct {
	TransactionID string
	// At is the transaction's own time, when it was accepted, to the microsecond: databases keep no more.
	At     time.Time
	Amount money.Money
	// Values are what it is found by.
	Values map[Dimension]string
	// Labels are what turned out to be true about it, in any order.
	Labels []Label
}

// Label says since when a transaction is held for fraudulent, or legitimate.
type Label struct {
	Fraudulent bool
	At         time.Time
}

// Of is a transaction's use. Beside the dimensions that all have, it is found by those keys of its metadata that some rule
// names: a transaction may have fifty.
func Of(t transaction.Transaction, at time.Time, named []Dimension) Use {
	values := map[Dimension]string{Card: t.Payment.Card.Fingerprint, IP: address.Subscriber(t.IP), Order: t.Order.ID}
	if t.Customer != nil {
		values[Customer] = t.Customer.ID
	}
	for _, dimension := range named {
		if key, ok := dimension.MetadataKey(); ok {
			values[dimension] = t.Metadata[key]
		}
	}
	for dimension, value := range values {
		if value == "" {
			delete(values, dimension)
		}
	}
	return Use{TransactionID: t.ID, At: at.Truncate(time.Microsecond).UTC(), Amount: t.Payment.Amount, Values: values}
}

// fraudulentAt says what the last label up to a moment says, of several at once that it is fraudulent. Without a label, the
// transaction is not held for fraudulent.
func (u Use) fraudulentAt(moment time.Time) bool {
	var last Label
	for _, label := range u.Labels {
		later := label.At.After(last.At) || label.At.Equal(last.At) && label.Fraudulent
		if later && !label.At.After(moment) {
			last = label
		}
	}
	return last.Fraudulent
}

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

// Lookup asks for the uses of one value.
type Lookup struct {
	By    Dimension
	Value string
	// After is when the oldest use may have been: later than this. Until is when the newest may have been, at the latest;
	// zero, there is no such bound.
	After, Until time.Time
	// Values and Labels say that the uses are wanted with theirs, which cost something to read.
	Values, Labels bool
}

// Past is what lookups found, by dimension: the newest first, MostUses for each lookup at most, the transaction itself
// never among them.
type Past map[Dimension][]Use

// Join adds what a lookup found to what others of its dimension did.
func (p Past) Join(by Dimension, found []Use) {
	if len(found) == 0 {
		return
	}
	known := len(p[by]) > 0
	if p[by] = append(p[by], found...); !known {
		return
	}
	slices.SortFunc(p[by], func(a, b Use) int { return inTime(b, a) })
	p[by] = slices.CompactFunc(p[by], func(a, b Use) bool { return a.TransactionID == b.TransactionID })
}

// Lookups are the fewest that answer all features for a transaction: one for a dimension, and one more for each delay
// there, since the latest uses of a busy value may all be younger than that. A dimension that the transaction has no value
// in is not looked up: its features are 0.
func Lookups(features []Feature, of Use, moment time.Time) []Lookup {
	type key struct {
		by    Dimension
		delay time.Duration
	}
	asked, wanted := map[key]Lookup{}, map[Dimension]Lookup{}
	for _, f := range features {
		value, has := of.Values[f.By]
		if !has {
			continue
		}
		l, known := asked[key{f.By, f.Delay}]
		if after := moment.Add(-f.Delay - f.Window); !known || after.Before(l.After) {
			l.After = after
		}
		if f.Delay > 0 {
			l.Until = moment.Add(-f.Delay)
		}
		l.By, l.Value = f.By, value
		asked[key{f.By, f.Delay}] = l
		w := wanted[f.By]
		w.Values, w.Labels = w.Values || f.Measure == Distinct, w.Labels || f.Measure == Frauds
		wanted[f.By] = w
	}
	all := make([]Lookup, 0, len(asked))
	for _, l := range asked {
		l.Values, l.Labels = wanted[l.By].Values, wanted[l.By].Labels // a use that two find is the same use
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Lookup) int { return cmp.Or(cmp.Compare(a.By, b.By), a.Until.Compare(b.Until)) })
	return all
}

// Values are all features' for a transaction, by their names.
func Values(features []Feature, of Use, moment time.Time, past Past) map[string]float64 {
	values := make(map[string]float64, len(features))
	for _, f := range features {
		values[f.String()] = f.Value(past[f.By], of, moment)
	}
	return values
}

// Dimensions are those that features look at, for Of.
func Dimensions(features []Feature) []Dimension {
	var all []Dimension
	for _, f := range features {
		all = append(all, f.By)
		if f.Of != "" {
			all = append(all, f.Of)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
