// Package velocity defines how cards, customers, addresses and orders were used before: the rules of a fraud check count these
// uses.
package velocity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// Dimension is a property that transactions can share, such as the card or the customer. Metadata returns the dimensions of
// metadata.
type Dimension string

// The dimensions under which every transaction is remembered, as far as it has values in them.
const (
	Card     Dimension = "card"     // by its fingerprint
	Customer Dimension = "customer" // by its id
	IP       Dimension = "ip"       // by the subscriber whose address it is, see address.Subscriber
	Order    Dimension = "order"    // by its id
)

// Shared reports whether a value of the dimension means the same for all merchants: a card, and an address. The ids and the
// metadata of two merchants have nothing to do with each other.
func (d Dimension) Shared() bool {
	return d == Card || d == IP
}

const metadataPrefix = "metadata."

// Metadata returns the dimension of a key of the metadata, such as a terminal or a device.
func Metadata(key string) Dimension {
	return Dimension(metadataPrefix + key)
}

// MetadataKey returns the key of a dimension of metadata, and false for other dimensions.
func (d Dimension) MetadataKey() (string, bool) {
	return strings.CutPrefix(string(d), metadataPrefix)
}

// Use is a transaction as later ones see it.
type Use struct {
	TransactionID string
	Merchant      string // whose transaction it is; never empty
	// At is when the transaction was accepted, to the microsecond: databases keep no more.
	At     time.Time
	Amount money.Money
	// Values holds the values by which the transaction is found.
	Values map[Dimension]string
	// Labels holds what turned out to be true about the transaction, in any order.
	Labels []Label
}

// Label says since when a transaction counts as fraudulent, or as legitimate.
type Label struct {
	Fraudulent bool
	At         time.Time
}

// Of returns a transaction's use. Besides the dimensions that all transactions have, it includes only those keys of the
// metadata that some rule names: a transaction may have fifty keys.
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
	return Use{
		TransactionID: t.ID, Merchant: identity.MerchantOf(t.Merchant), At: at.Truncate(time.Microsecond).UTC(),
		Amount: t.Payment.Amount, Values: values,
	}
}

// fraudulentAt reports whether the last label up to a moment says fraudulent. If several labels have the same time,
// fraudulent wins. Without a label, the transaction does not count as fraudulent.
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

// Timeline holds uses in memory, to repeat decisions of long ago: it is filled in the order of the decisions, so that each
// sees what came before it and nothing else. It must not be used by several goroutines at once.
type Timeline struct {
	uses map[place]map[string][]Use // the uses of each value, sorted by time
}

// place is where a timeline holds the uses of a dimension: those of all merchants together if it is shared. Otherwise a value
// that is frequent at one merchant does not slow down the lookups of others.
type place struct {
	by       Dimension
	merchant string
}

func placeOf(by Dimension, merchant string) place {
	if by.Shared() {
		return place{by: by}
	}
	return place{by, merchant}
}

// Add adds a use, unless it is already there.
func (t *Timeline) Add(u Use) {
	if t.uses == nil {
		t.uses = map[place]map[string][]Use{}
	}
	for dimension, value := range u.Values {
		place := placeOf(dimension, u.Merchant)
		if t.uses[place] == nil {
			t.uses[place] = map[string][]Use{}
		}
		all := t.uses[place][value]
		at, known := slices.BinarySearchFunc(all, u, inTime)
		if !known {
			t.uses[place][value] = slices.Insert(all, at, u)
		}
	}
}

// Look returns the same answers as a database would.
func (t *Timeline) Look(transactionID string, lookups []Lookup) Past {
	past := Past{}
	for _, l := range lookups {
		all := t.uses[placeOf(l.By, l.Merchant)][l.Value]
		if !l.Until.IsZero() {
			all = all[:firstAfter(all, l.Until)]
		}
		var found []Use
		for i := len(all) - 1; i >= 0 && all[i].At.After(l.After) && len(found) < MostUses; i-- {
			if all[i].TransactionID != transactionID && (l.Across || all[i].Merchant == l.Merchant) {
				found = append(found, all[i])
			}
		}
		past.Join(l.Pool(), found)
	}
	return past
}

