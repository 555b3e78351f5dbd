package demo

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// MadeUp is the key of the metadata that every made-up transaction has, with the value "true".
const MadeUp = "demo"

// Days is how many days before the end Month begins.
const Days = 30

// Month returns the transactions of 30 days up to end, each ended and with its labels, in the order of their starts. They are
// the same for the same seed and end.
func Month(seed uint64, end time.Time) []ledger.Entry {
	end = end.UTC().Truncate(time.Minute)
	m := month{world: newWorld(seed, end.Truncate(day).Add(-(Days-1)*day), end), set: rules.Default()}
	all := make([]ledger.Entry, 0, len(m.purchases))
	for i := range m.purchases {
		if p := &m.purchases[i]; !p.of.blocked(p.at) || m.random.IntN(12) == 0 { // a few try again
			all = append(all, m.entry(p, i+1))
		}
	}
	return all
}

type month struct {
	*world
	set  *rules.Set
	past velocity.Timeline
}

func (m *month) entry(p *purchase, number int) ledger.Entry {
	t := m.transaction(p, number)
	r := ledger.Open(t, p.at)
	use := Use(t, p.at)
	r.Decide(m.decide(t, p.at, use))
	m.settle(r, p)
	m.find(r, p)
	for _, label := range r.Labels {
		use.Labels = append(use.Labels, velocity.Label{Fraudulent: label.Label == ledger.Fraudulent, At: label.Time})
	}
	p.of.known(r.Labels)
	m.past.Add(use)
	return ledger.Entry{Record: *r, Transaction: t, Mark: ledger.Mark{At: *r.EndTime, Number: len(r.Steps)}}
}

func (m *month) transaction(p *purchase, number int) transaction.Transaction {
	amount := money.Money{Minor: int64(math.Round(p.amount * 100)), Currency: p.of.currency}
	cost := amount
	if p.part {
		cost.Minor *= 3
	}
	home, to := "DE", "DE"
	if p.of.currency == "USD" {
		home, to = "US", "US"
	}
	if p.abroad {
		to = "SG"
	}
	id := uuid.UUID{}
	binary.BigEndian.PutUint64(id[:8], uint64(p.at.UnixMilli())<<16|0x7000|m.random.Uint64()&0xfff)
	binary.BigEndian.PutUint64(id[8:], 1<<63|m.random.Uint64()>>2)
	return transaction.Transaction{
		ID: id.String(), Merchant: p.of.merchant, PaymentMethod: "card",
		Order:    transaction.Order{ID: fmt.Sprintf("demo-%d", number), Name: "made-up order", Cost: cost},
		Payment:  transaction.Payment{Card: p.of.card, Type: "card", Amount: amount},
		Customer: &transaction.Customer{ID: p.of.id, CreatedAt: p.of.opened},
		IP:       p.of.ip, BillingCountry: home, ShippingCountry: to,
		Metadata: map[string]string{MadeUp: "true", "terminal": fmt.Sprintf("t-%03d", p.terminal)},
	}
}

// Use returns a made-up transaction as the default ruleset counts it.
func Use(t transaction.Transaction, at time.Time) velocity.Use {
	return velocity.Of(t, at, velocity.Dimensions(rules.Default().Features()))
}

func (m *month) decide(t transaction.Transaction, at time.Time, use velocity.Use) fraud.Decision {
	features := m.set.Features()
	values := velocity.Values(features, use, at, m.past.Look(t.ID, velocity.Lookups(features, use, at)))
	d := m.set.Evaluate(fraud.Check{Transaction: t, StartTime: at, AsOf: at, Number: 1}, values)
	took := time.Duration(300+m.random.IntN(900)) * time.Microsecond
	d.Explanation.Features, d.Explanation.AsOf, d.Explanation.DecidedAt, d.Explanation.TookMicros = values, at, at.Add(took), took.Microseconds()
	return d
}

