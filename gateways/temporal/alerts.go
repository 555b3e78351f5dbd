package temporal

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

// Alerts are the alerts' DeliverAlert workflows.
type Alerts struct {
	Client client.Client
}

// Start starts the delivery of an event, and reports whether the event is new. Temporal refuses a second delivery under the
// same id.
func (a *Alerts) Start(ctx context.Context, event alert.Event, assignments []alert.Assignment) (fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	options := client.StartWorkflowOptions{
		ID:                                       workflows.AlertWorkflowID(event.ID),
		TaskQueue:                                workflows.AlertmanTaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            workflows.AlertSummary(event),
		TypedSearchAttributes:                    temporal.NewSearchAttributes(workflows.OrderIDKey.ValueSet(event.Subject)),
	}
	if event.Type == alert.Test && len(assignments) > 0 { // of an order that does not exist
		options.StaticSummary = "test of receiver " + assignments[0].Receiver
		options.TypedSearchAttributes = temporal.SearchAttributes{}
	}
	_, err = a.Client.ExecuteWorkflow(ctx, options, workflows.DeliverAlertType, workflows.Delivery{Event: event, Assignments: assignments})
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	return err == nil, err
}

// Log returns what was done about an alert, which only an alertman can answer.
func (a *Alerts) Log(ctx context.Context, id string) (log alert.Log, err error) {
	value, err := a.Client.QueryWorkflow(ctx, workflows.AlertWorkflowID(id), "", workflows.DeliveriesQuery)
	if err != nil {
		return log, err
	}
	if err := value.Get(&log); err != nil {
		return log, fmt.Errorf("read the log of alert %s: %w", id, err)
	}
	return log, nil
}
