package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/waittest"
)

// patience is how long a test waits on a slow machine.
const patience = 2 * time.Minute

// config returns a Config with exchanges and queues that no other test uses.
func config(t *testing.T) rabbitmq.Config {
	t.Helper()
	name := t.Name() + "." + uuid.NewString()[:8]
	return rabbitmq.Config{
		URL:            theBroker(t).url("operator"),
		ConnectionName: name,
		Exchange:       name + ".alerts",
		Queue:          name,
		DeadExchange:   name + ".alerts.dead",
		DeadQueue:      name + ".dead",
		Declare:        true,
		ConfirmTimeout: 30 * time.Second,
	}
}

func logger(t *testing.T) *slog.Logger {
	log, _ := logged(t)
	return log
}

func logged(t *testing.T) (*slog.Logger, *diary) {
	d := &diary{to: t.Output()}
	return slog.New(slog.NewTextHandler(d, nil)), d
}

func newEvent(name string) alert.Event {
	return alert.Event{
		ID:      uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(),
		Source:  "/orders/worker",
		Type:    alert.FraudDetected,
		Subject: name,
		Time:    time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC),
		Data: alert.Data{
			TransactionID: "transaction of " + name, OrderID: name, Wire: money.Wire{Amount: "123.00", Currency: "INR"},
			Decision: fraud.Decision{Outcome: fraud.Decline},
		},
	}
}

// startPublisher returns a publisher that is ready. It is stopped at the test's end.
func startPublisher(t *testing.T, cfg rabbitmq.Config) *rabbitmq.Publisher {
	t.Helper()
	p := rabbitmq.NewPublisher(cfg, logger(t))
	run(t, p.Run)
	eventually(t, p.Ready)
	return p
}

// run runs a service until the test's end, or until stop is called.
func run(t *testing.T, service func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// mustFail returns nil for an error with these words.
func mustFail(err error, words string) error {
	if err == nil || !strings.Contains(err.Error(), words) {
		return fmt.Errorf("want an error about %q, not: %w", words, err)
	}
	return nil
}

// consuming is a running call of Consume.
type consuming struct {
	*rabbitmq.Consumer

	log    *diary
	cancel context.CancelFunc
	ended  chan error
}

// startConsumer returns a consumer that is ready. It is stopped at the test's end, if not before.
func startConsumer(t *testing.T, cfg rabbitmq.Config, handle alert.Handler) *consuming {
	t.Helper()
	log, diary := logged(t)
	ctx, cancel := context.WithCancel(context.Background())
	c := &consuming{rabbitmq.NewConsumer(cfg, log), diary, cancel, make(chan error, 1)}
	go func() {
		c.ended <- c.Consume(ctx, handle)
		close(c.ended)
	}()
	t.Cleanup(func() {
		cancel()
		for err := range c.ended {
			require.NoError(t, err)
		}
	})
	eventually(t, c.Ready)
	return c
}

// stop ends Consume, and returns its error.
func (c *consuming) stop() error {
	c.cancel()
	return <-c.ended
}

// operator returns a channel with which a test inspects the broker.
func operator(t *testing.T) *amqp.Channel {
	t.Helper()
	return channel(t, "operator")
}

func channel(t *testing.T, user string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(theBroker(t).url(user))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	return ch
}

// next takes the next message out of the queue, when there is one.
func next(t *testing.T, queue string) amqp.Delivery {
	t.Helper()
	ch := operator(t)
	var found amqp.Delivery
	eventually(t, func() error {
		d, ok, err := ch.Get(queue, true)
		require.NoError(t, err)
		found = d
		if !ok {
			return fmt.Errorf("queue %s is empty", queue)
		}
		return nil
	})
	return found
}

// counts waits until as many messages are ready to be delivered from the queue.
func counts(t *testing.T, queue string, want int) {
	t.Helper()
	ch := operator(t)
	eventually(t, func() error {
		q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		require.NoError(t, err)
		if q.Messages != want {
			return fmt.Errorf("queue %s holds %d messages, not %d", queue, q.Messages, want)
		}
		return nil
	})
}

// until waits for something that should happen soon.
func until[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v, open := <-c:
		require.True(t, open, "closed")
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// tally is a handler that records which events it receives.
type tally struct {
	mu      sync.Mutex
	handled map[string]int
}

func newTally() *tally {
	return &tally{handled: map[string]int{}}
}

func (c *tally) handle(_ context.Context, e alert.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handled[e.Subject]++
	return nil
}

func (c *tally) events() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.handled)
}

// waitFor returns when that many events, each counted once, were handled.
func (c *tally) waitFor(t *testing.T, events int) {
	t.Helper()
	eventually(t, func() error {
		if n := c.events(); n != events {
			return fmt.Errorf("%d events were handled, not %d", n, events)
		}
		return nil
	})
}

// diary records a log, so that tests can search it.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
	to   io.Writer
}

func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text.Write(line)
	return d.to.Write(line)
}

func (d *diary) says(words string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), words)
}

func (d *diary) waitFor(t *testing.T, words string) {
	t.Helper()
	eventually(t, func() error {
		if d.says(words) == 0 {
			return fmt.Errorf("the log does not say %q", words)
		}
		return nil
	})
}

var eventually = waittest.Eventually

var errBusy = errors.New("nobody home")
