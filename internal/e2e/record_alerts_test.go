package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/workflows"
)

// paths holds a receiver, and a route to it by the customer's name, for each path that an alert takes.
const paths = `
version: 1
receivers:
  - {name: grouped, channels: [mail: grouped@example.com], group: {by: [customer], window: 2s}}
  - {name: alone, channels: [mail: alone@example.com], group: {by: [customer], window: 2s}}
  - {name: throttled, channels: [mail: throttled@example.com], group: none, throttle: {most: 1, per: 2s}}
  - {name: shift, channels: [mail: shift@example.com], group: none, acknowledge: {within: 1s, then: on-call}}
  - {name: on-call, channels: [mail: on-call@example.com], group: none, acknowledge: {within: 10s}}
routes:
  - {name: noise, when: {customer: noise}, tell: []}
  - {name: grouped, when: {customer: grouped}, tell: [grouped]}
  - {name: alone, when: {customer: alone}, tell: [alone]}
  - {name: throttled, when: {customer: throttled}, tell: [throttled]}
  - {name: rest, tell: [shift]}
`

func (r recorder) alerts(t *testing.T) {
	w := newWorld(t, nil)
	w.alertsTo(paths)
	w.start(alertman)
	broker := publisher(t, rabbitmq.Config{URL: shared.rabbitmq.URL("orders", "orders")})
	raise := func(customer string) string {
		event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().UTC())
		event.Data.CustomerID = customer
		require.NoError(t, broker.Publish(t.Context(), event))
		eventually(t, func() error {
			_, err := shared.client.DescribeWorkflowExecution(t.Context(), workflows.AlertWorkflowID(event.ID), "")
			return err
		})
		return event.ID
	}
	r.keep(t, "deliver-alert-muted", workflows.AlertWorkflowID(raise("noise")))
	r.gathered(t, w, raise, "grouped", "alert-group")
	r.gathered(t, w, raise, "throttled", "alert-throttle")
	r.alone(t, w, raise)
	silent := raise("silent")
	acknowledged := raise("acknowledged")
	eventually(t, func() error {
		if steps := w.deliveries(acknowledged).Chains[0].Steps; len(steps) < 2 {
			return fmt.Errorf("%d steps are told", len(steps))
		}
		return nil
	})
	update, err := shared.client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: workflows.AlertWorkflowID(acknowledged), UpdateName: workflows.AcknowledgeUpdate,
		Args: []any{alert.Acknowledgement{By: "ada"}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, update.Get(t.Context(), nil))
	r.keep(t, "deliver-alert-acknowledged", workflows.AlertWorkflowID(acknowledged))
	r.keep(t, "deliver-alert-unacknowledged", workflows.AlertWorkflowID(silent))
}

// gathered records the first alert of a group or a throttle, one of the two that it collects, their digest, and the
// group itself.
func (r recorder) gathered(t *testing.T, w *world, raise func(string) string, customer, name string) {
	t.Helper()
	first := r.first(t, w, raise, customer)
	second := raise(customer)
	raise(customer)
	r.keep(t, "deliver-alert-"+customer+"-first", workflows.AlertWorkflowID(first))
	r.keep(t, "deliver-alert-"+customer+"-collected", workflows.AlertWorkflowID(second))
	place := w.deliveries(second).Chains[0].Collected
	r.keep(t, name, place.WorkflowID)
	r.keep(t, "deliver-alert-"+customer+"-digest", workflows.AlertWorkflowID(w.digestOf(second, *place)))
}

// alone records a group that collects one alert, and the delivery of that alert.
func (r recorder) alone(t *testing.T, w *world, raise func(string) string) {
	t.Helper()
	r.first(t, w, raise, "alone")
	id := raise("alone")
	eventually(t, func() error {
		if w.deliveries(id).Chains[0].Collected == nil {
			return fmt.Errorf("alert %s is not collected", id)
		}
		return nil
	})
	place := w.deliveries(id).Chains[0].Collected
	r.keep(t, "alert-group-alone", place.WorkflowID)
	r.keep(t, "deliver-alert-alone", workflows.AlertWorkflowID(w.digestOf(id, *place)))
}

// first raises an alert that is delivered at once.
func (r recorder) first(t *testing.T, w *world, raise func(string) string, customer string) string {
	t.Helper()
	id := raise(customer)
	eventually(t, func() error {
		if steps := w.deliveries(id).Chains[0].Steps; len(steps) == 0 {
			return fmt.Errorf("the first alert for %s is not told", customer)
		}
		return nil
	})
	return id
}
