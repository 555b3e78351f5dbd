package rules

import (
	"fmt"
	"net/netip"
	"slices"

	"dummyorders/domain/address"
)

// networks holds addresses and networks. A lookup tries each prefix length that occurs in it: a list has few of them.
type networks struct {
	all     map[netip.Prefix]bool
	lengths []int // the prefix lengths, of IPv4 and IPv6 together
}

func (n *networks) add(entry string) error {
	network, err := parseNetwork(entry)
	if err != nil {
		return err
	}
	if n.all == nil {
		n.all = map[netip.Prefix]bool{}
	}
	n.all[network] = true
	n.note(network)
	return nil
}

func parseNetwork(entry string) (netip.Prefix, error) {
	network, err := address.ParseNetwork(entry)
	if err != nil {
		return network, fmt.Errorf("%q is neither an address nor a network: it must be an address such as 192.0.2.1, or a network such as 192.0.2.0/24", entry)
	}
	return network, nil
}

// note adds the length of a network's prefix to those that are tried.
func (n *networks) note(network netip.Prefix) {
	if !slices.Contains(n.lengths, network.Bits()) {
		n.lengths = append(n.lengths, network.Bits())
	}
}

// has reports whether an address is in one of the networks.
func (n *networks) has(text string) bool {
	return n.any(text, func(network netip.Prefix) bool { return n.all[network] })
}

// any reports whether an address is in a network for which is holds, as it is written or as it counts: a 6to4 address is in
// 2002::/16, and also in the networks of the IPv4 address that it embeds.
func (n *networks) any(text string, is func(netip.Prefix) bool) bool {
	written, counts, err := address.Parse(text)
	return err == nil && (n.around(written, is) || written != counts && n.around(counts, is))
}

func (n *networks) around(a netip.Addr, is func(netip.Prefix) bool) bool {
	for _, length := range n.lengths {
		if network, err := a.Prefix(length); err == nil && is(network) {
			return true
		}
	}
	return false
}
