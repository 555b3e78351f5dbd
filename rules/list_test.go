package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
)

// on returns a ruleset with one block list.
func on(of, entries string) folder {
	return plain.with(folder{
		"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  l: {file: l.txt, of: " + of + ", effect: block}\n",
		"l.txt":        entries,
	})
}

// A list holds its entries and nothing else.
func TestLists(t *testing.T) {
	for name, c := range map[string]struct {
		of, entries string
		change      func(*fraud.Check)
		listed      bool
	}{
		"a customer":                     {"customer.id", "c-1001\n", nil, true},
		"another customer":               {"customer.id", "c-100\nC-1001\n", nil, false},
		"a customer in another spelling": {"customer.id", "jose\u0301\n", func(c *fraud.Check) { c.Customer.ID = "jos\u00e9" }, true},
		"a customer with unseen letters": {"customer.id", "c-\u200b1001\u00a0\n", nil, true},
		"nobody":                         {"customer.id", "c-1001\n", func(c *fraud.Check) { c.Customer = nil }, false},
		"nothing but comments":           {"customer.id", "# c-1001\n\n   # c-1001\n", nil, false},
		"an entry with a # in it":        {"customer.id", "c#4\n", func(c *fraud.Check) { c.Customer.ID = "c#4" }, true},
		"an entry without its end":       {"customer.id", "c#4\n", func(c *fraud.Check) { c.Customer.ID = "c" }, false},
		"a comment after a tab":          {"customer.id", "c-1001\t#4\n", nil, true},
		"an entry with a comment":        {"customer.id", "  c-1001   # because\r\n", nil, true},
		"a mark at the file's begin":     {"customer.id", "\ufeffc-1001", nil, true},
		"a mail address":                 {"customer.email", "JO@example.COM\n", func(c *fraud.Check) { c.Customer.Email = "Jo@Example.com" }, true},
		"a mail domain":                  {"customer.emailDomain", "Example.com\n", func(c *fraud.Check) { c.Customer.Email = "x@y@EXAMPLE.com" }, true},
		"a mail domain's subdomain":      {"customer.emailDomain", "example.com\n", func(c *fraud.Check) { c.Customer.Email = "x@a.example.com" }, false},
		"no mail domain":                 {"customer.emailDomain", "example.com\n", func(c *fraud.Check) { c.Customer.Email = "example.com" }, false},
		"a mail domain in ASCII":         {"customer.emailDomain", "bücher.example\n", func(c *fraud.Check) { c.Customer.Email = "x@xn--bcher-kva.example" }, true},
		"a mail domain in letters":       {"customer.emailDomain", "XN--BCHER-KVA.example\n", func(c *fraud.Check) { c.Customer.Email = "x@BÜCHER.example" }, true},
		"a mail domain decomposed":       {"customer.emailDomain", "bu\u0308cher.example\n", func(c *fraud.Check) { c.Customer.Email = "x@b\u00fccher.example" }, true},
		"a mail domain with other dots":  {"customer.emailDomain", "bücher。example\n", func(c *fraud.Check) { c.Customer.Email = "x@bücher．example" }, true},
		"a mail domain in full width":    {"customer.emailDomain", "ｅｘａｍｐｌｅ.com\n", func(c *fraud.Check) { c.Customer.Email = "x@example.com" }, true},
		"a mail domain of one's own":     {"customer.emailDomain", "fass.example\n", func(c *fraud.Check) { c.Customer.Email = "x@faß.example" }, false},
		"a last dot":                     {"customer.emailDomain", "example.com\n", func(c *fraud.Check) { c.Customer.Email = "x@example.com." }, true},
		"an entry with a last dot":       {"customer.emailDomain", "bücher.example.\n", func(c *fraud.Check) { c.Customer.Email = "x@xn--bcher-kva.example" }, true},
		"a domain that is none":          {"customer.emailDomain", "foo_BÜCHER.example\n", func(c *fraud.Check) { c.Customer.Email = "x@FOO_bücher.example" }, true},
		"a mail address in ASCII":        {"customer.email", "Jo@bücher.example\n", func(c *fraud.Check) { c.Customer.Email = "jo@xn--bcher-kva.example." }, true},
		"a mail address decomposed":      {"customer.email", "josé@example.com\n", func(c *fraud.Check) { c.Customer.Email = "jose\u0301@example.com" }, true},
		"a card's first six":             {"card.firstSix", "411111\n", nil, true},
		"a card":                         {"card.fingerprint", strings.Repeat("0123456789abcdef", 4), nil, true},
		"a country":                      {"billing.country", "SG\nIN\n", nil, true},
		"another country":                {"shipping.country", "SG\n", nil, false},
		"a value of metadata":            {"metadata.device", "d-1\n", func(c *fraud.Check) { c.Metadata = map[string]string{"device": "d-1"} }, true},
		"no value of metadata":           {"metadata.device", "d-1\n", nil, false},
		"an address":                     {"ip.address", "8.8.8.8\n", nil, true},
		"another address":                {"ip.address", "192.0.2.2\n192.0.2.128/25\n2001:db8::/32\n", nil, false},
		"a network":                      {"ip.address", "198.51.100.0/24\n8.8.8.7/24\n", nil, true},
		"all networks":                   {"ip.address", "0.0.0.0/0\n", nil, true},
		"an IPv4 address written six":    {"ip.address", "::ffff:8.8.8.8\n", nil, true},
		"a network of IPv6":              {"ip.address", "2001:db8::/32\n", func(c *fraud.Check) { c.IP = "2001:DB8:0:1::9" }, true},
		"an address with a zone":         {"ip.address", "fe80::1\n", func(c *fraud.Check) { c.IP = "fe80::1%eth0" }, true},
		"an IPv4 address posted as IPv6": {"ip.address", "192.0.2.0/24\n", func(c *fraud.Check) { c.IP = "::ffff:192.0.2.9" }, true},
		"a network of IPv4 written six":  {"ip.address", "::ffff:203.0.113.0/120\n", func(c *fraud.Check) { c.IP = "203.0.113.5" }, true},
		"a network of NAT64":             {"ip.address", "64:ff9b::203.0.113.0/120\n", func(c *fraud.Check) { c.IP = "203.0.113.5" }, true},
		"a network beside one of NAT64":  {"ip.address", "64:ff9b::203.0.113.0/120\n", func(c *fraud.Check) { c.IP = "203.0.114.5" }, false},
		"an address posted as NAT64":     {"ip.address", "203.0.113.0/24\n", func(c *fraud.Check) { c.IP = "64:ff9b::cb00:7105" }, true},
		"an address posted as 6to4":      {"ip.address", "203.0.113.0/24\n", func(c *fraud.Check) { c.IP = "2002:cb00:7105::1" }, true},
		"an address posted as Teredo":    {"ip.address", "203.0.113.0/24\n", func(c *fraud.Check) { c.IP = "2001:0:4136:e378:8000:63bf:34ff:8efa" }, true},
		"all of 6to4":                    {"ip.address", "2002::/16\n", func(c *fraud.Check) { c.IP = "2002:cb00:7105::1" }, true},
		"no 6to4":                        {"ip.address", "2002::/16\n", func(c *fraud.Check) { c.IP = "203.0.113.5" }, false},
		"no address":                     {"ip.address", "0.0.0.0/0\n::/0\n", func(c *fraud.Check) { c.IP = "home" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			set, check := on(c.of, c.entries).read(t), rules.Unremarkable()
			if c.change != nil {
				c.change(&check)
			}
			d := set.Evaluate(check, withZeros(set, nil))
			require.Equal(t, c.listed, d.Outcome == fraud.Decline)
			require.Equal(t, c.listed, len(d.Reasons) == 1)
			alike(t, c.of, set.Written("l"), check, c.listed)
		})
	}
}

