package rabbitmq_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/stack"
)

// shared is the package's broker, started by the first test that needs one.
var shared *broker

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	// The proxy that tests hold connections with (toxiproxy v2.12.0) leaves its pump behind, now and then, when a
	// connection breaks while bytes are on their way.
	ignored := goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run")
	if err := goleak.Find(ignored); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// broker is the tests' own RabbitMQ, which has loaded definitions.json.
type broker struct {
	*stack.RabbitMQ

	dir string
}

// theBroker returns the broker that the tests share. Each test uses its own names for exchanges and queues.
func theBroker(t *testing.T) *broker {
	t.Helper()
	if shared == nil {
		dir, err := os.MkdirTemp("", "orders-rabbitmq") //nolint:usetesting // it outlives the test
		require.NoError(t, err)
		node, err := stack.StartRabbitMQ(context.Background(), stack.RabbitMQOptions{Dir: dir, Definitions: "definitions.json"})
		require.NoError(t, err)
		shared = &broker{node, dir}
	}
	return shared
}

func (b *broker) remove() error {
	if b == nil {
		return nil
	}
	if err := b.Stop(context.Background()); err != nil {
		return err
	}
	return os.RemoveAll(b.dir)
}

// start restarts a broker that was killed.
func (b *broker) start(t *testing.T) {
	t.Helper()
	require.NoError(t, b.Start(context.Background()))
}

func (b *broker) ctl(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := b.Ctl(ctx, args...)
	require.NoError(t, err)
}

// url is for a user whose password is the user's name, as it is for all in definitions.json.
func (b *broker) url(user string) string {
	return b.URL(user, user)
}
