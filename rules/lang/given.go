package lang

import (
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// ReadGiven reads the parts of the transaction that a case's given writes, and replaces those of t.
func ReadGiven(v *yamlfile.Value, t *transaction.Transaction) {
	if merchant := v.Optional(merchantName); merchant != nil {
		t.Merchant = merchant.Words()
	}
	for _, part := range subjects {
		part.readGiven(v.Optional(part.name), t)
	}
}

// none is the word that removes a part from a case's transaction.
const none = "none"

// readGiven reads a part of a case's transaction. What is left out stays as it is, but of a customer it is unknown: it must
// not come from the unremarkable one.
func (s *subject) readGiven(v *yamlfile.Value, t *transaction.Transaction) {
	switch {
	case v == nil:
		return
	case s.none != nil && v.Is(none):
		s.none(t)
		return
	case s.readFrom != nil:
		s.readFrom(v, t)
		return
	case !v.Mapping():
		return
	case s.name == "customer":
		t.Customer = &transaction.Customer{}
	}
	for _, f := range s.fields {
		if f.readFrom != nil {
			f.readFrom(v, t)
		}
	}
	v.RefuseUnknown()
}

func readAddress(v *yamlfile.Value, t *transaction.Transaction) {
	t.IP = v.Words()
	if _, _, err := address.Parse(t.IP); err != nil && t.IP != "" {
		v.Fault("%q is not an address: it must be one such as 192.0.2.1 or 2001:db8::1, or %s", t.IP, none)
	}
}

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

func readCreated(v *yamlfile.Value, t *transaction.Transaction) {
	t.Customer.CreatedAt = time.Time{}
	if !v.Is(none) {
		t.Customer.CreatedAt = v.Moment()
	}
}

func readMetadata(v *yamlfile.Value, t *transaction.Transaction) {
	if !v.Mapping() {
		return
	}
	t.Metadata = map[string]string{}
	for _, key := range v.Keys() {
		t.Metadata[spelling.ID(key.Name)] = spelling.ID(v.Optional(key.Name).Text())
	}
}
