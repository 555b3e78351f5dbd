package backtest_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules/backtest"
)

// features holds features of each measure and of each kind of dimension.
var features = []velocity.Feature{
	{Measure: velocity.Count, By: velocity.Card, Window: 10 * time.Minute},
	{Measure: velocity.Count, By: velocity.Order, Window: day},
	{Measure: velocity.Sum, By: velocity.Card, Window: day},
	{Measure: velocity.Mean, By: velocity.Customer, Window: 30 * day},
	{Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Card, Window: time.Hour},
	{Measure: velocity.Distinct, By: velocity.Card, Of: velocity.Metadata("terminal"), Window: 2 * day},
	{Measure: velocity.Frauds, By: velocity.Metadata("terminal"), Window: 7 * day, Delay: day},
	{Measure: velocity.Frauds, By: velocity.Card, Window: 30 * day},
	{Measure: velocity.Count, By: velocity.Card, Window: day, Across: true},
	{Measure: velocity.Distinct, By: velocity.Card, Of: velocity.Customer, Window: day, Across: true},
	{Measure: velocity.Frauds, By: velocity.IP, Window: 30 * day, Delay: day, Across: true},
}

// naive computes a feature by its definition, from everything that was decided so far.
func naive(f velocity.Feature, decidedSoFar []ledger.Entry, e ledger.Entry) float64 {
	value := func(e ledger.Entry, d velocity.Dimension) string {
		t := e.Transaction
		switch d {
		case velocity.Card:
			return t.Payment.Card.Fingerprint
		case velocity.Customer:
			if t.Customer == nil {
				return ""
			}
			return t.Merchant + "/" + t.Customer.ID
		case velocity.IP:
			return t.IP
		case velocity.Order:
			return t.Order.ID
		}
		return t.Metadata["terminal"]
	}
	moment := e.Record.StartTime
	var count, same, frauds, cents float64
	distinct := map[string]bool{}
	for _, other := range decidedSoFar {
		age := moment.Sub(other.Record.StartTime)
		if value(e, f.By) == "" || value(other, f.By) != value(e, f.By) || age >= f.Window+f.Delay || f.Delay > 0 && age < f.Delay {
			continue
		}
		if !f.Across && other.Transaction.Merchant != e.Transaction.Merchant {
			continue
		}
		count++
		if amount := other.Transaction.Payment.Amount; amount.Currency == e.Transaction.Payment.Amount.Currency {
			same++
			cents += float64(amount.Minor)
		}
		distinct[value(other, f.Of)] = true
		if fraudulentAt(other.Record.Labels, moment) {
			frauds++
		}
	}
	delete(distinct, "")
	switch f.Measure {
	case velocity.Count:
		return count
	case velocity.Sum:
		return cents / 100
	case velocity.Mean:
		return cents / 100 / max(same, 1)
	case velocity.Distinct:
		return float64(len(distinct))
	case velocity.Frauds:
		return frauds
	}
	panic(f.Measure)
}

// fraudulentAt reports whether the labels say at a moment that a transaction is fraudulent. They must be ordered by time.
func fraudulentAt(labels []ledger.Label, moment time.Time) bool {
	fraudulent, since := false, time.Time{}
	for _, l := range labels {
		if !l.Time.After(moment) {
			fraudulent = l.Label == ledger.Fraudulent || fraudulent && l.Time.Equal(since)
			since = l.Time
		}
	}
	return fraudulent
}

// lived generates possible transactions: decisions with the values that the naive model saw at the time.
func lived(t *rapid.T, decide func(fraud.Check, map[string]float64) fraud.Decision) memory {
	var store memory
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	for i := range rapid.IntRange(1, 25).Draw(t, "transactions") {
		at := after(time.Duration(rapid.IntRange(-32*24*60, 10*24*60+60).Draw(t, "minute")) * time.Minute)
		if rapid.Bool().Draw(t, "near") { // near another one, so that short windows are not empty
			at = after(time.Duration(rapid.IntRange(-30, 30).Draw(t, "minute")) * time.Minute)
		}
		posted := transaction.Transaction{
			ID: number(i), Merchant: pick("merchant", "", "acme"), Order: transaction.Order{ID: pick("order", "1", "2")}, IP: pick("ip", "", "8.8.8.8", "8.8.4.4"),
			Payment: transaction.Payment{
				Card:   card.Details{Fingerprint: pick("card", "", "a", "b")},
				Amount: money.Money{Minor: rapid.Int64Range(1, 99999).Draw(t, "amount"), Currency: money.Currency(pick("currency", "INR", "USD"))},
			},
			Metadata: map[string]string{"terminal": pick("terminal", "", "t1", "t2"), "other": "x"},
		}
		if id := pick("customer", "", "ada", "bob"); id != "" {
			posted.Customer = &transaction.Customer{ID: id}
		}
		e := ledger.Entry{Record: *ledger.Open(posted, at), Transaction: posted}
		labels := rapid.SliceOfN(rapid.IntRange(0, 20*24*60), 0, 3).Draw(t, "labels")
		slices.Sort(labels)
		for _, minute := range labels {
			e.Record.Labels = append(e.Record.Labels, ledger.Label{
				Label: pick("label", ledger.Fraudulent, ledger.Legitimate), Time: at.Add(time.Duration(minute) * time.Minute),
			})
		}
		late := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 40}).Draw(t, "late"))*time.Minute + time.Duration(i)*time.Millisecond
		e.Record.Explanation = &fraud.Explanation{AsOf: at, DecidedAt: at.Add(late)}
		store = append(store, e)
	}
	slices.SortFunc(store, func(a, b ledger.Entry) int { return decidedAt(a).Compare(decidedAt(b)) })
	for i := range store {
		r := &store[i].Record
		values := map[string]float64{}
		for _, f := range features {
			values[f.String()] = naive(f, store[:i], store[i])
		}
		d := decide(fraud.Check{Transaction: store[i].Transaction, StartTime: r.StartTime, AsOf: r.StartTime, Number: 1}, values)
		d.Explanation.AsOf, d.Explanation.DecidedAt, d.Explanation.Features = r.Explanation.AsOf, r.Explanation.DecidedAt, values
		r.Decide(d)
	}
	return store
}

func decidedAt(e ledger.Entry) time.Time { return e.Record.Explanation.DecidedAt }

// byValues decides with the values of all features.
func byValues(_ fraud.Check, values map[string]float64) fraud.Decision {
	sum := 0
	for i, f := range features {
		sum += (i + 1) * int(values[f.String()])
	}
	return verdict(backtest.Outcomes[sum%3], sum%101, hit(fmt.Sprint("rule", sum%5), sum%101))
}

// forgetful returns a copy of a ledger in which decisions lack some or all values.
func forgetful(t *rapid.T, store memory) memory {
	store = slices.Clone(store)
	for i := range store {
		explained := *store[i].Record.Explanation
		explained.Features = maps.Clone(explained.Features)
		for _, f := range features {
			if rapid.Bool().Draw(t, "forgotten") {
				delete(explained.Features, f.String())
			}
		}
		store[i].Record.Explanation = &explained
	}
	return store
}

func inPeriod(store memory) []ledger.Entry {
	return slices.DeleteFunc(slices.Clone(store), func(e ledger.Entry) bool {
		return e.Record.StartTime.Before(start) || !e.Record.StartTime.Before(after(10*day))
	})
}
