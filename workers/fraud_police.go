package workers

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"dummyorders/activities"
	"dummyorders/workflows"
)

// NewFraudPolice returns a Maker of the worker that checks transactions for fraud. It has its own task queue, so that it can
// be run, scaled and deployed apart from the orders worker.
func NewFraudPolice(c client.Client, fraud *activities.Fraud) Maker {
	return func(options worker.Options) Worker {
		options.MaxConcurrentActivityTaskPollers = 8
		options.DisableWorkflowWorker = true
		w := worker.New(c, workflows.FraudPoliceTaskQueue, options)
		w.RegisterActivity(fraud)
		return w
	}
}
