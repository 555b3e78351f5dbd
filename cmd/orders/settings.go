package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/smtp"
	"dummyorders/internal/logging"
)

// minKeyBytes is what a fingerprint key must have at least. A key of fewer bytes than the hash puts out weakens it,
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

// channels is how alertman tells people.
func (e environment) channels(v *values) map[string]alert.Channel {
	server := smtp.Server{
		Host:     v.text("SMTP_HOSTNAME", e.SMTPHostname),
		Port:     v.number("SMTP_PORT", e.SMTPPort, 1, 65535),
		Security: e.mailSecurity(v),
		Username: e.SMTPUsername,
		Password: e.SMTPPassword,
	}
	from := v.address("TRANSACTION_FRAUD_EMAIL_ALERT_FROM", e.MailFrom)
	subject := v.text("TRANSACTION_FRAUD_EMAIL_ALERT_SUBJECT", e.MailSubject)
	if v.err() != nil {
		return nil
	}
	channel, err := smtp.New(server, from, subject)
	if err != nil {
		v.faults = append(v.faults, err.Error())
	}
	return map[string]alert.Channel{mailChannel: channel}
}

// mailChannel is the mail channel's name in targets. It stands in histories, and must not change.
const mailChannel = "mail"

// targets is whom alertman tells: each address by itself, so that each is tried on its own.
func (e environment) targets(v *values) []alert.Target {
	addresses := v.addresses("TRANSACTION_FRAUD_EMAIL_ALERT_TO", e.MailTo)
	targets := make([]alert.Target, len(addresses))
	for i, address := range addresses {
		targets[i] = alert.NewTarget(mailChannel, address)
	}
	return targets
}

// mailSecurity takes the seed's True and False as well: True was implicit TLS there, and False now means what it says.
func (e environment) mailSecurity(v *values) smtp.Security {
	value := strings.ToLower(e.SMTPUseTLS)
	switch value {
	case "true":
		return smtp.Implicit
	case "false":
		return smtp.Plain
	}
	known := []string{string(smtp.Plain), string(smtp.StartTLS), string(smtp.Implicit)}
	if !slices.Contains(known, value) {
		v.wrong("SMTP_USE_TLS", e.SMTPUseTLS, "none, starttls or implicit")
	}
	return smtp.Security(value)
}

// lookup is the process's environment, with empty variables as good as unset: Compose and shells pass those on.
func lookup() envconfig.Lookuper {
	return envconfig.LookuperFunc(func(key string) (string, bool) {
		value := os.Getenv(key) //nolint:forbidigo // the one place that reads the environment
		return value, value != ""
	})
}
