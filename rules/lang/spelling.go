package lang

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"dummyorders/internal/mailaddress"
)

// The functions below bring different spellings of one thing to a single one, which is what is compared: entries of lists,
// the values that are looked up in them, and the values that conditions use.

// spellDomain returns a domain in small letters, in ASCII (RFC 5890) and without a final dot. A domain that has no ASCII
// form is only put in small letters, so that case does not matter.
func spellDomain(name string) string {
	name = strings.TrimRight(strings.TrimSpace(name), ".\u3002\uff0e\uff61") // the dots of UTS 46
	if ascii, err := mailaddress.Domain(name); err == nil {
		return ascii
	}
	return strings.ToLower(norm.NFC.String(name))
}

// spellMail returns a mail address in small letters, with its domain as spellDomain returns it. Servers may distinguish
// capitals from small letters before the @, but hardly any does.
func spellMail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return strings.ToLower(norm.NFC.String(address))
	}
	return strings.ToLower(norm.NFC.String(address[:at])) + "@" + spellDomain(address[at+1:])
}

func emailDomain(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return ""
	}
	return spellDomain(email[at+1:])
}
