package workers

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/workflows"
)

// NewOrders is the worker that runs ProcessTransaction, moves its money and publishes its alerts. Payment and alert
// activities share the workflow's own task queue, so that the SDK may start them eagerly, without a round trip through
// the queue.
//
// The SDK's default of two pollers a queue starves a busy worker, here and in the others.
func NewOrders(c client.Client, o *workflows.Orders, pay *activities.Payment, alerts *activities.Alerts) Maker {
	return func(options worker.Options) worker.Worker {
		options.MaxConcurrentActivityTaskPollers, options.MaxConcurrentWorkflowTaskPollers = 4, 8
		w := worker.New(c, workflows.OrdersTaskQueue, options)
		w.RegisterWorkflowWithOptions(o.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
		w.RegisterActivity(pay)
		w.RegisterActivity(alerts)
		return w
	}
}
