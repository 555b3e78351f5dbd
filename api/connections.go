package api

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"

	"dummyorders/internal/remote"
	"dummyorders/internal/telemetry"
)

// Connections bound how many connections are open at once.
type Connections struct {
	All     int // more wait until the system accepts them
	Address int // of one address, and for IPv6 of a /64; more are closed
	// Exempt lists whose connections may be All: proxies hold those of many callers.
	Exempt []netip.Prefix
	Log    *slog.Logger
}

// Limit returns a listener that accepts no more connections than c says.
func (c Connections) Limit(listener net.Listener) net.Listener {
	return netutil.LimitListener(&addressLimiter{
		Listener: listener, limits: c, open: map[string]int{}, warnings: rate.Sometimes{Interval: time.Minute},
	}, c.All)
}

// addressLimiter closes connections of addresses that have their most.
type addressLimiter struct {
	net.Listener

	limits   Connections
	warnings rate.Sometimes

	mu   sync.Mutex
	open map[string]int // by site
}

// Accept returns the next connection of an address that has not its most.
func (l *addressLimiter) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, _ := netip.ParseAddrPort(connection.RemoteAddr().String())
		address := peer.Addr().Unmap()
		if slices.ContainsFunc(l.limits.Exempt, func(network netip.Prefix) bool { return network.Contains(address.WithZone("")) }) {
			return connection, nil
		}
		if from := remote.Site(address); l.enter(from) {
			return &limitedConn{Conn: connection, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = connection.Close()
		telemetry.HTTPLimited.Inc(context.Background(), "connections")
		l.warnings.Do(func() {
			l.limits.Log.Warn("Closing connections of an address that has too many; if it is a proxy's, put it into TRUSTED_PROXIES",
				"address", remote.Site(address), "open", l.limits.Address)
		})
	}
}

func (l *addressLimiter) enter(from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.limits.Address {
		return false
	}
	l.open[from]++
	return true
}

func (l *addressLimiter) leave(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// limitedConn gives its place back when it is closed.
type limitedConn struct {
	net.Conn

	leave func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
