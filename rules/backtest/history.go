package backtest

import (
	"slices"
	"time"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/usage"
)

// history holds what folding needs: transactions in the ledger, and the decisions that lack a value.
type history struct {
	features   []usage.Feature
	names      []string // the names of the features
	dimensions []usage.Dimension
	past       []past
	incomplete []*decision
	oldest     time.Time         // the earliest start of a remembered transaction
	texts      map[string]string // each text once, since many transactions share it
}

// past holds what later transactions count of a transaction. It is compact, since there may be a million of them.
type past struct {
	turn   turn
	at     time.Time
	amount money.Money
	values []string // in the order of the history's dimensions; empty if the transaction has no value
	labels []usage.Label
}

func newHistory(features []usage.Feature) *history {
	h := &history{features: features, dimensions: usage.Dimensions(features), texts: map[string]string{}}
	for _, f := range features {
		h.names = append(h.names, f.String())
	}
	return h
}

// remember keeps a transaction that was checked, unless there are no features that could count it.
func (h *history) remember(e ledger.Entry) {
	if len(h.dimensions) == 0 {
		return
	}
	if h.oldest.IsZero() || e.Record.StartTime.Before(h.oldest) {
		h.oldest = e.Record.StartTime
	}
	use := usage.Of(e.Transaction, e.Record.StartTime, h.dimensions)
	p := past{turn: turnOf(e.Record), at: use.At, amount: use.Amount, values: make([]string, len(h.dimensions)), labels: labelsOf(e.Record)}
	p.amount.Currency = money.Currency(h.once(string(use.Amount.Currency)))
	for i, dimension := range h.dimensions {
		p.values[i] = h.once(use.Values[dimension])
	}
	h.past = append(h.past, p)
}

func (h *history) once(text string) string {
	if known, has := h.texts[text]; has {
		return known
	}
	h.texts[text] = text
	return text
}

// use returns the use that remember stored in p.
func (h *history) use(p past) usage.Use {
	values := make(map[usage.Dimension]string, len(h.dimensions))
	for i, dimension := range h.dimensions {
		if p.values[i] != "" {
			values[dimension] = p.values[i]
		}
	}
	return usage.Use{TransactionID: p.turn.id, At: p.at, Amount: p.amount, Values: values, Labels: p.labels}
}

// lacking returns the features for which a decision has no value.
func (h *history) lacking(d *decision) []usage.Feature {
	var all []usage.Feature
	for i, f := range h.features {
		if d.values[i] != d.values[i] { // true only for NaN
			all = append(all, f)
		}
	}
	return all
}

// reach returns how far back the features that any decision lacks look.
func (h *history) reach() time.Duration {
	var furthest time.Duration
	for i, f := range h.features {
		if slices.ContainsFunc(h.incomplete, func(d *decision) bool { return d.values[i] != d.values[i] }) {
			furthest = max(furthest, f.Window+f.Delay)
		}
	}
	return furthest
}

// span returns the earliest asOf of the incomplete decisions, and the latest time at which one of them was made. There must
// be one.
func (h *history) span() (from, to time.Time) {
	from, to = h.incomplete[0].asOf, h.incomplete[0].turn.decidedAt
	for _, d := range h.incomplete {
		if d.asOf.Before(from) {
			from = d.asOf
		}
		if d.turn.decidedAt.After(to) {
			to = d.turn.decidedAt
		}
	}
	return from, to
}
