package main

import (
	"context"
	"os"
	"time"

	"github.com/sethvargo/go-envconfig"

	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/logging"
)

// minKeyBytes is the least size of a key. A key with fewer bytes than the hash's output weakens the hash, RFC 2104 §3.
const minKeyBytes = 32

// drainAlerts is how long alertman may finish its current alerts after a stop signal. It takes more than a moment only
// while Temporal is unreachable. Then the broker redelivers the alert to another consumer.
const drainAlerts = 15 * time.Second

func readEnvironment(ctx context.Context, lookuper envconfig.Lookuper) (environment, error) {
	var e environment
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &e, Lookuper: lookuper}); err != nil {
		return e, &configError{faults: []string{err.Error()}}
	}
	return e, nil
}

// Each of the methods below makes the settings of one part, and records every fault in v.

func (e environment) logFormat(v *values) string {
	return v.oneOf("LOG_FORMAT", e.LogFormat, logging.Formats)
}

func (e environment) temporalCompression(v *values) temporal.Compression {
	return temporal.Compression(v.oneOf("TEMPORAL_COMPRESSION", e.TemporalCompression, temporal.Compressions))
}

func (e environment) healthAddress(v *values) string {
	if e.HealthAddress == "" {
		return ""
	}
	return v.listen("HEALTH_ADDRESS", e.HealthAddress)
}

func (e environment) shutdownDelay(v *values) time.Duration {
	return v.duration("SHUTDOWN_DELAY", e.ShutdownDelay, 0, 5*time.Minute)
}

func (e environment) fingerprintKey(v *values) []byte {
	if len(e.CardFingerprintKey) < minKeyBytes {
		v.wrongSecret("CARD_FINGERPRINT_KEY", "a secret of at least 32 characters, such as `openssl rand -hex 32` prints")
	}
	e.refusePublished(v, "CARD_FINGERPRINT_KEY", e.CardFingerprintKey)
	return []byte(e.CardFingerprintKey)
}

func (e environment) publisher(v *values) rabbitmq.Config {
	c := e.broker(v)
	c.URL = v.amqpURL("RABBITMQ_PUBLISHER_URL", e.RabbitMQPublisherURL)
	e.refusePublished(v, "RABBITMQ_PUBLISHER_URL", passwordIn(c.URL))
	c.ConnectionName = "orders worker"
	return c
}

func (e environment) consumer(v *values) rabbitmq.Config {
	c := e.broker(v)
	c.URL = v.amqpURL("RABBITMQ_CONSUMER_URL", e.RabbitMQConsumerURL)
	e.refusePublished(v, "RABBITMQ_CONSUMER_URL", passwordIn(c.URL))
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

// lookup returns the process's environment. It treats empty variables as unset, because Compose and shells pass those
// on.
func lookup() envconfig.Lookuper {
	return envconfig.LookuperFunc(func(key string) (string, bool) {
		value := os.Getenv(key) //nolint:forbidigo // the one place that reads the environment
		return value, value != ""
	})
}

// isSet reports whether a variable is set: its default may be of use on a laptop only.
func isSet(variable string) bool {
	_, set := lookup().Lookup(variable)
	return set
}
