package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
)

// Activities are named through nil receivers, as is Temporal's custom: only the method's name is used here.
var (
	fraudPolice      *activities.Fraud
	pay              *activities.Payment
	alerts           *activities.Alerts
	deliveries       *activities.Deliveries
	groups           *activities.Groups
	ledgerActivities *activities.Ledger
)

// fraudCheckOptions: a decision takes milliseconds, so a worker that has not answered in ten seconds is dead, and
// another one is asked. The deadline covers all tries and the time without any worker at all.
func fraudCheckOptions(ctx workflow.Context, deadline time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              FraudPoliceTaskQueue,
		ScheduleToCloseTimeout: deadline,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    200 * time.Millisecond, // somebody is waiting for the answer
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Second,
		},
		Summary: summary,
	})
}

// paymentOptions: card networks answer within seconds or not at all. Any failure but a gateway's final no leaves open
// what it did or will do, which only asking again under the same key can settle: so it is asked for as long as it takes.
func paymentOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           OrdersTaskQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        500 * time.Millisecond,
			BackoffCoefficient:     2,
			MaximumInterval:        30 * time.Second, // kind to a gateway that is down, soon enough when it is back
			NonRetryableErrorTypes: []string{activities.PaymentDeclined, activities.PaymentCaptured},
		},
	})
}

// described gives an activity the line that the Web UI shows with it.
func described(ctx workflow.Context, summary string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.Summary = summary
	return workflow.WithActivityOptions(ctx, options)
}

// quickSave: the ledger answers within milliseconds. Longer than this a workflow task must not be held up.
func quickSave(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// patientSave goes on until the ledger is back.
func patientSave(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           OrdersTaskQueue,
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    30 * time.Second,
		},
		Summary: summary,
	})
}

// firstPublishAttempts are made before the transaction's status says that its alert is late.
const firstPublishAttempts = 3

// untilItSticks is without end: no alert is ever given up.
const untilItSticks = 0

// publishOptions: the broker confirms within milliseconds, and the publisher itself gives up within ten seconds, so
// fifteen mean that the worker is dead.
func publishOptions(ctx workflow.Context, attempts int32, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           OrdersTaskQueue,
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    500 * time.Millisecond,
			BackoffCoefficient: 2,
			MaximumInterval:    15 * time.Second, // bounds how long an alert waits once the broker is back
			MaximumAttempts:    attempts,
		},
		Summary: summary,
	})
}

// deliveryOptions: a mail server may take minutes to accept a message, and giving up on it before that sends the
// message again and again (RFC 5321 §4.5.3.2.6 asks for ten minutes). A dead worker is noticed by its silence instead.
// It is tried for as long as the alert is worth telling; then the delivery has failed, and the workflow shows it.
func deliveryOptions(ctx workflow.Context, queue, summary string, worth time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              queue,
		ScheduleToCloseTimeout: max(worth, time.Second),
		StartToCloseTimeout:    15 * time.Minute,
		HeartbeatTimeout:       30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumInterval:        activities.LongestPause,
			NonRetryableErrorTypes: []string{activities.DeliveryRefused},
		},
		Summary: summary,
	})
}

// quickGather: Temporal answers within milliseconds. Longer than this a workflow task must not be held up.
func quickGather(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 2 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                "gather",
	})
}

// gatherWithin is how long an alert waits at most for its group or its receiver's throttle.
const gatherWithin = 10 * time.Minute

// patientGather: what is asked gives up within ten seconds itself.
func patientGather(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              AlertmanTaskQueue,
		ScheduleToCloseTimeout: gatherWithin,
		StartToCloseTimeout:    15 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    200 * time.Millisecond,
			BackoffCoefficient: 2,
			MaximumInterval:    5 * time.Second,
		},
		Summary: line(summary),
	})
}

// digestOptions: a digest outlives its group.
func digestOptions(ctx workflow.Context, id string, d Delivery) workflow.Context {
	summary := AlertSummary(d.Event)
	if d.Digest != nil {
		summary = line(fmt.Sprintf("%d more: %s", len(d.Digest.Members), d.Digest.Group))
	}
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            AlertWorkflowID(id),
		TaskQueue:             AlertmanTaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         summary,
		TypedSearchAttributes: temporal.NewSearchAttributes(OrderIDKey.ValueSet(d.Event.Subject)),
	})
}

// asType says whether err is an activity's application error of a type, and finds it.
func asType(err error, kind string, found **temporal.ApplicationError) bool {
	return errors.As(err, found) && (*found).Type() == kind
}

// isType is asType for who needs no more than to know.
func isType(err error, kind string) bool {
	return asType(err, kind, new(*temporal.ApplicationError))
}
