package rabbitmq_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/review"
	"dummyorders/gateways/rabbitmq"
)

// The tests' broker has loaded definitions.json, so with the default names nothing needs to be declared.
func as(t *testing.T, user string) rabbitmq.Config {
	t.Helper()
	return rabbitmq.Config{URL: theBroker(t).url(user)}
}

// The definitions carry alerts from orders to alertman.
func TestDefinitionsCarryAlerts(t *testing.T) {
	handled := newTally()
	startConsumer(t, as(t, "alertman"), handled.handle)
	p := startPublisher(t, as(t, "orders"))
	require.NoError(t, p.Publish(t.Context(), newEvent("one")))
	handled.waitFor(t, 1)
}

// The publisher fails when a message is in no queue, so that each type has to be routed.
func TestDefinitionsRouteEveryType(t *testing.T) {
	handled := newTally()
	startConsumer(t, as(t, "alertman"), handled.handle)
	p := startPublisher(t, as(t, "orders"))
	for _, eventType := range alert.Types {
		event := newEvent(string(eventType))
		event.Type = eventType
		if sample := alert.Sample(eventType, event.ID, event.Time); sample.Data.Alarm != nil {
			event.Data = sample.Data
			require.NoError(t, p.Publish(t.Context(), event), eventType)
			continue
		}
		event.Data.Problem = "the hold could not be released"
		event.Data.Review = &review.Review{RequestedAt: event.Time, Deadline: event.Time.Add(time.Hour)}
		event.Data.Review.Expire(review.Decline, event.Time.Add(time.Hour))
		require.NoError(t, p.Publish(t.Context(), event), eventType)
	}
	handled.waitFor(t, len(alert.Types))
}

// The brokers let alertman hold events while Temporal is away for days. Each time that the broker takes events back
// counts as a failed delivery of them, and after 20 they are dead letters.
func TestBrokerTimeouts(t *testing.T) {
	const day = 24 * time.Hour
	text, err := os.ReadFile("rabbitmq.conf")
	require.NoError(t, err)
	require.Contains(t, string(text), fmt.Sprintf("\nconsumer_timeout = %d\n", day.Milliseconds()), "in a container")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	set, err := theBroker(t).Ctl(ctx, "eval", "application:get_env(rabbit, consumer_timeout).")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("{ok,%d}", day.Milliseconds()), strings.TrimSpace(set), "in development")
}

// Alertman may put messages into the dead queue.
func TestDefinitionsDeadQueue(t *testing.T) {
	startConsumer(t, as(t, "alertman"), newTally().handle)
	require.NoError(t, operator(t).Publish("alerts", "payment.refused", true, false, amqp.Publishing{Body: []byte("hello")}))
	assert.Equal(t, "hello", string(next(t, "alertman.dead").Body))
}

// Declare makes what the definitions hold.
func TestDeclareMatchesDefinitions(t *testing.T) {
	cfg := as(t, "operator")
	cfg.Declare = true
	startPublisher(t, cfg) // RabbitMQ rejects the declaration of something that exists but differs

	cfg.DeliveryLimit = 7
	p := rabbitmq.NewPublisher(cfg, logger(t))
	run(t, p.Run)
	eventually(t, func() error { return mustFail(p.Ready(), "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit'") })
}
