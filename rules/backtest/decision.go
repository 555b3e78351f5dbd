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
	"dummyorders/domain/usage"
)

// decision is one that was made, with all that deciding it again needs.
type decision struct {
	posted    transaction.Transaction
	startTime time.Time
	asOf      time.Time // what was known then is what the candidate may know
	before    fraud.Decision
	label     string // the latest; empty where nobody has said what was true
	judged    string // the same, or what is taken to be true without a label
	// values are of the candidate's features, in their order: NaN where none was recorded.
	values []float64
	turn   turn
}

// turn is the place of a transaction among all: the order in which they were counted and decided.
type turn struct {
	decidedAt, startTime time.Time
	id                   string
}

func (t turn) compare(other turn) int {
	return cmp.Or(t.decidedAt.Compare(other.decidedAt), t.startTime.Compare(other.startTime), cmp.Compare(t.id, other.id))
}

// turnOf goes by the time of the decision. Detectors that keep none decided when the transaction came.
func turnOf(r ledger.Record) turn {
	decidedAt := r.StartTime
	if r.Explanation != nil && !r.Explanation.DecidedAt.IsZero() {
		decidedAt = r.Explanation.DecidedAt
	}
	return turn{decidedAt: decidedAt, startTime: r.StartTime, id: r.TransactionID}
}

func asOf(r ledger.Record) time.Time {
	if r.Explanation != nil && !r.Explanation.AsOf.IsZero() {
		return r.Explanation.AsOf
	}
	return r.StartTime
}

// checked says whether a detector has decided about a transaction. What nobody decided about was not counted either.
func checked(r ledger.Record) bool {
	return r.Decision != nil && r.Decision.Outcome != fraud.NotEvaluated
}

// decisionOf needs a record that was checked.
func decisionOf(e ledger.Entry, features []string) decision {
	r := e.Record
	d := decision{
		posted: e.Transaction, startTime: r.StartTime, asOf: asOf(r), before: *r.Decision, turn: turnOf(r),
		label: latest(r.Labels), values: make([]float64, len(features)),
	}
	if r.Explanation != nil { // without what nobody asks for again, and which is most of it
		d.before.Explanation = &fraud.Explanation{Rules: r.Explanation.Rules}
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

// whole says whether all values were recorded.
func (d decision) whole() bool {
	return !slices.ContainsFunc(d.values, math.IsNaN)
}

func (d decision) amount() money.Money {
	return d.posted.Payment.Amount
}

// latest is the label that holds now; of several at once, that it is fraudulent, as features count them.
func latest(labels []ledger.Label) string {
	var last ledger.Label
	for _, l := range labels {
		if last.Label == "" || l.Time.After(last.Time) || l.Time.Equal(last.Time) && l.Label == ledger.Fraudulent {
			last = l
		}
	}
	return last.Label
}

// labelsOf are a transaction's as features count them.
func labelsOf(r ledger.Record) []usage.Label {
	var all []usage.Label
	for _, l := range r.Labels {
		all = append(all, usage.Label{Fraudulent: l.Label == ledger.Fraudulent, At: l.Time})
	}
	return all
}
