// Package address parses IP addresses: it finds which address a text means, however it is spelled, and whose address it is.
package address

import (
	"fmt"
	"net/netip"
	"strings"
)

// Parse parses an address, and returns it as it is written and as it counts. If it embeds an IPv4 address, as NAT64 and 6to4
// addresses do, the embedded one counts. Neither result has a zone, and an IPv4-mapped address is returned as IPv4 in both.
func Parse(text string) (written, counts netip.Addr, err error) {
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		return netip.Addr{}, netip.Addr{}, err
	}
	a = a.WithZone("").Unmap()
	return a, within(a), nil
}

// ParseNetwork parses a network, or an address as the network that holds only that address. A network of addresses that
// embed IPv4 addresses becomes the network of those IPv4 addresses; the network of all such addresses, such as 2002::/16,
// stays itself.
func ParseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an address of a host or a network", text)
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

// Subscriber returns a name for the owner of an address: an IPv4 address itself, and the /64 of an IPv6 address. It returns
// "" if text is not an address, or if the address is not reachable from everywhere on the internet: such an address names no
// subscriber, and many may share it.
func Subscriber(text string) string {
	_, a, err := Parse(text)
	switch {
	case err != nil || !global(a):
		return ""
	case a.Is4():
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// global reports whether an address, in the form that counts, is reachable from everywhere on the internet.
func global(a netip.Addr) bool {
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

// unicast is the part of IPv6 that is assigned to networks of the internet, by IANA's registry of its address space.
var unicast = netip.MustParsePrefix("2000::/3")

// special lists the addresses that are not globally reachable, by IANA's registries of special-purpose addresses (RFC 6890)
// as of RFC 9780 (May 2025), and multicast addresses. Addresses that embed others are not listed, because the embedded
// address counts.
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

// reachable lists the addresses within special that are globally reachable all the same, by the same registries.
var reachable = networks("192.0.0.9/32", "192.0.0.10/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32",
	"2001:4:112::/48", "2001:20::/28", "2001:30::/28")

func networks(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// embedded is an IPv6 network whose addresses embed an IPv4 address.
type embedded struct {
	netip.Prefix

	// begins is the bit at which the embedded address begins. inverted says whether its bits are inverted.
	begins   int
	inverted bool
}

// reservedOctet is the octet that is 0 in an address and not part of the IPv4 address embedded around it (RFC 6052).
const reservedOctet = 8

var localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")

var embeddings = []embedded{
	{netip.MustParsePrefix("::ffff:0:0/96"), 96, false},   // mapped, RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 96, false}, // translated, RFC 2765
	{netip.MustParsePrefix("::/96"), 96, false},           // compatible, which is deprecated, RFC 4291; :: and ::1 as well
	{netip.MustParsePrefix("64:ff9b::/96"), 96, false},    // NAT64, RFC 6052
	{localNAT64, 96, false},                               // NAT64 within one network, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 16, false},       // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), 96, true},        // Teredo, RFC 4380: the client's address; the server's stands before it
}

func embedding(a netip.Addr) (embedded, bool) {
	for _, e := range embeddings {
		if e.Contains(a) {
			return e, true
		}
	}
	return embedded{}, false
}

// of returns the embedded IPv4 address that begins at the bit begins.
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

// within returns the IPv4 address that an IPv6 address embeds, or the address itself.
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

// localBegin returns the bit at which a network's own NAT64 prefix ends. RFC 6052 allows the bits 48, 56, 64 and 96: all
// bits after the embedded address are 0.
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
