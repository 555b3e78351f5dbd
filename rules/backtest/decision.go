package backtest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
)

// decision is a past decision with everything needed to repeat it.
type decision struct {
	posted    transaction.Transaction
	startTime time.Time
	asOf      time.Time // the candidate may use only what was known at this time
	before    fraud.Decision
	label     string // the latest label; empty if there is none
	judged    string // the label, or what is presumed without one
	// values holds the values of the candidate's features, in the order of the features: NaN if not recorded.
	values []float64
	turn   position
	lists  *fraud.ListsUsed // nil if none were recorded
}

// position is the place of a transaction in the order in which transactions were counted and decided.
type position struct {
	decidedAt, startTime time.Time
	id                   string
}

func (t position) compare(other position) int {
	return cmp.Or(t.decidedAt.Compare(other.decidedAt), t.startTime.Compare(other.startTime), cmp.Compare(t.id, other.id))
}

// positionOf returns the position of a record, by the time of its decision. For detectors that do not record that time, it is the
// start of the transaction.
func positionOf(r ledger.Record) position {
	decidedAt := r.StartTime
	if r.Explanation != nil && !r.Explanation.DecidedAt.IsZero() {
		decidedAt = r.Explanation.DecidedAt
	}
	return position{decidedAt: decidedAt, startTime: r.StartTime, id: r.TransactionID}
}

func asOf(r ledger.Record) time.Time {
	if r.Explanation != nil && !r.Explanation.AsOf.IsZero() {
		return r.Explanation.AsOf
	}
	return r.StartTime
}

// checked reports whether a detector has decided about a transaction. Transactions without a decision were not counted
// either.
func checked(r ledger.Record) bool {
	return r.Decision != nil && r.Decision.Outcome != fraud.NotEvaluated
}

// decisionOf returns the decision of an entry, whose record must be checked.
func decisionOf(e ledger.Entry, features []string) decision {
	r := e.Record
	d := decision{
		posted: e.Transaction, startTime: r.StartTime, asOf: asOf(r), before: *r.Decision, turn: positionOf(r),
		label: latest(r.Labels), values: make([]float64, len(features)),
	}
	if r.Explanation != nil { // keeps only the rules: the rest is not needed again, and is most of it
		d.before.Explanation, d.lists = &fraud.Explanation{Rules: r.Explanation.Rules}, r.Explanation.Lists
	}
	for i, name := range features {
		d.values[i] = math.NaN()
		if r.Explanation == nil {
			continue
		}
		if value, recorded := r.Explanation.Features[name]; recorded {
			d.values[i] = value
		}
	}
	return d
}

// whole reports whether all values were recorded.
func (d decision) whole() bool {
	return !slices.ContainsFunc(d.values, math.IsNaN)
}

func (d decision) amount() money.Money {
	return d.posted.Payment.Amount
}

// latest returns the latest label. Of several labels with the same time, fraudulent wins, as it does when features count.
func latest(labels []ledger.Label) string {
	var last ledger.Label
	for _, l := range labels {
		if last.Label == "" || l.Time.After(last.Time) || l.Time.Equal(last.Time) && l.Label == ledger.Fraudulent {
			last = l
		}
	}
	return last.Label
}

// labelsOf returns the labels of a transaction in the form in which features count them.
func labelsOf(r ledger.Record) []velocity.Label {
	var all []velocity.Label
	for _, l := range r.Labels {
		all = append(all, velocity.Label{Fraudulent: l.Label == ledger.Fraudulent, At: l.Time})
	}
	return all
}
