// Package mailaddress parses mail addresses and normalizes them, so that two spellings of one mailbox are equal.
package mailaddress

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Parse parses an address, with or without a name. It returns the domain in lower case and in the ASCII form that mail
// servers and DNS use (RFC 5891). It keeps the case of the local part, because only the receiving server knows whether
// case matters, and puts it into the normal form that RFC 6530 §10.1 asks for.
func Parse(text string) (*mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return nil, err
	}
	return normal(address)
}

// ParseList parses addresses with commas between them, each as Parse does.
func ParseList(text string) ([]*mail.Address, error) {
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, err
	}
	for i, address := range list {
		if list[i], err = normal(address); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func normal(address *mail.Address) (*mail.Address, error) {
	at := strings.LastIndex(address.Address, "@")
	domain, err := Domain(address.Address[at+1:])
	if err != nil {
		return nil, err
	}
	return &mail.Address{Name: address.Name, Address: norm.NFC.String(address.Address[:at]) + "@" + domain}, nil
}

// lookup normalizes a domain for a DNS lookup, in whatever script it is written.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true), idna.StrictDomainName(true))

// Domain returns a domain in ASCII and lower case. It returns an address in brackets unchanged.
func Domain(name string) (string, error) {
	switch {
	case strings.HasPrefix(name, "["):
		return name, nil
	case ASCII(name):
		return strings.ToLower(name), nil
	}
	ascii, err := lookup.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("domain %q has no ASCII form: %w", name, err)
	}
	return ascii, nil
}

// ASCII reports whether a text has only ASCII characters. An address whose local part has others needs SMTPUTF8.
func ASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// fullName matches the host names that RFC 1123 §2.1 allows, with a domain. The last part is not a number, unlike that
// of an IP address.
var fullName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// longestName is the largest number of characters in a domain (RFC 1035 §2.3.4).
const longestName = 253

// Host returns the name by which a host greets a mail server (RFC 5321 §4.1.3): its full name, or its address in
// brackets. ok is false if text is neither.
func Host(text string) (host string, ok bool) {
	if literal, is := strings.CutPrefix(text, "["); is {
		return readLiteral(strings.TrimSuffix(literal, "]"), strings.HasSuffix(literal, "]"))
	}
	host, err := Domain(strings.TrimSuffix(text, "."))
	if err != nil || len(host) > longestName || !fullName.MatchString(host) {
		return "", false
	}
	return host, true
}

// ipv6 is the prefix of an IPv6 address in brackets.
const ipv6 = "IPv6:"

func readLiteral(text string, closed bool) (string, bool) {
	tagged := len(text) >= len(ipv6) && strings.EqualFold(text[:len(ipv6)], ipv6)
	if tagged {
		text = text[len(ipv6):]
	}
	address, err := netip.ParseAddr(text)
	if err != nil || !closed || address.Zone() != "" || address.Is4() == tagged {
		return "", false
	}
	return Literal(address), true
}

// Literal returns an address in brackets: [192.0.2.5], [IPv6:2001:db8::5].
func Literal(address netip.Addr) string {
	if address = address.Unmap().WithZone(""); address.Is4() {
		return "[" + address.String() + "]"
	}
	return "[" + ipv6 + address.String() + "]"
}
