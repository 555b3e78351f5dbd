package usage

import (
	"cmp"
	"slices"
	"time"
)

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
