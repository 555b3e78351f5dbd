package rabbitmq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// proxy is between the tests' connections and the broker.
type proxy struct {
	*toxiproxy.Proxy
}

func newProxy(t *testing.T) proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := proxy{toxiproxy.NewProxy(server, "broker", "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", theBroker(t).Port()))}
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

func (p proxy) url(user string) string {
	return fmt.Sprintf("amqp://%s:%s@%s/", user, user, p.Listen)
}

// freeze stops everything that the broker sends, and closes no connection.
func (p proxy) freeze(t *testing.T) {
	t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(
		`{"name": "freeze", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`))
	require.NoError(t, err)
}

func (p proxy) thaw(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Toxics.RemoveToxic(context.Background(), "freeze"))
}