// Forget drops the uses that are no longer needed if every further lookup has this After or a later one. It returns how many
// uses are left, each counted once for each of its values.
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

// firstAfter returns the index of the first use after a time.
func firstAfter(all []Use, after time.Time) int {
	first, _ := slices.BinarySearchFunc(all, after, func(u Use, after time.Time) int {
		if u.At.After(after) {
			return 1
		}
		return -1
	})
	return first
}

// inTime compares uses by their times, and those of the same time by their ids.
func inTime(a, b Use) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.TransactionID, b.TransactionID))
}

// Pool says which uses are counted together: those with the transaction's own value in a dimension, of its merchant or of all
// merchants.
type Pool struct {
	By     Dimension
	Across bool
}

func (p Pool) compare(other Pool) int {
	switch {
	case p == other:
		return 0
	case p.By < other.By, p.By == other.By && other.Across:
		return -1
	default:
		return 1
	}
}

// Lookup asks for the uses of one value.
type Lookup struct {
	By       Dimension
	Value    string
	Merchant string // whose uses are wanted
	Across   bool   // those of all merchants are wanted; only for a shared dimension
	// After and Until bound the times of the uses: later than After, and not later than Until. A zero Until sets no bound.
	After, Until time.Time
	// Values and Labels say whether the uses are wanted with their values and merchants, and with their labels, which cost
	// something to read.
	Values, Labels bool
}

// Pool returns the pool that the lookup finds uses for.
func (l Lookup) Pool() Pool { return Pool{l.By, l.Across} }

// Past holds the uses that lookups found, by pool: the newest first, at most MostUses for each lookup, and never the
// transaction itself.
type Past map[Pool][]Use

// Join adds the uses that a lookup found to those that other lookups found in the same pool.
func (p Past) Join(pool Pool, found []Use) {
	if len(found) == 0 {
		return
	}
	if len(p[pool]) == 0 {
		p[pool] = slices.Clip(found) // a thousand uses are not copied
		return
	}
	p[pool] = append(p[pool], found...)
	slices.SortFunc(p[pool], func(a, b Use) int { return inTime(b, a) })
	p[pool] = slices.CompactFunc(p[pool], func(a, b Use) bool { return a.TransactionID == b.TransactionID })
}

// Lookups returns the fewest lookups that answer all features for a transaction: one for each pool, and one more for each
// delay in it, because the latest uses of a busy value may all be younger than the delay. A dimension in which the
// transaction has no value is not looked up: its features are 0.
func Lookups(features []Feature, of Use, moment time.Time) []Lookup {
	type key struct {
		pool  Pool
		delay time.Duration
	}
	asked, wanted := map[key]Lookup{}, map[Pool]Lookup{}
	for _, f := range features {
		value, has := of.Values[f.By]
		if !has {
			continue
		}
		l, known := asked[key{f.pool(), f.Delay}]
		if after := moment.Add(-f.Delay - f.Window); !known || after.Before(l.After) {
			l.After = after
		}
		if f.Delay > 0 {
			l.Until = moment.Add(-f.Delay)
		}
		l.By, l.Value, l.Merchant, l.Across = f.By, value, of.Merchant, f.Across
		asked[key{f.pool(), f.Delay}] = l
		w := wanted[f.pool()]
		w.Values, w.Labels = w.Values || f.Measure == Distinct, w.Labels || f.Measure == Frauds
		wanted[f.pool()] = w
	}
	all := make([]Lookup, 0, len(asked))
	for _, l := range asked {
		l.Values, l.Labels = wanted[l.Pool()].Values, wanted[l.Pool()].Labels // two lookups may find the same use
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Lookup) int { return cmp.Or(a.Pool().compare(b.Pool()), a.Until.Compare(b.Until)) })
	return all
}

// Values returns the values of all features for a transaction, by the features' names.
func Values(features []Feature, of Use, moment time.Time, past Past) map[string]float64 {
	values := make(map[string]float64, len(features))
	for _, f := range features {
		values[f.String()] = f.Value(past[f.pool()], of, moment)
	}
	return values
}

// Dimensions returns the dimensions that the features use, for Of.
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
