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
	network, err := address.ParseNetwork(entry)
	if err != nil {
		return fmt.Errorf("%q is neither an address nor a network: it must be an address such as 192.0.2.1, or a network such as 192.0.2.0/24", entry)
	}
	if n.all == nil {
		n.all = map[netip.Prefix]bool{}
	}
	n.all[network] = true
	if !slices.Contains(n.lengths, network.Bits()) {
		n.lengths = append(n.lengths, network.Bits())
	}
	return nil
}

// has reports whether an address is in one of the networks, as it is written or as it counts: a 6to4 address is in
// 2002::/16, and also in the networks of the IPv4 address that it embeds.
func (n *networks) has(text string) bool {
	written, counts, err := address.Parse(text)
	return err == nil && (n.hold(written) || written != counts && n.hold(counts))
}

func (n *networks) hold(a netip.Addr) bool {
	for _, length := range n.lengths {
		if network, err := a.Prefix(length); err == nil && n.all[network] {
			return true
		}
	}
	return false
}
