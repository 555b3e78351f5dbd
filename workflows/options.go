package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
)

// These nil receivers only name the activities, as is Temporal's custom: the SDK uses the method's name alone.
var (
	fraudPolice      *activities.Fraud
	pay              *activities.Payment
	alerts           *activities.Alerts
	deliveries       *activities.Deliveries
	groups           *activities.Groups
	ledgerActivities *activities.Ledger
)

// fraudCheckOptions returns a context with the options of the fraud check. A decision takes milliseconds, so a worker that
// has not answered in ten seconds is dead, and another one is asked. The deadline covers all attempts and any time without a
// worker.
func fraudCheckOptions(ctx workflow.Context, deadline time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              FraudPoliceTaskQueue,
		ScheduleToCloseTimeout: deadline,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    200 * time.Millisecond, // a caller is waiting for the answer
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Second,
		},
		Summary: summary,
	})
}

// paymentOptions returns a context with the options of the calls to a payment gateway. Card networks answer within seconds
// or not at all. After any failure but a gateway's final refusal it is unknown what the gateway did or will do, and only
// asking again under the same key can settle that: so the gateway is asked for as long as it takes.
func paymentOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           OrdersTaskQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        500 * time.Millisecond,
			BackoffCoefficient:     2,
			MaximumInterval:        activities.LongestPaymentPause,
			NonRetryableErrorTypes: []string{activities.PaymentDeclined, activities.PaymentCaptured},
		},
	})
}

// chargeWithin is how long one try of a charge may take, which makes two calls.
const chargeWithin = 20 * time.Second

// described sets the summary that the Web UI shows with an activity.
func described(ctx workflow.Context, summary string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.Summary = summary
	return workflow.WithActivityOptions(ctx, options)
}

// withinTask returns a context with the options of one attempt within a workflow task. What is asked answers within milliseconds, and
// it may hold up the task no longer than within.
func withinTask(ctx workflow.Context, within time.Duration, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: within,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// patientSave returns a context in which writing to the ledger is retried until the ledger is back.
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

// firstPublishAttempts is how many attempts are made before the transaction's status says that its alert is late.
const firstPublishAttempts = 3

// unlimitedAttempts sets no limit to the attempts: publishing an alert is never given up.
const unlimitedAttempts = 0

// publishOptions returns a context with the options of publishing an alert. The broker confirms within milliseconds, and the
// publisher itself gives up within ten seconds, so after fifteen the worker must be dead.
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

// firstPause is how long after its first attempt a delivery is tried again. Each pause is twice the one before.
const firstPause = time.Second

// deliveryOptions returns a context with the options of a delivery. A mail server may take minutes to accept a message, and
// giving up on it before that sends the message again and again (RFC 5321 §4.5.3.2.6 asks for ten minutes). A dead worker is
// recognized by its missing heartbeats instead. The delivery is retried for worth, as long as the alert is still worth
// sending; after that it has failed, and the workflow shows it.
func deliveryOptions(ctx workflow.Context, t alert.DeliveryRequest, worth time.Duration) workflow.Context {
	channel, _ := t.Target.Split()
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              DeliveryTaskQueue(channel),
		ScheduleToCloseTimeout: max(worth, time.Second),
		StartToCloseTimeout:    15 * time.Minute,
		HeartbeatTimeout:       30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        firstPause << len(t.Made),
			BackoffCoefficient:     2,
			MaximumInterval:        activities.LongestPause,
			NonRetryableErrorTypes: []string{activities.DeliveryRefused},
		},
		Summary: deliverySummary(t),
	})
}

// gatherWithin is the longest that an alert waits for its group or its receiver's throttle to answer.
const gatherWithin = 10 * time.Minute

// patientGather returns a context with the options of the further attempts to gather. The activity itself gives up within
// ten seconds.
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

// digestOptions returns a context with the options of a digest's workflow, which outlives its group.
func digestOptions(ctx workflow.Context, id string, d DeliverAlertInput) workflow.Context {
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
		TypedSearchAttributes: d.SearchAttributes(),
	})
}

// isType reports whether err is an activity's application error of the type kind.
func isType(err error, kind string) bool {
	failure, is := errors.AsType[*temporal.ApplicationError](err)
	return is && failure.Type() == kind
}
