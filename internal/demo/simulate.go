// Package demo makes up transactions for a demonstration: a month of customers who buy at terminals, three kinds of fraud
// among them, and what is found out about these later. It follows the simulator of "Reproducible Machine Learning for Credit
// Card Fraud Detection" (Le Borgne, Siblini, Lebichot, Bontempi; Université Libre de Bruxelles), chapter 3, with fewer
// customers, and so fewer frauds a day. The default ruleset decides, from what it could have known at the time.
package demo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
)

// The size of the made-up world. The simulator of the handbook has 5,000 customers and 10,000 terminals; its square has the
// same sides, and its frauds come every day.
const (
	customers = 160
	terminals = 400
	side      = 100.0
	radius    = 10.0 // how far a customer goes to a terminal

	largest          = 220.0 // any amount above it is a fraud
	compromisedEvery = 2     // a terminal is compromised every so many days
	compromisedFor   = 28 * day
	stolenEvery      = 1 // a card is stolen every so many days
	stolenFor        = 14 * day
	stolenTimes      = 5 // by how much the sums of a thief are larger

	day = 24 * time.Hour
)

// customer is somebody with a place, who spends amounts around a mean, so often a day.
type customer struct {
	id, merchant, ip string
	currency         money.Currency
	card             card.Details
	mean, daily      float64
	terminals        []int
	opened           time.Time
	frauds           []time.Time // when frauds with the card were found out
}

// known adds what turned out to be true of a transaction.
func (c *customer) known(labels []ledger.Label) {
	for _, label := range labels {
		if label.Label == ledger.Fraudulent {
			c.frauds = append(c.frauds, label.Time)
		}
	}
}

// blocked reports whether the bank has blocked the card, because of two frauds.
func (c *customer) blocked(at time.Time) bool {
	found := 0
	for _, fraud := range c.frauds {
		if fraud.Before(at) {
			found++
		}
	}
	return found >= 2
}

// purchase is a transaction before it is checked.
type purchase struct {
	of       *customer
	terminal int
	at       time.Time
	amount   float64
	fraud    string // which kind of fraud it is; empty if it is none
	abroad   bool
	part     bool // only a part of the order is paid
}

// The kinds of fraud.
const (
	tooHigh     = "an amount that was too high"
	compromised = "a compromised terminal"
	stolen      = "a stolen card"
)

type world struct {
	random     *rand.Rand
	begin, end time.Time
	days       int
	customers  []*customer
	purchases  []purchase
}

// newWorld makes up customers and what they buy from begin on, in the order of time.
func newWorld(seed uint64, begin, end time.Time) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 0)), begin: begin, end: end, days: int(math.Ceil(end.Sub(begin).Hours() / 24))}
	places := make([][2]float64, terminals)
	for i := range places {
		places[i] = w.place()
	}
	for i := range customers {
		w.customers = append(w.customers, w.customer(i, places))
	}
	for _, c := range w.customers {
		for d := range w.days {
			w.shop(c, begin.Add(time.Duration(d)*day))
		}
	}
	w.compromise()
	w.steal()
	w.pass(places)
	w.purchases = slices.DeleteFunc(w.purchases, func(p purchase) bool { return p.at.Before(begin) || !p.at.Before(end) })
	slices.SortStableFunc(w.purchases, func(a, b purchase) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.of.id, b.of.id)) })
	return w
}

func (w *world) place() [2]float64 {
	return [2]float64{w.random.Float64() * side, w.random.Float64() * side}
}

func (w *world) customer(i int, places [][2]float64) *customer {
	home := w.place()
	c := &customer{
		id: fmt.Sprintf("demo-%03d", i+1), merchant: identity.DefaultMerchant, currency: "EUR", ip: fmt.Sprintf("8.%d.%d.%d", i%7, i/7, 1+i),
		card: w.card(), mean: 5 + 95*w.random.Float64(), daily: 4 * w.random.Float64(),
		opened: w.begin.Add(-time.Duration(w.random.IntN(700)) * day),
	}
	if i%3 == 0 {
		c.merchant, c.currency = "acme", "USD"
	}
	for t, at := range places {
		if math.Hypot(at[0]-home[0], at[1]-home[1]) < radius {
			c.terminals = append(c.terminals, t)
		}
	}
	if len(c.terminals) == 0 {
		c.terminals = []int{i % terminals}
	}
	return c
}

