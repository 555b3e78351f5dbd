package rabbitmq

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Operator reads what an operator asks the broker, with the users of the settings. It changes nothing, and takes no message.
type Operator struct {
	publisher, consumer Config
}

// NewOperator returns an Operator with the worker's user and alertman's.
func NewOperator(publisher, consumer Config) *Operator {
	publisher, consumer = publisher.withDefaults(), consumer.withDefaults()
	publisher.ConnectionName, consumer.ConnectionName = "orders operator, as publisher", "orders operator"
	return &Operator{publisher, consumer}
}

// Queue is a queue as the broker sees it.
type Queue struct {
	Name      string
	Messages  int // ready to be taken: those that a consumer holds are not counted
	Consumers int
}

// Broker is what the broker says about itself.
type Broker struct {
	Version string
	Peers   []*x509.Certificate // its certificate and those that signed it; none without TLS
}

// Broker connects as alertman's user.
func (o *Operator) Broker(ctx context.Context) (b Broker, err error) {
	err = with(ctx, o.consumer, func(conn *connection) error {
		b.Version, _ = conn.Properties["version"].(string)
		b.Peers = conn.ConnectionState().PeerCertificates
		return nil
	})
	return b, err
}

// Queues returns alertman's queue and the dead queue.
func (o *Operator) Queues(ctx context.Context) (alerts, dead Queue, err error) {
	err = with(ctx, o.consumer, func(conn *connection) (err error) {
		if alerts, err = conn.queue(o.consumer.Queue); err != nil {
			return err
		}
		dead, err = conn.queue(o.consumer.DeadQueue)
		return err
	})
	return alerts, dead, err
}

// queue asks the broker about a queue, by a declaration that only looks.
func (c *connection) queue(name string) (Queue, error) {
	var q amqp.Queue
	err := c.ask(func(ch *amqp.Channel) (err error) {
		q, err = ch.QueueDeclarePassive(name, true, false, false, false, nil)
		return err
	})
	if err != nil {
		return Queue{}, fmt.Errorf("look at queue %s: %w", name, err)
	}
	return Queue{Name: name, Messages: q.Messages, Consumers: q.Consumers}, nil
}

// Missing returns the names of the exchanges and queues that do not exist. The broker shows their arguments and bindings to
// administrators only.
func (o *Operator) Missing(ctx context.Context) (missing []string, err error) {
	err = with(ctx, o.consumer, func(conn *connection) error {
		wanted := o.consumer.topology()
		for _, e := range wanted.Exchanges {
			err := conn.ask(func(ch *amqp.Channel) error {
				return ch.ExchangeDeclarePassive(e.Name, e.Type, true, false, false, false, nil)
			})
			if missing, err = addMissing(missing, "exchange "+e.Name, err); err != nil {
				return err
			}
		}
		for _, q := range wanted.Queues {
			_, err := conn.queue(q.Name)
			if missing, err = addMissing(missing, "queue "+q.Name, err); err != nil {
				return err
			}
		}
		return nil
	})
	return missing, err
}

func addMissing(missing []string, name string, err error) ([]string, error) {
	if isCode(err, amqp.NotFound) {
		return append(missing, name), nil
	}
	return missing, err
}

// Right is whether a user may do something on the broker, and whether it has to.
type Right struct {
	User string // publisher or consumer
	What string // such as "write to exchange alerts"
	Has  bool
	Want bool
}

// Rights returns what the two users may do. Exchanges and queues have to exist.
//
// Each question is a request that the broker checks for its permission first, and that cannot be carried out after that: a
// consumer with an argument of a wrong type, an unbinding from an exchange that does not exist, a declaration that
// contradicts what exists.
func (o *Operator) Rights(ctx context.Context) ([]Right, error) {
	rights := []Right{
		{User: "publisher", What: "write to exchange " + o.publisher.Exchange, Want: true},
		{User: "publisher", What: "write to exchange " + o.publisher.DeadExchange},
		{User: "publisher", What: "read queue " + o.publisher.Queue},
		{User: "publisher", What: "configure exchange " + o.publisher.Exchange, Want: o.publisher.Declare},
	}
	asks := []func(*amqp.Channel) error{
		writes(o.publisher.Exchange), writes(o.publisher.DeadExchange), reads(o.publisher.Queue), configures(o.publisher.Exchange),
	}
	if err := askRights(ctx, o.publisher, rights, asks); err != nil {
		return nil, err
	}
	consumer := []Right{
		{User: "consumer", What: "read queue " + o.consumer.Queue, Want: true},
		{User: "consumer", What: "read queue " + o.consumer.DeadQueue, Want: true},
		{User: "consumer", What: "write to exchange " + o.consumer.DeadExchange, Want: true},
		{User: "consumer", What: "write to exchange " + o.consumer.Exchange},
		{User: "consumer", What: "configure exchange " + o.consumer.Exchange, Want: o.consumer.Declare},
	}
	asks = []func(*amqp.Channel) error{
		reads(o.consumer.Queue), reads(o.consumer.DeadQueue), writes(o.consumer.DeadExchange), writes(o.consumer.Exchange), configures(o.consumer.Exchange),
	}
	if err := askRights(ctx, o.consumer, consumer, asks); err != nil {
		return nil, err
	}
	return append(rights, consumer...), nil
}

func askRights(ctx context.Context, cfg Config, rights []Right, asks []func(*amqp.Channel) error) error {
	return with(ctx, cfg, func(conn *connection) error {
		for i, ask := range asks {
			err := conn.ask(ask)
			switch {
			case isCode(err, amqp.AccessRefused):
			case isCode(err, amqp.NotFound), isCode(err, amqp.PreconditionFailed), err == nil:
				rights[i].Has = true
			default:
				return fmt.Errorf("ask whether the %s may %s: %w", rights[i].User, rights[i].What, err)
			}
		}
		return nil
	})
}

// nowhere is the name of an exchange that does not exist.
const nowhere = "orders.operator.nowhere"

// writes asks for the permission to write to an exchange, which the broker checks before that to read the other one.
func writes(exchange string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		err := ch.ExchangeUnbind(exchange, "", nowhere, false, nil)
		if isCode(err, amqp.AccessRefused) && strings.Contains(err.Error(), "'"+nowhere+"'") {
			return nil
		}
		return err
	}
}

func reads(queue string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		_, err := ch.Consume(queue, "", false, false, false, false, amqp.Table{"x-priority": "no number"})
		return err
	}
}

func configures(exchange string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		if err := ch.ExchangeDeclarePassive(exchange, amqp.ExchangeTopic, true, false, false, false, nil); err != nil {
			return err // without this, a declaration would create it
		}
		return ch.ExchangeDeclare(exchange, amqp.ExchangeHeaders, true, false, false, false, nil)
	}
}

// with runs do on a connection of its own.
func with(ctx context.Context, cfg Config, do func(*connection) error) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	conn, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.close()
	stop := context.AfterFunc(ctx, func() { _ = conn.socket.Close() })
	defer stop()
	return do(conn)
}

// ask makes one request on a channel of its own, which the broker closes if it refuses.
func (c *connection) ask(request func(*amqp.Channel) error) error {
	return c.within(replyTimeout, func() error {
		ch, err := c.Channel()
		if err != nil {
			return fmt.Errorf("open a channel: %w", err)
		}
		if err := request(ch); err != nil {
			return err
		}
		return ch.Close()
	})
}

func isCode(err error, code int) bool {
	refused, is := errors.AsType[*amqp.Error](err)
	return is && refused.Code == code
}
