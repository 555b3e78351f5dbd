package stack_test

import (
	"os"
	"path/filepath"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

const definitions = `{
  "vhosts": [{"name": "/"}],
  "users": [{"name": "operator", "password": "secret", "tags": ["administrator"]}],
  "permissions": [{"user": "operator", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
  "queues": [{"name": "kept", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {"x-queue-type": "quorum"}}]
}`

func startRabbitMQ(t *testing.T, o stack.RabbitMQOptions) *stack.RabbitMQ {
	t.Helper()
	node, err := stack.StartRabbitMQ(patience(t), o)
	require.NoError(t, err)
	t.Cleanup(node.Kill)
	return node
}

func publish(t *testing.T, url, queue, text string) {
	t.Helper()
	connection, err := amqp.Dial(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close()) }()
	channel, err := connection.Channel()
	require.NoError(t, err)
	require.NoError(t, channel.Confirm(false))
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(t.Context(), "", queue, true, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(text)})
	require.NoError(t, err)
	confirmed, err := confirmation.WaitContext(patience(t))
	require.NoError(t, err)
	require.True(t, confirmed)
}

func taken(t *testing.T, url, queue string) string {
	t.Helper()
	connection, err := amqp.Dial(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close()) }()
	channel, err := connection.Channel()
	require.NoError(t, err)
	delivery, there, err := channel.Get(queue, true)
	require.NoError(t, err)
	require.True(t, there, "queue %s is empty", queue)
	return string(delivery.Body)
}

// RabbitMQ keeps its data whether it is stopped or killed.
func TestRabbitMQKeepsData(t *testing.T) {
	t.Parallel()
	ctx, dir := patience(t), t.TempDir()
	file := filepath.Join(t.TempDir(), "definitions.json")
	write(t, file, definitions)
	node := startRabbitMQ(t, stack.RabbitMQOptions{Dir: dir, Definitions: file})
	url := node.URL("operator", "secret")
	publish(t, url, "kept", "first")
	publish(t, url, "kept", "second")

	require.NoError(t, node.Stop(ctx))
	noProcessMentions(t, dir)
	require.NoError(t, node.Start(ctx))
	require.Equal(t, url, node.URL("operator", "secret"))
	require.Equal(t, "first", taken(t, url, "kept"))

	node.Kill()
	noProcessMentions(t, dir)
	require.NoError(t, node.Start(ctx))
	eventually(t, func() error { // the queue's leader is elected after the node takes connections
		_, err := node.Ctl(ctx, "list_queues")
		return err
	})
	require.Equal(t, "second", taken(t, url, "kept"))
	require.NoError(t, node.Stop(ctx))
	noProcessMentions(t, dir)
}

// RabbitMQ nodes run side by side, each under its own command.
func TestRabbitMQSideBySide(t *testing.T) {
	t.Parallel()
	ctx := patience(t)
	management, err := stack.FreePort()
	require.NoError(t, err)
	one := startRabbitMQ(t, stack.RabbitMQOptions{Dir: t.TempDir()})
	two := startRabbitMQ(t, stack.RabbitMQOptions{Dir: t.TempDir(), ManagementPort: management})
	require.Empty(t, one.ManagementAddress())
	require.NoError(t, two.WaitHealthy(ctx, two.ManagementAddress()))

	_, err = one.Ctl(ctx, "add_vhost", "only-in-one")
	require.NoError(t, err)
	printed, err := two.Ctl(ctx, "list_vhosts")
	require.NoError(t, err)
	require.NotContains(t, printed, "only-in-one")
	_, err = two.Ctl(ctx, "no_such_command")
	require.ErrorContains(t, err, "rabbitmqctl no_such_command: exit status 64")
	publishTo := one.URL("guest", "guest")
	connection, err := amqp.Dial(publishTo)
	require.NoError(t, err)
	require.NoError(t, connection.Close())
}

// A RabbitMQ that cannot start shows its last lines.
func TestRabbitMQCannotStart(t *testing.T) {
	t.Parallel()
	dir, program := t.TempDir(), filepath.Join(t.TempDir(), "rabbitmq-server")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho erl: not found >&2\nexit 127\n"), 0o700))
	_, err := stack.StartRabbitMQ(patience(t), stack.RabbitMQOptions{Dir: dir, Program: program})
	require.ErrorContains(t, err, "start RabbitMQ: RabbitMQ ended: exit status 127; the last lines of ")
	require.ErrorContains(t, err, "\n    erl: not found")
	noProcessMentions(t, dir)
}

// Definitions that RabbitMQ would ignore in silence are an error.
func TestRabbitMQWrongDefinitions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "definitions.json")
	_, err := stack.StartRabbitMQ(t.Context(), stack.RabbitMQOptions{Dir: t.TempDir(), Program: "/bin/false", Definitions: file})
	require.ErrorContains(t, err, "definitions.json: no such file")
	write(t, file, `{"users": [`)
	_, err = stack.StartRabbitMQ(t.Context(), stack.RabbitMQOptions{Dir: t.TempDir(), Program: "/bin/false", Definitions: file})
	require.ErrorContains(t, err, "definitions.json: not JSON")
}