// An entry that can match nothing is a fault.
func TestListEntryFaults(t *testing.T) {
	for of, entries := range map[string][]string{
		"customer.id": {strings.Repeat("c", 65)}, "metadata.device": {strings.Repeat("d", 501)},
		"card.fingerprint": {"4111111111111111"}, "card.firstSix": {"41111"}, "customer.email": {"jo"},
		"customer.emailDomain": {"@example.com", "example", ".example.com", "*.example.com", "example.", "."},
		"ip.address":           {"192.0.2"}, "billing.country": {"India"}, "shipping.country": {"1N", "EU", "QQ"},
	} {
		for _, entry := range entries {
			faults := on(of, "# first\n"+entry+"\n").faults(t)
			require.Len(t, faults, 1, of)
			require.Contains(t, faults[0], "l.txt:2:1: ")
			require.Contains(t, faults[0], ": it must be ")
		}
	}
}

// A line of a list is one entry.
func TestListLines(t *testing.T) {
	for _, of := range []string{"customer.id", "metadata.device", "ip.address", "card.fingerprint"} {
		for _, entry := range []string{"192.0.2.1, 192.0.2.2", `"192.0.2.1"`, "'192.0.2.1'", "192.0.2.1,because"} {
			require.Equal(t, []string{"l.txt:1:1: must be one entry a line, without commas and quotes"}, on(of, entry).faults(t))
		}
	}
}

// A card number must never get into a log. A fault of a list would quote it.
func TestListFaultHidesCardNumber(t *testing.T) {
	require.NotContains(t, strings.Join(on("card.fingerprint", "4111111111111111\n").faults(t), ""), "41111")
}

func TestFaultsHideCardNumbers(t *testing.T) {
	for name, f := range map[string]folder{
		"a wrong list": on("ip.address", "4111 1111 1111 1111\n"),
		"a condition":  plain.rule(`card.4111111111111111`),
		"a rule":       plain.rule("true", "action: 4111-1111-1111-1111"),
		"a case":       plain.rule("true", `cases: [{name: a, given: {at: "4111111111111111"}, hits: true}]`),
	} {
		require.NotRegexp(t, `4111.?1111.?1111`, strings.Join(f.faults(t), "\n"), name)
	}
	require.Equal(t, `l.txt:1:1: "411111******1111" is neither an address nor a network: it must be an address such as 192.0.2.1, or a network such as 192.0.2.0/24`,
		on("ip.address", "4111111111111111\n").faults(t)[0])
}

func TestListSizes(t *testing.T) {
	set := on("ip.address", "192.0.2.1\n192.0.2.1/32\n198.51.100.0/24\n").read(t)
	require.Equal(t, []ruleset.List{{Name: "l", File: "l.txt", Of: "ip.address", Effect: fraud.ActBlock, Entries: 2}}, set.Lists())
}

// A hundred thousand entries are found.
func TestLargeList(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d/30\n", i>>16&255, i>>8&255, i&255&^3)
	}
	text.WriteString("8.8.8.8\n")
	set := on("ip.address", text.String()).read(t)
	require.Equal(t, fraud.Decline, evaluate(set, nil).Outcome)
}
