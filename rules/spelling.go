package rules

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"dummyorders/internal/mailaddress"
)

// What is one thing in several spellings is compared in one of them: entries of lists, what is looked up in them, and what
// conditions see.

// spellDomain is a domain in small letters, in ASCII (RFC 5890), and without a last dot. One that has no such form is compared
// without regard to case.
func spellDomain(name string) string {
	name = strings.TrimRight(strings.TrimSpace(name), ".\u3002\uff0e\uff61") // the dots of UTS 46
	if ascii, err := mailaddress.Domain(name); err == nil {
		return ascii
	}
	return strings.ToLower(norm.NFC.String(name))
}

// spellMail is a mail address. Servers may tell large letters from small ones before the @, and hardly any does.
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