// card returns a made-up card. Its fingerprint fits no number, so that no card of somebody's is in the demonstration.
func (w *world) card() card.Details {
	brand := []card.Details{{FirstSix: "411111", Brand: "visa"}, {FirstSix: "555555", Brand: "mastercard"}}[w.random.IntN(2)]
	brand.LastFour, brand.Length, brand.LuhnValid = fmt.Sprintf("%04d", w.random.IntN(10_000)), 16, true
	brand.Fingerprint = fmt.Sprintf("demo-%016x%016x", w.random.Uint64(), w.random.Uint64())
	return brand
}

// shop has a customer buy on a day, most of all around noon.
func (w *world) shop(c *customer, on time.Time) {
	for range w.poisson(c.daily) {
		second := w.random.NormFloat64()*20_000 + 43_200
		if second < 0 || second >= 86_400 {
			continue
		}
		amount := c.mean + c.mean/2*w.random.NormFloat64()
		if amount < 0.5 {
			amount = 0.5 + 2*c.mean*w.random.Float64()
		}
		p := purchase{
			of: c, terminal: c.terminals[w.random.IntN(len(c.terminals))], amount: amount,
			at:     on.Add(time.Duration(second*1e6) * time.Microsecond),
			abroad: w.random.Float64() < 0.05,
		}
		if amount > largest {
			p.fraud = tooHigh
		}
		w.purchases = append(w.purchases, p)
	}
}

// poisson returns how often something happens that happens so often on average, after Knuth.
func (w *world) poisson(mean float64) int {
	n, p := 0, w.random.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= w.random.Float64()
	}
	return n
}

// compromise has everything that is bought at some terminals be a fraud, for four weeks.
func (w *world) compromise() {
	for d := 0; d < w.days; d += compromisedEvery {
		terminal, from := w.random.IntN(terminals), w.begin.Add(time.Duration(d)*day)
		for i, p := range w.purchases {
			if p.terminal == terminal && !p.at.Before(from) && p.at.Before(from.Add(compromisedFor)) {
				w.purchases[i].fraud = compromised
			}
		}
	}
}

// steal has the sums of some customers grow for two weeks, in one of three of their purchases: somebody else has their card. Such
// a purchase is often sent abroad, and may come several times in minutes.
func (w *world) steal() {
	for d := 0; d < w.days; d += stolenEvery {
		victim, from := w.customers[w.random.IntN(customers)], w.begin.Add(time.Duration(d)*day)
		for i, p := range w.purchases {
			if p.of != victim || p.at.Before(from) || !p.at.Before(from.Add(stolenFor)) || w.random.IntN(3) > 0 {
				continue
			}
			p.amount, p.fraud, p.abroad = p.amount*stolenTimes, stolen, w.random.Float64() < 0.7
			w.purchases[i] = p
			if w.random.IntN(4) > 0 {
				continue
			}
			for range 2 + w.random.IntN(6) {
				p.at = p.at.Add(time.Duration(20+w.random.IntN(100)) * time.Second)
				w.purchases = append(w.purchases, p)
			}
		}
	}
}

// pass has two strangers a day buy once, when it is night in India, and pay a part of what is sent abroad: one of three with a stolen
// card. The rule in shadow would have them reviewed.
func (w *world) pass(places [][2]float64) {
	for n := range 2 * w.days {
		c := w.customer(len(w.customers), places)
		w.customers = append(w.customers, c)
		at := w.begin.Add(time.Duration(n/2)*day + 19*time.Hour + time.Duration(w.random.IntN(4*3600))*time.Second)
		p := purchase{of: c, terminal: c.terminals[0], amount: c.mean, at: at, abroad: true, part: true}
		if w.random.IntN(3) == 0 {
			p.fraud = stolen
		}
		w.purchases = append(w.purchases, p)
	}
}
