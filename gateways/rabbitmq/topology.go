package rabbitmq

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// keys are the routing keys of the alerts that the queue is bound to.
var keys = []string{"fraud.#", "payment.#", "alarm.#"}

// peeks is the dead queue's delivery limit. RabbitMQ 4 counts each time that an operator looks at a message and puts it
// back, and by default drops the message after 20; 3.10 has no "unlimited".
const peeks = 1_000_000

// topology is what must exist on the broker. definitions.json holds the same, and the users, for a broker that loads it
// at its start. Its passwords are for development: each is the user's own name. In production the broker loads a copy
// with its own password hashes (rabbitmqctl hash_password makes one), and each process gets its URL by environment.
type topology struct {
	Exchanges []exchange `json:"exchanges"`
	Queues    []queue    `json:"queues"`
	Bindings  []binding  `json:"bindings"`
}

type exchange struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type queue struct {
	Name      string     `json:"name"`
	Arguments amqp.Table `json:"arguments"`
}

type binding struct {
	Exchange string `json:"source"`
	Queue    string `json:"destination"`
	Key      string `json:"routing_key"`
}

// topology returns quorum queues, which count deliveries and survive the loss of a node. Dead letters move at least
// once; that needs reject-publish too, without which the broker silently falls back to at most once.
func (c Config) topology() topology {
	t := topology{
		Exchanges: []exchange{{c.Exchange, amqp.ExchangeTopic}, {c.DeadExchange, amqp.ExchangeFanout}},
		Queues: []queue{
			{c.Queue, amqp.Table{
				"x-queue-type":           "quorum",
				"x-delivery-limit":       c.DeliveryLimit,
				"x-dead-letter-exchange": c.DeadExchange,
				"x-dead-letter-strategy": "at-least-once",
				"x-overflow":             "reject-publish",
			}},
			{c.DeadQueue, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": peeks}},
		},
		Bindings: []binding{{c.DeadExchange, c.DeadQueue, ""}},
	}
	for _, key := range keys {
		t.Bindings = append(t.Bindings, binding{c.Exchange, c.Queue, key})
	}
	return t
}

// declare creates what is missing, all of it durable, and fails if something exists but differs.
func (t topology) declare(ch *amqp.Channel) error {
	for _, e := range t.Exchanges {
		if err := ch.ExchangeDeclare(e.Name, e.Type, true, false, false, false, nil); err != nil {
			return fmt.Errorf("declare exchange %s: %w", e.Name, err)
		}
	}
	for _, q := range t.Queues {
		if _, err := ch.QueueDeclare(q.Name, true, false, false, false, q.Arguments); err != nil {
			return fmt.Errorf("declare queue %s: %w", q.Name, err)
		}
	}
	for _, b := range t.Bindings {
		if err := ch.QueueBind(b.Queue, b.Key, b.Exchange, false, nil); err != nil {
			return fmt.Errorf("bind queue %s to %s for %q: %w", b.Queue, b.Exchange, b.Key, err)
		}
	}
	return nil
}

func (c *connection) declare(t topology) error {
	return c.within(replyTimeout, func() error {
		ch, err := c.Channel()
		if err != nil {
			return fmt.Errorf("open a channel: %w", err)
		}
		if err := t.declare(ch); err != nil {
			return err
		}
		return ch.Close()
	})
}
