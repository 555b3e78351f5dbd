// Package rabbitmq carries alert events over RabbitMQ 3.10 and later. Publisher puts them into a queue, and succeeds
// only once the broker has confirmed them. Consumer takes them out, and acknowledges each only once its handler has
// taken charge of it. Each keeps its own connection, and opens a new one after every loss.
//
// It uses amqp091-go without that library's own recovery, which goes on with the same channel after a reconnect, so
// that an acknowledgement from before the loss acknowledges another message (v1.16.0).
package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel/trace"
)

// Config holds the broker's address, and the names and limits to use on it. Every field but URL may be zero; its comment
// then gives the value used.
type Config struct {
	// URL is amqp:// or amqps:// with user, password, host, port and vhost. Show it only through redact.
	URL string
	// ConnectionName identifies the connection to the broker's operators: "orders".
	ConnectionName string

	Exchange     string // where alerts are published: "alerts"
	Queue        string // where they wait: "alertman"
	DeadExchange string // where dead letters are published: "alerts.dead"
	DeadQueue    string // where they wait for a person: "alertman.dead"

	// DeliveryLimit is how often an event is delivered again after a failure before it becomes a dead letter: 20.
	DeliveryLimit int
	// Declare declares exchanges, queues and bindings on each connect; the user then needs the configure permission.
	// Without it the broker's definitions must hold them.
	Declare bool

	// ConfirmTimeout is how long a publish waits for a connection, and then for its confirm: 5s.
	ConfirmTimeout time.Duration
	// Channels is the most publishes under way at once; more wait their turn: 32.
	Channels int

	// Prefetch is the most events that a consumer holds and handles at once: 16.
	Prefetch int
	// Patience is how long a consumer holds an event whose handling fails, and retries it, before it returns the
	// event as a failed delivery: 5m. It must stay well below the broker's consumer_timeout, by default 30m.
	Patience time.Duration
	// Downstream returns what is wrong with the service that handlers depend on; a nil Downstream counts as available.
	// It is called after a handler has failed with alert.ErrAway; the consumer takes no events until it returns nil.
	Downstream func(context.Context) error
	// DrainTimeout is how long handlers may take to finish once a consumer stops: 30s.
	DrainTimeout time.Duration

	// Traces records a span of each event that a consumer handles; if it is nil, nothing is recorded.
	Traces trace.TracerProvider
}

func (c Config) withDefaults() Config {
	c.ConnectionName = cmp.Or(c.ConnectionName, "orders")
	c.Exchange = cmp.Or(c.Exchange, "alerts")
	c.Queue = cmp.Or(c.Queue, "alertman")
	c.DeadExchange = cmp.Or(c.DeadExchange, "alerts.dead")
	c.DeadQueue = cmp.Or(c.DeadQueue, "alertman.dead")
	c.DeliveryLimit = cmp.Or(c.DeliveryLimit, 20)
	c.ConfirmTimeout = cmp.Or(c.ConfirmTimeout, 5*time.Second)
	c.Channels = cmp.Or(c.Channels, 32)
	c.Prefetch = cmp.Or(c.Prefetch, 16)
	c.Patience = cmp.Or(c.Patience, 5*time.Minute)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 30*time.Second)
	return c
}

// Validate returns every fault, and shows no password.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if err := CheckURL(c.URL); err != nil {
		faults = append(faults, fmt.Errorf("RabbitMQ's URL must be %w", err))
	}
	for _, number := range []struct {
		name  string
		value int
		most  int
	}{
		{"delivery limit", c.DeliveryLimit, 1_000_000},
		{"channels", c.Channels, 1000}, // the broker allows 2047 on a connection
		{"prefetch", c.Prefetch, math.MaxUint16},
	} {
		if number.value < 1 || number.value > number.most {
			faults = append(faults, fmt.Errorf("%s is %d: must be from 1 to %d", number.name, number.value, number.most))
		}
	}
	for _, span := range []struct {
		name  string
		value time.Duration
	}{
		{"confirm timeout", c.ConfirmTimeout},
		{"patience", c.Patience},
		{"drain timeout", c.DrainTimeout},
	} {
		if span.value < 0 {
			faults = append(faults, fmt.Errorf("%s is %s: must be positive", span.name, span.value))
		}
	}
	return errors.Join(faults...)
}

// CheckURL returns what would be right in place of a URL by which one cannot log in to the broker. It shows nothing of the URL,
// and no parser's error, which may quote its password.
func CheckURL(text string) error {
	wrong := func(what string) error {
		return errors.New("a URL such as amqp://user:password@localhost:5672/ (or amqps://), with " + what)
	}
	parsed, err := url.Parse(text)
	if err == nil {
		_, err = amqp.ParseURI(text)
	}
	if err != nil || parsed.Host == "" {
		return wrong("special characters percent-encoded, and whole numbers for heartbeat, connection_timeout and channel_max")
	}
	password, _ := parsed.User.Password()
	complete := parsed.User.Username() != "" && password != ""
	mechanisms := parsed.Query()["auth_mechanism"]
	for _, mechanism := range mechanisms {
		if !slices.Contains([]string{"plain", "amqplain", "external"}, strings.ToLower(mechanism)) {
			return wrong("plain, amqplain or external for auth_mechanism")
		}
	}
	certificate := len(mechanisms) == 1 && strings.EqualFold(mechanisms[0], "external")
	if !complete && !certificate { // the library takes guest for what is missing
		return wrong("a user and a password, unless auth_mechanism=external logs in by a certificate")
	}
	return nil
}

// redact returns the URL without its password, to be shown and logged.
func redact(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return "(a malformed URL)"
	}
	return parsed.Redacted()
}
