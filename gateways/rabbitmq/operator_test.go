package rabbitmq_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/rabbitmq"
)

// asUser returns the settings of a user, with the names of definitions.json.
func asUser(t *testing.T, user string) rabbitmq.Config {
	t.Helper()
	return rabbitmq.Config{URL: theBroker(t).url(user)}
}

// The users of definitions.json have the rights that they need and no others, and asking changes nothing.
func TestRights(t *testing.T) {
	rights, err := rabbitmq.NewOperator(asUser(t, "orders"), asUser(t, "alertman")).Rights(t.Context())
	require.NoError(t, err)
	require.Len(t, rights, 9)
	for _, r := range rights {
		assert.Equal(t, r.Want, r.Has, r)
	}
	rights, err = rabbitmq.NewOperator(asUser(t, "operator"), asUser(t, "orders")).Rights(t.Context())
	require.NoError(t, err)
	for _, r := range rights {
		assert.Equal(t, r.User == "publisher" || r.What == "write to exchange alerts", r.Has, r)
	}
	missing, err := rabbitmq.NewOperator(asUser(t, "orders"), asUser(t, "alertman")).Missing(t.Context())
	require.NoError(t, err)
	assert.Empty(t, missing)
}

// A look at the queues counts what waits and takes nothing.
func TestQueues(t *testing.T) {
	cfg := config(t)
	publisher := startPublisher(t, cfg)
	require.NoError(t, publisher.Publish(t.Context(), newEvent("1")))
	operator := rabbitmq.NewOperator(cfg, cfg)
	for range 2 {
		alerts, dead, err := operator.Queues(t.Context())
		require.NoError(t, err)
		assert.Equal(t, rabbitmq.Queue{Name: cfg.Queue, Messages: 1}, alerts)
		assert.Equal(t, rabbitmq.Queue{Name: cfg.DeadQueue}, dead)
	}
	broker, err := operator.Broker(t.Context())
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\.\d+`, broker.Version)
}

// What does not exist is named, and is not made by asking.
func TestMissing(t *testing.T) {
	cfg := config(t)
	operator := rabbitmq.NewOperator(cfg, cfg)
	want := []string{"exchange " + cfg.Exchange, "exchange " + cfg.DeadExchange, "queue " + cfg.Queue, "queue " + cfg.DeadQueue}
	for range 2 {
		missing, err := operator.Missing(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, missing)
		_, _, err = operator.Queues(t.Context())
		require.ErrorContains(t, err, "NOT_FOUND")
	}
	cfg.URL = "amqp://alertman:wrong@127.0.0.1:1/"
	_, err := rabbitmq.NewOperator(cfg, cfg).Broker(t.Context())
	require.ErrorContains(t, err, "connect to amqp://alertman:xxxxx@")
	require.NotErrorAs(t, err, new(*amqp.Error))
}

// The broker's certificate is that of the TLS connection, which a proxy may end.
func TestBrokerCertificate(t *testing.T) {
	address, err := url.Parse(theBroker(t).url("alertman"))
	require.NoError(t, err)
	broker := address.Host
	made := httptest.NewTLSServer(nil)
	made.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", made.TLS)
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	ended := make(chan error, 1)
	go func() {
		near, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		far, err := net.Dial("tcp", broker)
		if err != nil {
			ended <- errors.Join(err, near.Close())
			return
		}
		go func() { _, _ = io.Copy(near, far) }()
		_, _ = io.Copy(far, near)
		ended <- errors.Join(near.Close(), far.Close())
	}()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate().Raw}), 0o600))
	address.Scheme, address.Host, address.RawQuery = "amqps", listener.Addr().String(), "cacertfile="+authority
	secure := rabbitmq.Config{URL: address.String()}
	said, err := rabbitmq.NewOperator(secure, secure).Broker(t.Context())
	require.NoError(t, err)
	require.Len(t, said.Peers, 1)
	assert.Equal(t, made.Certificate().Raw, said.Peers[0].Raw)
	require.NoError(t, <-ended)
}
