package mailaddress_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/mailaddress"
)

// Every spelling of a mailbox is read as one.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"ada@bücher.example":         "<ada@xn--bcher-kva.example>",
		"ada@BÜCHER.example":         "<ada@xn--bcher-kva.example>",
		"ada@bu\u0308cher.example":   "<ada@xn--bcher-kva.example>",
		"ada@bücher。example":         "<ada@xn--bcher-kva.example>",
		"ada@XN--Bcher-KVA.Example":  "<ada@xn--bcher-kva.example>",
		"ada@straße.example":         "<ada@xn--strae-oqa.example>",
		"ada@例え.テスト":                 "<ada@xn--r8jz45g.xn--zckzah>",
		"Ada@Example.COM":            "<Ada@example.com>",
		"ops@localhost":              "<ops@localhost>",
		"ops@my_host.example":        "<ops@my_host.example>",
		"ops@[192.0.2.5]":            "<ops@[192.0.2.5]>",
		"zoë@example.com":            "<zoë@example.com>",
		"zoe\u0308@example.com":      "<zoë@example.com>",
		"Zoë <ada@bücher.example>":   "=?utf-8?q?Zo=C3=AB?= <ada@xn--bcher-kva.example>",
		`"a b"@bücher.example`:       `<"a b"@xn--bcher-kva.example>`,
		"Fraud Team <f@Example.com>": `"Fraud Team" <f@example.com>`,
	} {
		address, err := mailaddress.Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, address.String(), text)
		again, err := mailaddress.Parse(address.String())
		require.NoError(t, err, text)
		assert.Equal(t, address, again)
	}
	for _, text := range []string{"", "ada", "ada@", "ada@bü cher.example", "ada@" + strings.Repeat("ü", 64) + ".example", "ada@-ü.example", "ada@ü..example"} {
		_, err := mailaddress.Parse(text)
		require.Error(t, err, text)
	}
	list, err := mailaddress.ParseList("ada@BÜCHER.example, Jo <jo@Example.com>")
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, "ada@xn--bcher-kva.example", list[0].Address)
	assert.Equal(t, "jo@example.com", list[1].Address)
	_, err = mailaddress.ParseList("ada@ü..example")
	require.Error(t, err)
}

// A host greets by its full name or its address in brackets.
func TestHost(t *testing.T) {
	for text, want := range map[string]string{
		"mail.example.com":       "mail.example.com",
		"Mail.Example.COM.":      "mail.example.com",
		"bücher.example":         "xn--bcher-kva.example",
		"a.b":                    "a.b",
		"[192.0.2.5]":            "[192.0.2.5]",
		"[IPv6:2001:db8::5]":     "[IPv6:2001:db8::5]",
		"[ipv6:2001:DB8:0:0::5]": "[IPv6:2001:db8::5]",
		"3f2a1b0c9d8e":           "", "localhost": "", "": "", ".": "", ".example": "", "a..b": "", "192.0.2.5": "", "2001:db8::5": "",
		"my_host.example": "", "-a.example": "", "a-.example": "", "mail.example.com\r\nRSET": "", "a b.example": "",
		"[192.0.2.5": "", "192.0.2.5]": "", "[2001:db8::5]": "", "[IPv6:192.0.2.5]": "", "[IPv6:fe80::1%eth0]": "", "[]": "", "[300.1.1.1]": "",
		strings.Repeat("a", 64) + ".example": "", strings.Repeat("a.", 130) + "example": "",
	} {
		host, ok := mailaddress.Host(text)
		assert.Equal(t, want, host, text)
		assert.Equal(t, want != "", ok, text)
	}
}

// An address is in brackets.
func TestLiteral(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.5": "[192.0.2.5]", "::ffff:192.0.2.5": "[192.0.2.5]", "2001:db8::5": "[IPv6:2001:db8::5]", "fe80::1%eth0": "[IPv6:fe80::1]",
	} {
		assert.Equal(t, want, mailaddress.Literal(netip.MustParseAddr(address)))
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Zoë <ada@BÜCHER.example>")
	f.Add("zoë@[192.0.2.5]")
	f.Fuzz(func(t *testing.T, text string) {
		address, err := mailaddress.Parse(text)
		if err != nil {
			return
		}
		domain := address.Address[strings.LastIndex(address.Address, "@")+1:]
		assert.True(t, mailaddress.ASCII(domain), text)
		assert.Equal(t, strings.ToLower(domain), domain, text)
	})
}
