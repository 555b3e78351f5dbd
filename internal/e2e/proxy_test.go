package e2e_test

import (
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// direction is the direction of bytes through a proxy.
type direction string

const (
	toServer   direction = "upstream"
	fromServer direction = "downstream"
)

// proxy stands between a process and a server.
type proxy struct {
	*toxiproxy.Proxy

	t *testing.T
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	control := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxy{toxiproxy.NewProxy(control, t.Name(), "127.0.0.1:0", upstream), t}
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

// hold swallows everything in one direction, and keeps the connections open: each side sees only silence.
func (p *proxy) hold(way direction) {
	p.t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(`{"name":"` + string(way) + `","type":"timeout","stream":"` + string(way) + `","attributes":{"timeout":0}}`))
	require.NoError(p.t, err)
}
