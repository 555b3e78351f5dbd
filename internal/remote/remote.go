// Package remote tells by their addresses who sends requests, and remembers them.
package remote

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/hashicorp/golang-lru/v2"
)

// Find finds the address that a request comes from. Behind trusted proxies that is the last address in X-Forwarded-For that is
// not one of theirs. From anywhere else that header is ignored, since callers may write into it.
func Find(trusted []netip.Prefix) func(http.Handler) http.Handler {
	if len(trusted) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	prefixes := make([]string, len(trusted))
	for i, prefix := range trusted {
		prefixes[i] = prefix.String()
	}
	return middleware.ClientIPFromXFF(prefixes...)
}

// Address returns the address that Find has found. If a proxy names none, it is the proxy's.
func Address(r *http.Request) netip.Addr {
	address := middleware.GetClientIPAddr(r.Context())
	if !address.IsValid() {
		peer, _ := netip.ParseAddrPort(r.RemoteAddr)
		address = peer.Addr().Unmap()
	}
	return address
}

// Site names what belongs to one caller: an address, and for IPv6 a /64, which is what one site has.
func Site(address netip.Addr) string {
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64)
		return network.String()
	}
	return address.String()
}

// Table remembers callers by name. If there are too many, it forgets the one that was quiet for longest, which begins anew.
type Table[V any] struct {
	callers *lru.Cache[string, V]
}

// maxCallers bounds how many callers a table remembers.
const maxCallers = 10_000

// NewTable returns an empty table.
func NewTable[V any]() Table[V] {
	callers, err := lru.New[string, V](maxCallers)
	if err != nil {
		panic(err) // only a size below one is refused
	}
	return Table[V]{callers}
}

// Of returns what the table has of a caller, or adds fresh.
func (t Table[V]) Of(name string, fresh V) V {
	if known, is := t.callers.Get(name); is {
		return known
	}
	if known, is, _ := t.callers.PeekOrAdd(name, fresh); is {
		return known
	}
	return fresh
}
