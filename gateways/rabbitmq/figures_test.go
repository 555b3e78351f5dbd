package rabbitmq_test

import (
	"context"
	"errors"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/telemetrytest"
)

// alertman's user may look at both queues. The metrics show nothing while there is no connection.
func TestMeasureQueues(t *testing.T) {
	handle := func(context.Context, alert.Event) error { return errors.New("not now") }
	require.Error(t, rabbitmq.NewConsumer(config(t), logger(t)).MeasureQueues(t.Context()))
	assert.Zero(t, telemetrytest.Series(t, "orders_queue_messages"))

	cfg := config(t)
	c := startConsumer(t, cfg, handle)
	require.NoError(t, operator(t).PublishWithContext(t.Context(), cfg.DeadExchange, "", false, false, amqp.Publishing{Body: []byte("dead")}))
	eventually(t, func() error {
		if err := c.MeasureQueues(t.Context()); err != nil {
			return err
		}
		if telemetrytest.Value(t, "orders_queue_messages", "queue", cfg.DeadQueue) < 1 {
			return errors.New("the dead letter is not shown")
		}
		return nil
	})
	assert.InDelta(t, 1, telemetrytest.Value(t, "orders_queue_consumers", "queue", cfg.Queue), 0)
	assert.Zero(t, telemetrytest.Value(t, "orders_queue_consumers", "queue", cfg.DeadQueue))
	assert.Zero(t, telemetrytest.Value(t, "orders_queue_messages", "queue", cfg.Queue))
}
