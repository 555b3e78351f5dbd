package rules

import (
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// given is the input of a case: a transaction, and what was counted before it.
type given struct {
	check  fraud.Check
	seen   map[string]float64
	listed []string
}

// readGiven reads a case's given: the unremarkable transaction, with the parts that are written replaced.
func (s *Set) readGiven(v *yamlfile.Value, names []string) given {
	g := given{check: Unremarkable(), seen: map[string]float64{}}
	if !v.Mapping() {
		return g
	}
	t := &g.check.Transaction
	if at := v.Optional("at"); at != nil {
		g.check.StartTime = at.Moment()
		g.check.AsOf = g.check.StartTime
	}
	readOrder(v.Optional("order"), &t.Order)
	readCard(v.Optional("card"), &t.Payment.Card)
	readPayment(v.Optional("payment"), t)
	readCustomer(v.Optional("customer"), t)
	if ip := v.Optional("ip"); ip != nil {
		t.IP = readAddress(ip)
	}
	readCountry(v.Optional("billing"), &t.BillingCountry)
	readCountry(v.Optional("shipping"), &t.ShippingCountry)
	readMetadata(v.Optional("metadata"), t)
	for _, part := range v.Optional("malformed").List() {
		t.Malformed = append(t.Malformed, part.Choice(transaction.Malformable()...))
	}
	s.readSeen(v.Optional("seen"), g.seen)
	for _, name := range v.Optional("listed").List() {
		g.listed = append(g.listed, name.Choice(names...))
	}
	v.RefuseUnknown()
	return g
}

// none is the word that removes a part from a case's transaction.
const none = "none"

func readAddress(v *yamlfile.Value) string {
	if v.Is(none) {
		return ""
	}
	text := v.Words()
	if _, _, err := address.Parse(text); err != nil && text != "" {
		v.Fault("%q is not an address: it must be one such as 192.0.2.1 or 2001:db8::1, or %s", text, none)
	}
	return text
}

// set replaces a text if it is given.
func set(v *yamlfile.Value, name string, to *string) {
	if member := v.Optional(name); member != nil {
		*to = member.Text()
	}
}

// readID sets an id, normalized as the API does it.
func readID(v *yamlfile.Value, to *string) {
	set(v, "id", to)
	*to = spelling.ID(*to)
}

// setLike replaces a text if it is given, and checks that it looks like an entry of kind.
func setLike(v *yamlfile.Value, name string, kind entryKind, to *string) {
	set(v, name, to)
	if member := v.Optional(name); member != nil && *to != "" && !kind.looks.MatchString(*to) {
		member.Fault("%q must be %s", *to, kind.like)
	}
}

func readOrder(v *yamlfile.Value, o *transaction.Order) {
	if !v.Mapping() {
		return
	}
	readID(v, &o.ID)
	set(v, "name", &o.Name)
	readAmount(v, "cost", &o.Cost)
	if number := v.Optional("items"); number != nil {
		o.Items = items(number.Whole(0, maxItems))
	}
	v.RefuseUnknown()
}

// maxItems is the API's bound for the items of an order.
const maxItems = 100

// readAmount reads an amount and its currency. What is not given stays as it is.
func readAmount(v *yamlfile.Value, name string, to *money.Money) {
	currency, decimal := to.Currency, to.Decimal().String()
	code, amount := v.Optional("currency"), v.Optional(name)
	if code != nil {
		known, err := money.ParseCurrency(code.Text())
		if err != nil {
			code.Fault("%q %v", code.Text(), err)
			return
		}
		currency = known
	}
	if amount != nil {
		decimal = amount.Text()
	}
	parsed, err := money.Parse(decimal, currency)
	switch {
	case err == nil:
		*to = parsed
	case amount != nil:
		amount.Fault("%q %v", decimal, err)
	default:
		code.Fault("the amount %s, which is the unremarkable transaction's, cannot be in %s: give one that can", decimal, currency)
	}
}

func readPayment(v *yamlfile.Value, t *transaction.Transaction) {
	if !v.Mapping() {
		return
	}
	set(v, "method", &t.PaymentMethod)
	t.PaymentMethod = spelling.PaymentMethod(t.PaymentMethod)
	set(v, "type", &t.Payment.Type)
	readAmount(v, "amount", &t.Payment.Amount)
	if token := v.Optional("token"); token.Truth() {
		t.Payment.Token = "token"
	}
	v.RefuseUnknown()
}

func readCard(v *yamlfile.Value, c *card.Details) {
	if v.Is(none) {
		*c = card.Details{}
		return
	}
	if !v.Mapping() {
		return
	}
	if brand := v.Optional("brand"); brand != nil {
		c.Brand = brand.Choice(brands...)
	}
	if other := v.Optional("coBrand"); other != nil {
		c.CoBrand = other.Choice(brands...)
	}
	setLike(v, "firstSix", sixDigits, &c.FirstSix)
	setLike(v, "lastFour", fourDigits, &c.LastFour)
	setLike(v, "fingerprint", fingerprint, &c.Fingerprint)
	if length := v.Optional("length"); length != nil {
		c.Length = length.Whole(0, 19)
	}
	if valid := v.Optional("luhnValid"); valid != nil {
		c.LuhnValid = valid.Truth()
	}
	v.RefuseUnknown()
}

func readCustomer(v *yamlfile.Value, t *transaction.Transaction) {
	if v.Is(none) {
		t.Customer = nil
		return
	}
	if !v.Mapping() {
		return
	}
	t.Customer = &transaction.Customer{} // what the case leaves out is unknown: it must not come from the unremarkable customer
	readID(v, &t.Customer.ID)
	set(v, "email", &t.Customer.Email)
	switch created := v.Optional("createdAt"); {
	case created.Is(none):
		t.Customer.CreatedAt = time.Time{}
	case created != nil:
		t.Customer.CreatedAt = created.Moment()
	}
	v.RefuseUnknown()
}

func readCountry(v *yamlfile.Value, to *string) {
	if v.Is(none) {
		*to = ""
		return
	}
	if !v.Mapping() {
		return
	}
	set(v, "country", to)
	if code := *to; code != "" {
		if *to = spellCountry(code); *to == "" {
			v.Optional("country").Fault("%q must be %s", code, country.like)
		}
	}
	v.RefuseUnknown()
}

func readMetadata(v *yamlfile.Value, t *transaction.Transaction) {
	if v == nil || !v.Mapping() {
		return
	}
	t.Metadata = map[string]string{}
	for _, key := range v.Keys() {
		t.Metadata[spelling.ID(key.Name)] = spelling.ID(v.Optional(key.Name).Text())
	}
}
