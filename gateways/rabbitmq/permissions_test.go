package rabbitmq_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Users may do their work and nothing else.
func TestPermissions(t *testing.T) {
	for _, c := range []struct {
		user, what string
		try        func(*amqp.Channel) error
		allowed    bool
	}{
		{"orders", "publish alerts", publishTo("alerts"), true},
		{"orders", "publish dead letters", publishTo("alerts.dead"), false},
		{"orders", "publish to a queue directly", publishTo(""), false},
		{"orders", "read alerts", getFrom("alertman"), false},
		{"orders", "read dead letters", getFrom("alertman.dead"), false},
		{"orders", "purge the queue", purgeQueue, false},
		{"orders", "declare a queue", declareQueue, false},
		{"orders", "declare an exchange", declareExchange, false},
		{"orders", "delete the queue", deleteQueue, false},
		{"orders", "bind the queue", bindQueue, false},
		{"alertman", "read alerts", getFrom("alertman"), true},
		{"alertman", "read dead letters", getFrom("alertman.dead"), true},
		{"alertman", "publish dead letters", publishTo("alerts.dead"), true},
		{"alertman", "publish alerts", publishTo("alerts"), false},
		{"alertman", "publish to a queue directly", publishTo(""), false},
		{"alertman", "look at the queue", lookAtQueue("alertman"), true},
		{"alertman", "look at dead letters", lookAtQueue("alertman.dead"), true},
		{"alertman", "declare a queue", declareQueue, false},
		{"alertman", "declare an exchange", declareExchange, false},
		{"alertman", "delete the queue", deleteQueue, false},
		{"alertman", "bind the queue", bindQueue, false},
	} {
		t.Run(c.user+" "+c.what, func(t *testing.T) {
			err := c.try(channel(t, c.user))
			if c.allowed {
				require.NoError(t, err)
				return
			}
			var refused *amqp.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, amqp.AccessRefused, refused.Code)
		})
	}
	for _, queue := range []string{"alertman", "alertman.dead"} {
		_, err := operator(t).QueuePurge(queue, false)
		require.NoError(t, err)
	}
}

func TestNoGuestUser(t *testing.T) {
	_, err := amqp.Dial(theBroker(t).url("guest"))
	require.ErrorContains(t, err, "username or password not allowed")
}

func lookAtQueue(queue string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		return err
	}
}

func publishTo(exchange string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		closed := ch.NotifyClose(make(chan *amqp.Error, 1))
		confirm, err := ch.PublishWithDeferredConfirm(exchange, "fraud.detected", false, false, amqp.Publishing{})
		if err == nil && !confirm.Wait() {
			err = <-closed
		}
		return err
	}
}

func getFrom(queue string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		_, _, err := ch.Get(queue, false)
		return err
	}
}

func purgeQueue(ch *amqp.Channel) error {
	_, err := ch.QueuePurge("alertman", false)
	return err
}

func deleteQueue(ch *amqp.Channel) error {
	_, err := ch.QueueDelete("alertman", false, false, false)
	return err
}

func bindQueue(ch *amqp.Channel) error {
	return ch.QueueBind("alertman", "#", "alerts", false, nil)
}

func declareQueue(ch *amqp.Channel) error {
	_, err := ch.QueueDeclare("mine", true, false, false, false, nil)
	return err
}

func declareExchange(ch *amqp.Channel) error {
	return ch.ExchangeDeclare("mine", amqp.ExchangeTopic, true, false, false, false, nil)
}
