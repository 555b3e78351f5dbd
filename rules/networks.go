package rules

import (
	"fmt"
	"net/netip"
	"slices"

	"dummyorders/domain/address"
)

// networks are addresses and networks, found by trying each length of prefix that there is: a list has few.
type networks struct {
	all     map[netip.Prefix]bool
	lengths []int // of IPv4 and of IPv6 together
}

func (n *networks) add(entry, like string) error {
	network, err := address.ParseNetwork(entry)
	if err != nil {
		return fmt.Errorf("%q is no address and no network: it must be %s", entry, like)
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

// has reports whether an address is in a network, as it is written or as it counts: an address of 6to4 is in 2002::/16, and
// in the networks of the address that it embeds.
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
