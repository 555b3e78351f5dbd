package main

import (
	"context"
	"os"
	"time"

	"github.com/sethvargo/go-envconfig"

	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/logging"
)

// minKeyBytes is what a key must have at least. A key of fewer bytes than the hash puts out weakens it,
// RFC 2104 §3.
const minKeyBytes = 32

// drainAlerts is how long alertman finishes what it has in hand once it is told to stop. Only while Temporal is away
// does that take more than a moment, and then the broker gives the alert to another.
const drainAlerts = 15 * time.Second

func readEnvironment(ctx context.Context, lookuper envconfig.Lookuper) (environment, error) {
	var e environment
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &e, Lookuper: lookuper}); err != nil {
		return e, &configError{faults: []string{err.Error()}}
	}
	return e, nil
}

// The methods below make the settings of one part each, and note every fault in v.

func (e environment) logFormat(v *values) string {
	return v.oneOf("LOG_FORMAT", e.LogFormat, logging.Formats)
}

func (e environment) healthAddress(v *values) string {
	if e.HealthAddress == "" {
		return ""
	}
	return v.listen("HEALTH_ADDRESS", e.HealthAddress)
}

func (e environment) fingerprintKey(v *values) []byte {
	if len(e.CardFingerprintKey) < minKeyBytes {
		v.wrongSecret("CARD_FINGERPRINT_KEY", "a secret of at least 32 characters, such as `openssl rand -hex 32` prints")
	}
	return []byte(e.CardFingerprintKey)
}

func (e environment) publisher(v *values) rabbitmq.Config {
	c := e.broker(v)
	c.URL = v.amqpURL("RABBITMQ_PUBLISHER_URL", e.RabbitMQPublisherURL)
	c.ConnectionName = "orders worker"
	return c
}

func (e environment) consumer(v *values) rabbitmq.Config {
	c := e.broker(v)
	c.URL = v.amqpURL("RABBITMQ_CONSUMER_URL", e.RabbitMQConsumerURL)
	c.Prefetch = v.number("ALERTMAN_PREFETCH", e.AlertmanPrefetch, 1, 10_000)
	c.ConnectionName = "alertman"
	c.DrainTimeout = drainAlerts
	return c
}

func (e environment) broker(v *values) rabbitmq.Config {
	return rabbitmq.Config{
		Exchange:       v.text("RABBITMQ_EXCHANGE", e.RabbitMQExchange),
		Queue:          v.text("RABBITMQ_QUEUE", e.RabbitMQQueue),
		DeadExchange:   v.text("RABBITMQ_DEAD_EXCHANGE", e.RabbitMQDeadExchange),
		DeadQueue:      v.text("RABBITMQ_DEAD_QUEUE", e.RabbitMQDeadQueue),
		DeliveryLimit:  v.number("RABBITMQ_DELIVERY_LIMIT", e.RabbitMQDeliveryLimit, 1, 1_000_000),
		Declare:        v.flag("RABBITMQ_DECLARE_TOPOLOGY", e.RabbitMQDeclareTopology),
		ConfirmTimeout: v.duration("RABBITMQ_CONFIRM_TIMEOUT", e.RabbitMQConfirmTimeout, 100*time.Millisecond, 6*time.Second),
	}
}

// lookup is the process's environment, with empty variables as good as unset: Compose and shells pass those on.
func lookup() envconfig.Lookuper {
	return envconfig.LookuperFunc(func(key string) (string, bool) {
		value := os.Getenv(key) //nolint:forbidigo // the one place that reads the environment
		return value, value != ""
	})
}
