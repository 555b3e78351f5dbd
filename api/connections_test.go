package api_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/ledger"
	"dummyorders/internal/telemetrytest"
)

// pipes is a listener whose connections come from any address.
type pipes struct{ waiting chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	connection, open := <-p.waiting
	if !open {
		return nil, net.ErrClosed
	}
	return connection, nil
}

func (p pipes) Close() error   { close(p.waiting); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// connect returns the caller's end of a connection.
func (p pipes) connect(from string) net.Conn {
	near, far := net.Pipe()
	p.waiting <- pipe{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return near
}

type pipe struct {
	net.Conn

	from net.Addr
}

func (p pipe) RemoteAddr() net.Addr { return p.from }

// One address holds only its part of all connections. Proxies hold those of many callers.
func TestConnections(t *testing.T) {
	type call struct {
		from     string
		accepted bool
	}
	for name, calls := range map[string][]call{
		"one address":     {{"192.0.2.1:1", true}, {"192.0.2.1:2", true}, {"192.0.2.1:3", false}, {"192.0.2.2:1", true}},
		"written as IPv6": {{"192.0.2.1:1", true}, {"[::ffff:192.0.2.1]:2", true}, {"[::ffff:192.0.2.1]:3", false}},
		"one /64":         {{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8::3]:1", false}, {"[2001:db8:0:1::3]:1", true}},
		"a proxy":         {{"198.51.100.7:1", true}, {"198.51.100.7:2", true}, {"198.51.100.7:3", true}, {"[::ffff:198.51.100.7]:4", true}},
		"a proxy's /64":   {{"[2001:db8:7::1]:1", true}, {"[2001:db8:7::1]:2", true}, {"[2001:db8:7::1]:3", true}, {"[2001:db8:7::2]:1", true}, {"[2001:db8:7::2]:2", true}, {"[2001:db8:7::2]:3", false}},
		"two addresses":   {{"192.0.2.1:1", true}, {"192.0.2.2:1", true}, {"192.0.2.1:2", true}, {"192.0.2.2:2", true}, {"192.0.2.1:3", false}, {"192.0.2.2:3", false}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			p, accepted := limitedPipes(t, api.Connections{
				All: 10, Address: 2, Exempt: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:7::1/128")},
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			refused, counted := 0, telemetrytest.Gained(t, "orders_http_limited_total", "limit", "connections")
			for _, c := range calls {
				if near := p.connect(c.from); c.accepted {
					<-accepted
				} else {
					refused++
					assertClosed(t, near)
				}
			}
			p.end(accepted)
			assert.Equal(t, refused > 0, strings.Contains(log.String(), "TRUSTED_PROXIES"), log.String())
			assert.InDelta(t, refused, counted(), 0)
		})
	}
}

// A connection that is closed, even twice, makes room for one more.
func TestConnectionsClosed(t *testing.T) {
	p, accepted := limitedPipes(t, api.Connections{All: 10, Address: 1, Log: slog.New(slog.DiscardHandler)})
	defer p.end(accepted)
	p.connect("192.0.2.1:1")
	first := <-accepted
	assertClosed(t, p.connect("192.0.2.1:2"))
	_, _ = first.Close(), first.Close()
	p.connect("192.0.2.1:3")
	<-accepted
	assertClosed(t, p.connect("192.0.2.1:4"))
}

// Connections beyond the number for all wait until one is closed.
func TestConnectionsOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, accepted := limitedPipes(t, api.Connections{All: 2, Address: 1, Log: slog.New(slog.DiscardHandler)})
		p.connect("192.0.2.1:1")
		p.connect("192.0.2.2:1")
		first := <-accepted
		<-accepted
		go p.connect("192.0.2.3:1")
		synctest.Wait()
		require.Empty(t, accepted)
		require.NoError(t, first.Close())
		synctest.Wait()
		require.Len(t, accepted, 1)
		p.end(accepted)
	})
}

// limitedPipes returns a listener's callers' side, and the connections that are accepted.
func limitedPipes(t *testing.T, limits api.Connections) (pipes, chan net.Conn) {
	t.Helper()
	p, accepted := pipes{make(chan net.Conn)}, make(chan net.Conn, 10)
	limited := limits.Limit(p)
	go func() {
		defer close(accepted)
		for {
			connection, err := limited.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	return p, accepted
}

// end closes the listener, and waits until it accepts no more.
func (p pipes) end(accepted chan net.Conn) {
	close(p.waiting)
	for connection := range accepted {
		_ = connection.Close()
	}
}

func assertClosed(t *testing.T, near net.Conn) {
	t.Helper()
	_, err := near.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A caller that does not read its answer keeps its place for 30 seconds, and then loses place and connection.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []ledger.Entry // whose list is more than net/http keeps for a caller that does not read
		for i := range 100 {
			all = append(all, entry(i))
		}
		o := options(nil, newMemory(all...))
		o.MaxInFlight = 1
		p := pipes{make(chan net.Conn)}
		server := &http.Server{Handler: api.New(o)}
		served := make(chan error)
		go func() { served <- server.Serve(p) }()
		list := func() net.Conn {
			near := p.connect("192.0.2.1:1")
			_, err := io.WriteString(near, "GET /transactions?limit=100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			require.NoError(t, err)
			return near
		}
		status := func() string {
			answer, err := io.ReadAll(list())
			require.NoError(t, err)
			line, _, _ := strings.Cut(string(answer), "\r\n")
			return line
		}
		slow := list()
		for range 2 { // at once, and after 29 seconds
			synctest.Wait()
			require.Equal(t, "HTTP/1.1 429 Too Many Requests", status())
			time.Sleep(29 * time.Second / 2)
		}
		time.Sleep(2 * time.Second)
		require.Equal(t, "HTTP/1.1 200 OK", status())
		_, err := io.ReadAll(slow)
		require.NoError(t, err, "it is closed")
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}
