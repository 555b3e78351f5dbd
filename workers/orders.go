package workers

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/workflows"
)

// OrdersActivities holds the activities that ProcessTransaction calls on its own task queue.
type OrdersActivities struct {
	Payment *activities.Payment
	Alerts  *activities.Alerts
	Ledger  *activities.Ledger
}

// cachedTransactions is how many transactions a process keeps in memory between their steps. Open reviews took 75 kB of heap
// and stacks each, and 140 kB with what the collector had left: the SDK's 10,000 would need more than a gigabyte. A
// transaction that is not kept is replayed from its history when it goes on.
const cachedTransactions = 1000

// NewOrders returns a Maker of the worker that runs ProcessTransaction, moves its money, publishes its alerts and keeps the
// ledger. The activities share the workflow's own task queue, so that the SDK may start them eagerly, without a round trip
// through the queue.
//
// The SDK's default of two pollers per queue starves a busy worker, here and in the other workers. With 8 for workflow tasks, p99 with 50
// callers was 1.2 times, since tasks that no poller waits for go through the server's database; 32 won nothing more. Neither did
// 8 for activities, nor 50 slots in place of 1,000.
func NewOrders(c client.Client, o *workflows.Orders, a OrdersActivities) Maker {
	worker.SetStickyWorkflowCacheSize(cachedTransactions)
	a.Payment.Lasting, a.Alerts.Lasting = lasting(c), lasting(c)
	return func(options worker.Options) Worker {
		options.MaxConcurrentActivityTaskPollers, options.WorkflowTaskPollerBehavior = 4, WorkflowPollers(16)
		w := worker.New(c, workflows.OrdersTaskQueue, options)
		w.RegisterWorkflowWithOptions(o.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
		w.RegisterActivity(a.Payment)
		w.RegisterActivity(a.Alerts)
		w.RegisterActivity(a.Ledger)
		return w
	}
}

// WorkflowPollers returns pollers for workflow tasks: n for the tasks of new workflows, and n for those of workflows that this process
// keeps in memory. They do not scale.
//
// The SDK's simple kind shares one number between both queues, and moves all pollers to the second while the last answer of the server
// said that tasks wait there. Answers can come in another order than they were given: then no task waits there, and new workflows are
// not asked for until the polls end, after a minute.
func WorkflowPollers(n int) worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: n, MinimumNumberOfPollers: n, MaximumNumberOfPollers: n,
	})
}

func lasting(c client.Client) activities.Lasting {
	return func(ctx context.Context) error {
		asking := activity.GetInfo(ctx).WorkflowExecution
		return c.SignalWorkflow(ctx, asking.ID, asking.RunID, workflows.LastingSignal, nil)
	}
}
