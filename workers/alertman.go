package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

// NewAlertman is the worker that runs DeliverAlert and its deliveries.
func NewAlertman(c client.Client, deliveries *activities.Deliveries) Maker {
	return func(options worker.Options) worker.Worker {
		options.MaxConcurrentActivityTaskPollers, options.MaxConcurrentWorkflowTaskPollers = 4, 4
		w := worker.New(c, workflows.AlertmanTaskQueue, options)
		w.RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
		w.RegisterActivity(deliveries)
		return w
	}
}

// Intake gives each event that alertman takes off the broker a durable owner: a DeliverAlert workflow.
type Intake struct {
	Temporal client.Client
	Targets  []alert.Target // whom to tell
	Log      *slog.Logger
}

// Take returns nil once Temporal has the event, also when it had it before: the event is then nobody else's duty.
// While Temporal is away it waits, until ctx ends: giving the event back to the broker would count towards the limit
// of its deliveries, and Temporal's absence is not the event's fault. An event that Temporal refuses is given back, and
// the broker's limit decides when it is a dead letter.
func (i *Intake) Take(ctx context.Context, event alert.Event) error {
	retry := backoff.NewExponentialBackOff()
	retry.MaxInterval = 5 * time.Second
	start := func() (bool, error) { return i.start(ctx, event) }
	fresh, err := backoff.Retry(ctx, start, backoff.WithBackOff(retry), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			i.Log.Warn("Alert waits for Temporal", "alert", event.ID, "error", err, "in", next)
		}))
	if err != nil {
		return fmt.Errorf("hand alert %s to Temporal: %w", event.ID, err)
	}
	i.Log.Info("Alert taken", "alert", event.ID, "type", event.Type, "order", event.Subject, "duplicate", !fresh)
	return nil
}

// start says whether the event was new.
func (i *Intake) start(ctx context.Context, event alert.Event) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := i.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       workflows.AlertWorkflowID(event.ID),
		TaskQueue:                                workflows.AlertmanTaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            workflows.AlertSummary(event),
		TypedSearchAttributes:                    temporal.NewSearchAttributes(workflows.OrderIDKey.ValueSet(event.Subject)),
	}, workflows.DeliverAlertType, workflows.Delivery{Event: event, Targets: i.Targets})
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	if _, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok {
		err = backoff.Permanent(err)
	}
	return err == nil, err
}
