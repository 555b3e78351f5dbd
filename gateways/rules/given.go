package rules

import (
	"math"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// given is what a case is about: a transaction, and what is known of those before it.
type given struct {
	check  fraud.Check
	seen   map[string]float64
	listed []string
}

// readGiven lays what is written over the unremarkable transaction.
func (s *Set) readGiven(v *value, names []string) given {
	g := given{check: Unremarkable(), seen: map[string]float64{}}
	if !v.mapping() {
		return g
	}
	t := &g.check.Transaction
	if at := v.optional("at"); at != nil {
		g.check.StartTime = at.moment()
		g.check.AsOf = g.check.StartTime
	}
	readOrder(v.optional("order"), &t.Order)
	readCard(v.optional("card"), &t.Payment.Card)
	readPayment(v.optional("payment"), t)
	readCustomer(v.optional("customer"), t)
	if ip := v.optional("ip"); ip != nil {
		t.IP = orNone(ip)
	}
	readCountry(v.optional("billing"), &t.BillingCountry)
	readCountry(v.optional("shipping"), &t.ShippingCountry)
	readMetadata(v.optional("metadata"), t)
	s.readSeen(v.optional("seen"), g.seen)
	for _, name := range v.optional("listed").list() {
		g.listed = append(g.listed, name.choice(names...))
	}
	v.refuseUnknown()
	return g
}

func orNone(v *value) string {
	if v.isNone() {
		return ""
	}
	return v.words()
}

// set puts a text in place where it is given.
func (v *value) set(name string, to *string) {
	if member := v.optional(name); member != nil {
		*to = member.text()
	}
}

func readOrder(v *value, o *transaction.Order) {
	if !v.mapping() {
		return
	}
	v.set("id", &o.ID)
	v.set("name", &o.Name)
	readAmount(v, "cost", &o.Cost)
	if number := v.optional("items"); number != nil {
		o.Items = items(number.whole(0, maxItems))
	}
	v.refuseUnknown()
}

// maxItems is the API's bound.
const maxItems = 100

// readAmount reads an amount and its currency, either of which may be left as it is.
func readAmount(v *value, name string, to *money.Money) {
	currency, decimal := to.Currency, to.Decimal().String()
	code, amount := v.optional("currency"), v.optional(name)
	if code != nil {
		known, err := money.ParseCurrency(code.text())
		if err != nil {
			code.fault("%q %v", code.text(), err)
			return
		}
		currency = known
	}
	if amount != nil {
		decimal = amount.text()
	}
	parsed, err := money.Parse(decimal, currency)
	switch {
	case err == nil:
		*to = parsed
	case amount != nil:
		amount.fault("%q %v", decimal, err)
	default:
		code.fault("the amount %s, which is the unremarkable transaction's, cannot be in %s: give one that can", decimal, currency)
	}
}

func readPayment(v *value, t *transaction.Transaction) {
	if !v.mapping() {
		return
	}
	v.set("method", &t.PaymentMethod)
	v.set("type", &t.Payment.Type)
	readAmount(v, "amount", &t.Payment.Amount)
	if token := v.optional("token"); token.truth() {
		t.Payment.Token = "token"
	}
	v.refuseUnknown()
}

func readCard(v *value, c *card.Details) {
	if v.isNone() {
		*c = card.Details{}
		return
	}
	if !v.mapping() {
		return
	}
	v.set("brand", &c.Brand)
	v.set("firstSix", &c.FirstSix)
	v.set("lastFour", &c.LastFour)
	v.set("fingerprint", &c.Fingerprint)
	if length := v.optional("length"); length != nil {
		c.Length = length.whole(0, 19)
	}
	if valid := v.optional("luhnValid"); valid != nil {
		c.LuhnValid = valid.truth()
	}
	v.refuseUnknown()
}

func readCustomer(v *value, t *transaction.Transaction) {
	if v.isNone() {
		t.Customer = nil
		return
	}
	if !v.mapping() {
		return
	}
	t.Customer = &transaction.Customer{} // what is left out is not known: nobody is half a stranger and half our own
	v.set("id", &t.Customer.ID)
	v.set("email", &t.Customer.Email)
	switch created := v.optional("createdAt"); {
	case created.isNone():
		t.Customer.CreatedAt = time.Time{}
	case created != nil:
		t.Customer.CreatedAt = created.moment()
	}
	v.refuseUnknown()
}

func readCountry(v *value, to *string) {
	if v.isNone() {
		*to = ""
		return
	}
	if !v.mapping() {
		return
	}
	v.set("country", to)
	v.refuseUnknown()
}

func readMetadata(v *value, t *transaction.Transaction) {
	if v == nil || !v.mapping() {
		return
	}
	t.Metadata = map[string]string{}
	for _, key := range v.keys {
		t.Metadata[key.Value] = v.optional(key.Value).text()
	}
}

// number is a plain number.
func (v *value) number() float64 {
	var number float64
	if v == nil {
		return 0
	}
	if v.node.Decode(&number) != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		v.fault("must be a number")
		return 0
	}
	return number
}

// moment is a time of RFC 3339.
func (v *value) moment() time.Time {
	at, err := time.Parse(time.RFC3339, v.text())
	if err != nil {
		v.fault("%q must be a time of RFC 3339, such as 2026-03-04T12:00:00Z", v.text())
	}
	return at
}
