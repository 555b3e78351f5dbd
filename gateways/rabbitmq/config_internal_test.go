package rabbitmq

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A configuration with only a URL is valid.
func TestConfigURLOnly(t *testing.T) {
	for _, url := range []string{
		"amqp://orders:orders@localhost",
		"amqps://orders:p%40ss@broker.example.com:5671/vhost?cacertfile=/etc/ca.pem",
		"amqps://broker.example.com/?auth_mechanism=external",
		"amqps://orders@broker.example.com/?auth_mechanism=EXTERNAL",
		"amqp://orders:orders@localhost/?auth_mechanism=external&auth_mechanism=plain&heartbeat=30",
	} {
		assert.NoError(t, Config{URL: url}.Validate(), url)
	}
}

func TestConfigFaults(t *testing.T) {
	err := Config{
		URL: "amqp://localhost", DeliveryLimit: -1, Channels: 2000, Prefetch: 70000,
		ConfirmTimeout: -time.Second, Patience: -1, DrainTimeout: -1,
	}.Validate()
	for _, fault := range []string{
		"RabbitMQ's URL must be a URL such as amqp://user:password@localhost:5672/ (or amqps://), with a user and a password",
		"delivery limit is -1: must be from 1 to 1000000",
		"channels is 2000: must be from 1 to 1000",
		"prefetch is 70000: must be from 1 to 65535",
		"confirm timeout is -1s: must be positive",
		"patience is -1ns: must be positive",
		"drain timeout is -1ns: must be positive",
	} {
		assert.ErrorContains(t, err, fault)
	}
}

// A URL that is malformed, or would log in as the library's guest, is refused without its password.
func TestConfigMalformedURL(t *testing.T) {
	for _, url := range []string{
		"", "orders", "http://orders:secret@localhost", "amqp://orders:se cret@localhost", "amqp://orders:secret#1@localhost",
		"amqp://orders:secret%zz@localhost", "amqp://orders:secret@localhost:port", "amqp:///vhost",
		"amqp://orders:secret@localhost/?heartbeat=often", "amqp://:secret@localhost", "amqp://orders:secret@localhost/a vhost",
		"amqp://guest@localhost", "amqp://orders:@localhost", "amqp://localhost/?auth_mechanism=plain",
		"amqp://localhost/?auth_mechanism=external&auth_mechanism=plain", "amqp://orders:secret@localhost/?auth_mechanism=sign",
	} {
		err := Config{URL: url}.Validate()
		require.ErrorContains(t, err, "must be a URL such as amqp://user:password@localhost:5672/ (or amqps://), with ", url)
		assert.NotContains(t, err.Error(), "secret", url)
		assert.NotContains(t, err.Error(), "se cret", url)
		assert.NotContains(t, redact(url), "secret", url)
	}
}

func TestRedact(t *testing.T) {
	assert.Equal(t, "amqps://orders:xxxxx@broker:5671/v?heartbeat=5", redact("amqps://orders:secret@broker:5671/v?heartbeat=5"))
}
