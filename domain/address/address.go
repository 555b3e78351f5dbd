// Package address reads IP addresses: which one a text means, however it is spelled, and whose it is.
package address

import (
	"fmt"
	"net/netip"
	"strings"
)

// Parse reads an address, as it is written and as it counts. Where it embeds one of IPv4, as those of NAT64 and 6to4 do,
// that one counts. Neither has a zone, and an IPv4-mapped address is never meant as it is written.
func Parse(text string) (written, counts netip.Addr, err error) {
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		return netip.Addr{}, netip.Addr{}, err
	}
	a = a.WithZone("").Unmap()
	return a, within(a), nil
}

// ParseNetwork reads a network, or an address as the network that holds nothing else. A network of addresses that embed
// those of IPv4 is the network of IPv4; one of all such addresses, 2002::/16 say, is itself.
func ParseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address of a host or a network", text)
		}
		a = within(a.Unmap())
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	a, bits := network.Addr(), network.Bits()
	if e, embeds := embedding(a); embeds && (bits > e.begins || bits == e.begins && a.Is4In6()) {
		return netip.PrefixFrom(e.of(a, e.begins), min(bits-e.begins, 32)).Masked(), nil
	}
	return network.Masked(), nil
}

// Subscriber names whose an address is: an address of IPv4 by itself, one of IPv6 by its /64. It is empty for what is no
// address, and for an address that is not [Global]: it names no subscriber, and may be that of many.
func Subscriber(text string) string {
	_, a, err := Parse(text)
	switch {
	case err != nil || !Global(a):
		return ""
	case a.Is4():
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// Global reports whether an address that counts is reachable from everywhere on the internet.
func Global(a netip.Addr) bool {
	return a.IsValid() && (a.Is4() || unicast.Contains(a)) && (!holds(special, a) || holds(reachable, a))
}

func holds(networks []netip.Prefix, a netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// unicast is all of IPv6 that is given to networks of the internet, by IANA's registry of its address space.
var unicast = netip.MustParsePrefix("2000::/3")

// special are the addresses that are not globally reachable, by IANA's registries of special-purpose addresses (RFC 6890)
// as of RFC 9780 (May 2025), and those of multicast. Addresses that embed others do not stand here: the others count.
var special = networks(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // between a provider and its subscribers
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocols
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays, which are deprecated
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	"2001::/23",       // protocols
	"2001:db8::/32",   // documentation
	"3fff::/20",       // documentation
)

// reachable are those within special that are globally reachable all the same, by the same registries.
var reachable = networks("192.0.0.9/32", "192.0.0.10/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32",
	"2001:4:112::/48", "2001:20::/28", "2001:30::/28")

func networks(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// embedded is a network of IPv6 whose addresses embed one of IPv4.
type embedded struct {
	netip.Prefix

	// begins is the bit at which the embedded address begins, and inverted says that its bits are.
	begins   int
	inverted bool
}

// reservedOctet is 0 in an address that embeds one around it, and no part of that (RFC 6052).
const reservedOctet = 8

var localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")

var embeddings = []embedded{
	{netip.MustParsePrefix("::ffff:0:0/96"), 96, false},   // mapped, RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 96, false}, // translated, RFC 2765
	{netip.MustParsePrefix("::/96"), 96, false},           // compatible, which is deprecated, RFC 4291; :: and ::1 as well
	{netip.MustParsePrefix("64:ff9b::/96"), 96, false},    // NAT64, RFC 6052
	{localNAT64, 96, false},                               // NAT64 within one network, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 16, false},       // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), 96, true},        // Teredo, RFC 4380: the client's; the server's stands before it
}

func embedding(a netip.Addr) (embedded, bool) {
	for _, e := range embeddings {
		if e.Contains(a) {
			return e, true
		}
	}
	return embedded{}, false
}

// of is the address of IPv4 that begins at a bit.
func (e embedded) of(a netip.Addr, begins int) netip.Addr {
	from := a.As16()
	var v4 [4]byte
	for i, at := 0, begins/8; i < len(v4); i, at = i+1, at+1 {
		if at == reservedOctet {
			at++
		}
		v4[i] = from[at]
		if e.inverted {
			v4[i] = ^v4[i]
		}
	}
	return netip.AddrFrom4(v4)
}

// within is the address of IPv4 that one of IPv6 embeds, or the address itself.
func within(a netip.Addr) netip.Addr {
	e, embeds := embedding(a)
	if !embeds {
		return a
	}
	if e.Prefix == localNAT64 {
		return e.of(a, localBegin(a))
	}
	return e.of(a, e.begins)
}

// localBegin finds where a network's own NAT64 prefix ends, which RFC 6052 allows at bits 48, 56, 64 and 96: what follows
// the embedded address is 0.
func localBegin(a netip.Addr) int {
	bytes := a.As16()
	zeros := 0
	for zeros < len(bytes) && bytes[len(bytes)-1-zeros] == 0 {
		zeros++
	}
	switch {
	case zeros >= 5:
		return 48
	case zeros == 4:
		return 56
	case zeros == 3:
		return 64
	}
	return 96
}
