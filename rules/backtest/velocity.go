package backtest

import (
	"slices"
	"time"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/velocity"
)

// counter holds what folding needs: transactions in the ledger, and the decisions that lack a value.
type counter struct {
	features   []velocity.Feature
	names      []string // the names of the features
	dimensions []velocity.Dimension
	past       []past
	incomplete []*decision
	oldest     time.Time         // the earliest start of a remembered transaction
	texts      map[string]string // each text once, since many transactions share it
}

// past holds what later transactions count of a transaction. It is compact, since there may be a million of them.
type past struct {
	turn     position
	merchant string
	at       time.Time
	amount   money.Money
	values   []string // in the order of the counter's dimensions; empty if the transaction has no value
	labels   []velocity.Label
}

func newCounter(features []velocity.Feature) *counter {
	return &counter{features: features, names: velocity.Names(features), dimensions: velocity.Dimensions(features), texts: map[string]string{}}
}

// remember keeps a transaction that was checked, unless there are no features that could count it.
func (c *counter) remember(e ledger.Entry) {
	if len(c.dimensions) == 0 {
		return
	}
	if c.oldest.IsZero() || e.Record.StartTime.Before(c.oldest) {
		c.oldest = e.Record.StartTime
	}
	use := velocity.Of(e.Transaction, e.Record.StartTime, c.dimensions)
	p := past{
		turn: positionOf(e.Record), merchant: c.once(use.Merchant), at: use.At, amount: use.Amount,
		values: make([]string, len(c.dimensions)), labels: labelsOf(e.Record),
	}
	p.amount.Currency = money.Currency(c.once(string(use.Amount.Currency)))
	for i, dimension := range c.dimensions {
		p.values[i] = c.once(use.Values[dimension])
	}
	c.past = append(c.past, p)
}

func (c *counter) once(text string) string {
	if known, has := c.texts[text]; has {
		return known
	}
	c.texts[text] = text
	return text
}

// use returns the use that remember stored in p.
func (c *counter) use(p past) velocity.Use {
	values := make(map[velocity.Dimension]string, len(c.dimensions))
	for i, dimension := range c.dimensions {
		if p.values[i] != "" {
			values[dimension] = p.values[i]
		}
	}
	return velocity.Use{TransactionID: p.turn.id, Merchant: p.merchant, At: p.at, Amount: p.amount, Values: values, Labels: p.labels}
}

// lacking returns the features for which a decision has no value.
func (c *counter) lacking(d *decision) []velocity.Feature {
	var all []velocity.Feature
	for i, f := range c.features {
		if d.values[i] != d.values[i] { // true only for NaN
			all = append(all, f)
		}
	}
	return all
}

// reach returns how far back the features that any decision lacks look.
func (c *counter) reach() time.Duration {
	var furthest time.Duration
	for i, f := range c.features {
		if slices.ContainsFunc(c.incomplete, func(d *decision) bool { return d.values[i] != d.values[i] }) {
			furthest = max(furthest, f.Window+f.Delay)
		}
	}
	return furthest
}

// span returns the earliest asOf of the incomplete decisions, and the latest time at which one of them was made. There must
// be one.
func (c *counter) span() (from, to time.Time) {
	from, to = c.incomplete[0].asOf, c.incomplete[0].turn.decidedAt
	for _, d := range c.incomplete {
		if d.asOf.Before(from) {
			from = d.asOf
		}
		if d.turn.decidedAt.After(to) {
			to = d.turn.decidedAt
		}
	}
	return from, to
}
