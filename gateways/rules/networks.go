package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// networks are addresses and networks, found by trying each length of prefix that there is: a list has few.
type networks struct {
	all     map[netip.Prefix]bool
	lengths []int // of IPv4 and of IPv6 together
}

func (n *networks) add(entry, like string) error {
	network, err := parseNetwork(entry)
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

func (n *networks) has(text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	a = a.Unmap()
	for _, length := range n.lengths {
		if network, err := a.Prefix(length); err == nil && n.all[network] {
			return true
		}
	}
	return false
}

func parseNetwork(entry string) (netip.Prefix, error) {
	if !strings.Contains(entry, "/") {
		a, err := netip.ParseAddr(entry)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = a.Unmap()
		if a.Zone() != "" {
			return netip.Prefix{}, errors.New("has a zone")
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	network, err := netip.ParsePrefix(entry)
	if err != nil {
		return netip.Prefix{}, err
	}
	return network.Masked(), nil
}
