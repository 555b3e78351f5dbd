package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
)

// Activities are named through nil receivers, as is Temporal's custom: only the method's name is used here.
var (
	fraudPolice *activities.Fraud
	pay         *activities.Payment
	alerts      *activities.Alerts
	deliveries  *activities.Deliveries
)

// fraudCheckOptions: a decision takes milliseconds, so a worker that has not answered in ten seconds is dead, and
// another one is asked. The deadline covers all tries and the time without any worker at all.
func fraudCheckOptions(ctx workflow.Context, p *process) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              FraudPoliceTaskQueue,
		ScheduleToCloseTimeout: p.FraudCheckDeadline,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    200 * time.Millisecond, // somebody is waiting for the answer
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Second,
		},
		Summary: "order " + p.transaction.Order.ID + ", " + p.transaction.Payment.Amount.String(),
	})
}

// paymentOptions: card networks answer within seconds or not at all. Any failure but a decline leaves it unknown
// whether money moved, which only asking again under the same key can settle: so it is asked for as long as it takes.
func paymentOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           OrdersTaskQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        500 * time.Millisecond,
			BackoffCoefficient:     2,
			MaximumInterval:        30 * time.Second, // kind to a gateway that is down, soon enough when it is back
			NonRetryableErrorTypes: []string{activities.PaymentDeclined},
		},
		Summary: summary,
	})
}

// firstPublishAttempts are made before the transaction's status says that its alert is late.
const firstPublishAttempts = 3

// publishOptions: the broker confirms within milliseconds, and the publisher itself gives up within ten seconds, so
// fifteen mean that the worker is dead. Attempts 0 is without end: no alert is ever given up.
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
// Three days is how long people expect mail to be tried; after that the delivery has failed, and the workflow shows it.
func deliveryOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              AlertmanTaskQueue,
		ScheduleToCloseTimeout: 72 * time.Hour,
		StartToCloseTimeout:    15 * time.Minute,
		HeartbeatTimeout:       30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        time.Second,
			BackoffCoefficient:     2,
			MaximumInterval:        5 * time.Minute,
			NonRetryableErrorTypes: []string{activities.DeliveryRefused},
		},
		Summary: summary,
	})
}

// asType says whether err is an activity's application error of a type, and finds it.
func asType(err error, kind string, found **temporal.ApplicationError) bool {
	return errors.As(err, found) && (*found).Type() == kind
}

// joinVoid keeps why a payment ended and adds a void that failed as well.
func joinVoid(err, voidErr error) error {
	if voidErr == nil {
		return err
	}
	return errors.Join(err, voidErr)
}
