package lang

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// entryKind says what the entries of a list must look like and how they are compared.
type entryKind struct {
	// looks is the pattern that an entry must match, and like describes it in a fault.
	looks *regexp.Regexp
	like  string
	// spell normalizes values and entries before they are compared; if nil, they are compared as they are.
	spell func(string) string
	// longest is the most characters that a value can have; if 0, only looks bounds it.
	longest int
	ip      bool // addresses and networks
	cards   bool // faults never quote such an entry: if it is wrong, it may be a card number
}

var (
	anything    = entryKind{looks: regexp.MustCompile(`.`), like: "a text", spell: spelling.ID}
	fingerprint = entryKind{looks: regexp.MustCompile(`^[0-9a-f]{64}$`), like: "64 digits and letters from a to f, as `orders rules explain` shows", cards: true}
	sixDigits   = entryKind{looks: regexp.MustCompile(`^[0-9]{6}$`), like: "six digits, such as 411111", cards: true}
	fourDigits  = entryKind{looks: regexp.MustCompile(`^[0-9]{4}$`), like: "four digits, such as 1111"}
	mailbox     = entryKind{looks: regexp.MustCompile(`^[^@\s]+@[^@\s]+$`), like: "a mail address, such as jo@example.com", spell: spellMail}
	mailDomain  = entryKind{looks: regexp.MustCompile(`^[^@*.\s]+(\.[^@*.\s]+)+$`), like: "a domain, such as example.com", spell: spellDomain}
	country     = entryKind{looks: regexp.MustCompile(`^[A-Z]{2}$`), like: "a country of ISO 3166 in capitals, such as IN", spell: spellCountry}
	addresses   = entryKind{ip: true}
)

// spellCountry returns the code that transactions use for a country; it returns an empty string if code is unknown.
func spellCountry(code string) string {
	known, _ := spelling.Country(code)
	return known
}

// Listable is a value of the transaction that can be looked up in lists, such as card.fingerprint.
type Listable struct {
	of    string
	kind  entryKind
	value func(*View) string
}

// listable holds the values that can be looked up in lists, apart from those of metadata.
var listable = []Listable{
	{"card.fingerprint", fingerprint, func(v *View) string { return v.Payment.Card.Fingerprint }},
	{"card.firstSix", sixDigits, func(v *View) string { return v.Payment.Card.FirstSix }},
	{"customer.id", anything, func(v *View) string { return v.customer.ID }},
	{"customer.email", mailbox, func(v *View) string { return v.customer.Email }},
	{"customer.emailDomain", mailDomain, func(v *View) string { return emailDomain(v.customer.Email) }},
	{"ip.address", addresses, func(v *View) string { return v.IP }},
	{"billing.country", country, func(v *View) string { return v.BillingCountry }},
	{"shipping.country", country, func(v *View) string { return v.ShippingCountry }},
}

// ParseListable returns the value that a list is of, or an error if lists cannot be of that.
func ParseListable(of string) (Listable, error) {
	if key, is := velocity.Dimension(of).MetadataKey(); is && key != "" {
		if key = spelling.ID(key); key == "" || utf8.RuneCountInString(key) > transaction.MaxMetadataKey {
			return Listable{}, fmt.Errorf("%q is not a key of metadata: a key has from 1 to %d characters", of, transaction.MaxMetadataKey)
		}
		kind := anything
		kind.longest = transaction.MaxMetadataValue
		return Listable{of, kind, func(v *View) string { return v.Metadata[key] }}, nil
	}
	known := make([]string, 0, len(listable)+1)
	for _, can := range listable {
		if can.of == of {
			if of == "customer.id" {
				can.kind.longest = transaction.MaxID
			}
			return can, nil
		}
		known = append(known, can.of)
	}
	return Listable{}, fmt.Errorf("%q cannot be looked up: %s", of, yamlfile.OneOf(of, append(known, "metadata.<key>")))
}

// Addresses reports whether the value is an address, whose lists hold networks too.
func (l Listable) Addresses() bool { return l.kind.ip }

// Value returns the transaction's value as lists spell it. It is empty if the transaction has none.
func (l Listable) Value(v *View) string {
	value := l.value(v)
	if value == "" || l.kind.spell == nil {
		return value
	}
	return l.kind.spell(value)
}

// Spell returns an entry of a list in the spelling in which it is compared, or an error if no value looks like it. It must not
// be called for addresses: their entries are networks.
func (l Listable) Spell(entry string) (string, error) {
	spelled := entry
	if l.kind.spell != nil {
		spelled = l.kind.spell(entry)
	}
	switch known := l.kind.looks.MatchString(spelled); {
	case l.kind.longest > 0 && utf8.RuneCountInString(spelled) > l.kind.longest:
		return "", fmt.Errorf("this cannot be a %s: it must be of at most %d characters", l.of, l.kind.longest)
	case !known && l.kind.cards:
		return "", fmt.Errorf("this cannot be a %s: it must be %s", l.of, l.kind.like)
	case !known:
		return "", fmt.Errorf("%q cannot be a %s: it must be %s", entry, l.of, l.kind.like)
	}
	return spelled, nil
}
