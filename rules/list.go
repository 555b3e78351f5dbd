package rules

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// list is a list together with its entries.
type list struct {
	List
	value   func(*view) string
	kind    entryKind
	entries map[string]bool
	nets    networks

	line, column int // its place in the ruleset's file
}

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
	addresses   = entryKind{like: "an address such as 192.0.2.1, or a network such as 192.0.2.0/24", ip: true}
)

// spellCountry returns the code that transactions use for a country; it returns an empty string if code is unknown.
func spellCountry(code string) string {
	known, _ := spelling.Country(code)
	return known
}

// listable holds the values that can be looked up in lists, apart from those of metadata.
var listable = []struct {
	of    string
	kind  entryKind
	value func(*view) string
}{
	{"card.fingerprint", fingerprint, func(v *view) string { return v.Payment.Card.Fingerprint }},
	{"card.firstSix", sixDigits, func(v *view) string { return v.Payment.Card.FirstSix }},
	{"customer.id", anything, func(v *view) string { return v.customer.ID }},
	{"customer.email", mailbox, func(v *view) string { return v.customer.Email }},
	{"customer.emailDomain", mailDomain, func(v *view) string { return emailDomain(v.customer.Email) }},
	{"ip.address", addresses, func(v *view) string { return v.IP }},
	{"billing.country", country, func(v *view) string { return v.BillingCountry }},
	{"shipping.country", country, func(v *view) string { return v.ShippingCountry }},
}

// newList returns a list without entries, or an error if lists cannot be of l.Of.
func newList(l List) (*list, error) {
	made := &list{List: l, entries: map[string]bool{}}
	if key, is := velocity.Dimension(l.Of).MetadataKey(); is && key != "" {
		if key = spelling.ID(key); key == "" || utf8.RuneCountInString(key) > transaction.MaxMetadataKey {
			return nil, fmt.Errorf("%q is not a key of metadata: a key has from 1 to %d characters", l.Of, transaction.MaxMetadataKey)
		}
		made.kind, made.value = anything, func(v *view) string { return v.Metadata[key] }
		made.kind.longest = transaction.MaxMetadataValue
		return made, nil
	}
	known := make([]string, 0, len(listable)+1)
	for _, can := range listable {
		if can.of == l.Of {
			made.kind, made.value = can.kind, can.value
			if can.of == "customer.id" {
				made.kind.longest = transaction.MaxID
			}
			return made, nil
		}
		known = append(known, can.of)
	}
	return nil, fmt.Errorf("%q cannot be looked up: %s", l.Of, yamlfile.OneOf(l.Of, append(known, "metadata.<key>")))
}

// fill adds the entries of a list's file, one per line. It skips blank lines and comments.
func (l *list) fill(content []byte) []Fault {
	var faults []Fault
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	for n := 1; lines.Scan(); n++ {
		entry := strings.TrimSpace(comment.ReplaceAllString(lines.Text(), ""))
		if entry == "" {
			continue
		}
		if err := l.add(entry); err != nil {
			faults = append(faults, Fault{File: l.File, Line: n, Column: 1, Text: err.Error()})
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, Fault{File: l.File, Text: "cannot be read: " + err.Error()})
	}
	l.Entries = len(l.entries) + len(l.nets.all)
	return yamlfile.Bounded(faults)
}

// comment matches a comment, which begins a line or follows space: c#4 may be the id of a customer.
var comment = regexp.MustCompile(`(^|\s)#.*`)

// several matches lines that look like more than one entry, or like a line of another kind of file, such as CSV.
var several = regexp.MustCompile(`,|^".*"$|^'.*'$`)

func (l *list) add(entry string) error {
	if several.MatchString(entry) {
		return errors.New("must be one entry a line, without commas and quotes")
	}
	if l.kind.ip {
		return l.nets.add(entry, l.kind.like)
	}
	spelled := entry
	if l.kind.spell != nil {
		spelled = l.kind.spell(entry)
	}
	switch known := l.kind.looks.MatchString(spelled); {
	case l.kind.longest > 0 && utf8.RuneCountInString(spelled) > l.kind.longest:
		return fmt.Errorf("this cannot be a %s: it must be of at most %d characters", l.Of, l.kind.longest)
	case !known && l.kind.cards:
		return fmt.Errorf("this cannot be a %s: it must be %s", l.Of, l.kind.like)
	case !known:
		return fmt.Errorf("%q cannot be a %s: it must be %s", entry, l.Of, l.kind.like)
	}
	l.entries[spelled] = true
	return nil
}

// has reports whether the transaction's value is on the list. A transaction without such a value is not on it.
func (l *list) has(v *view) bool {
	value := l.value(v)
	switch {
	case value == "":
		return false
	case l.kind.ip:
		return l.nets.has(value)
	case l.kind.spell != nil:
		value = l.kind.spell(value)
	}
	return l.entries[value]
}

// id returns the id that the list has among the rules of an explanation.
func (l *list) id() string { return listPrefix + l.Name }

// listPrefix distinguishes the ids of lists from those of rules, which have no colon.
const listPrefix = "list:"

// reason returns the reason that the merchant sees. It names the list, but not the value that is on it.
func (l *list) reason() fraud.Reason {
	if l.Effect == fraud.ActBlock {
		return fraud.Reason{Code: "BLOCK_LIST", Message: "the transaction is on the block list " + l.Name}
	}
	return fraud.Reason{Code: "ALLOW_LIST", Message: "the transaction is on the allow list " + l.Name}
}

// written returns the entries in the spelling in which they are compared.
func (l *list) written() map[string]bool {
	if !l.kind.ip {
		return l.entries
	}
	all := make(map[string]bool, len(l.nets.all))
	for network := range l.nets.all {
		all[network.String()] = true
	}
	return all
}