// settle takes the transaction through its steps to its end.
func (m *month) settle(r *ledger.Record, p *purchase) {
	at := p.at.Add(m.between(8*time.Millisecond, 40*time.Millisecond))
	step := func(to transaction.Status) {
		at = at.Add(m.between(5*time.Millisecond, 40*time.Millisecond))
		if m.random.IntN(50) == 0 { // some answers take longer
			at = at.Add(m.between(0, 600*time.Millisecond))
		}
		r.Move(to, at)
	}
	stop := func() {
		step(transaction.Fraudulent)
		step(transaction.AlertInitiated)
		step(transaction.AlertDone)
	}
	defer func() { r.Close(at) }()
	if r.Decision.Outcome == fraud.Decline {
		stop()
		return
	}
	r.Payment.Gateway = "simulated"
	step(transaction.PaymentInitiated)
	if code := m.refusal(); code != "" {
		r.Payment.Decline = payment.NewDecline(code)
		r.Payment.Error = fmt.Sprintf("gateway simulated declined: %s", code)
		step(transaction.PaymentError)
		return
	}
	r.Payment.AuthorizationID = "demo-" + r.TransactionID[:13]
	if r.Decision.Outcome == fraud.Review {
		m.ask(r, at)
		step(transaction.InReview)
		at = m.review(r, p, at)
		if r.Review.Verdict == review.Decline {
			stop()
			voided := at
			r.Payment.VoidedAt = &voided
			return
		}
	}
	r.Payment.CaptureID = "demo-" + r.TransactionID[:13]
	step(transaction.PaymentComplete)
}

// refusal returns why a gateway refuses a payment; most it takes.
func (m *month) refusal() payment.DeclineCode {
	switch n := m.random.IntN(1000); {
	case n < 14:
		return payment.InsufficientFunds
	case n < 20:
		return payment.DoNotHonor
	case n < 24:
		return payment.ExpiredCard
	case n < 26:
		return payment.IssuerUnavailable
	}
	return ""
}

func (*month) ask(r *ledger.Record, at time.Time) {
	r.Review = &review.Review{RequestedAt: at, Deadline: at.Add(day), OnExpiry: review.Decline}
}

// review has a person decide, who is right more often than not, or the deadline. It returns when.
func (m *month) review(r *ledger.Record, p *purchase, at time.Time) time.Time {
	took := time.Duration(m.random.ExpFloat64() * float64(40*time.Minute))
	if p.at.Hour() < 6 { // they sleep
		took += time.Duration(6-p.at.Hour()) * time.Hour
	}
	late := m.random.IntN(25) == 0
	if left := m.end.Sub(at); late && left > day {
		r.Review.Expire(review.Decline, r.Review.Deadline)
		return r.Review.Deadline
	} else if took > left {
		took = left
	}
	at = at.Add(took + time.Second)
	verdict, label := review.Approve, ledger.Legitimate
	if isFraud, right := p.fraud != "", m.random.Float64() < 0.85; isFraud == right {
		verdict, label = review.Decline, ledger.Fraudulent
	}
	who := []string{"ada", "bob", "eve"}[m.random.IntN(3)]
	r.Review.Decide(review.Request{Verdict: verdict, Reviewer: who}, at)
	r.Labels = append(r.Labels, ledger.Label{Label: label, Source: ledger.ByReviewer, By: who, Time: at})
	return at
}

// find adds what is found out later: that a payment was a fraud, by the card network or by the card's owner, or that a stopped
// transaction was not. What comes after the end is not known yet.
func (m *month) find(r *ledger.Record, p *purchase) {
	add := func(share float64, word, source, note string, from, to time.Duration) {
		at := p.at.Add(m.between(from, to))
		if m.random.Float64() < share && at.Before(m.end) {
			r.Labels = append(r.Labels, ledger.Label{Label: word, Source: source, Note: note, Time: at})
		}
	}
	paid := r.Status() == transaction.PaymentComplete
	switch {
	case paid && p.fraud != "":
		add(0.3, ledger.Fraudulent, ledger.ByEarlyFraudWarning, p.fraud, 2*day, 6*day)
		add(0.8, ledger.Fraudulent, ledger.ByDispute, p.fraud, 5*day, 14*day)
	case !paid && p.fraud == "" && r.Decision.Outcome == fraud.Decline:
		add(0.4, ledger.Legitimate, ledger.ByReviewer, "the customer has called", day, 3*day)
	}
	ledger.SortLabels(r.Labels)
}

// between returns a span from one to another, in whole microseconds as the ledger keeps them.
func (m *month) between(from, to time.Duration) time.Duration {
	return (from + time.Duration(m.random.Int64N(int64(to-from)))).Truncate(time.Microsecond)
}
