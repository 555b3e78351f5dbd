package rabbitmq_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/rabbitmq"
)

// The tests' broker has loaded definitions.json: with the default names nothing has to be declared.
func as(t *testing.T, user string) rabbitmq.Config {
	t.Helper()
	return rabbitmq.Config{URL: theBroker(t).url(user)}
}

func TestTheDefinitionsCarryAlertsFromOrdersToAlertman(t *testing.T) {
	handled := newTally()
	startConsumer(t, as(t, "alertman"), handled.handle)
	p := startPublisher(t, as(t, "orders"))
	require.NoError(t, p.Publish(t.Context(), newEvent("one")))
	handled.waitFor(t, 1)
}

func TestAlertmanMayPutIntoTheDeadQueue(t *testing.T) {
	startConsumer(t, as(t, "alertman"), newTally().handle)
	require.NoError(t, operator(t).Publish("alerts", "payment.refused", true, false, amqp.Publishing{Body: []byte("hello")}))
	assert.Equal(t, "hello", string(next(t, "alertman.dead").Body))
}

func TestDeclaringMakesWhatTheDefinitionsHold(t *testing.T) {
	cfg := as(t, "operator")
	cfg.Declare = true
	startPublisher(t, cfg) // RabbitMQ refuses to declare what is there but different

	cfg.DeliveryLimit = 7
	p := rabbitmq.NewPublisher(cfg, logger(t))
	run(t, p.Run)
	eventually(t, func() error { return mustFail(p.Ready(), "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit'") })
}
