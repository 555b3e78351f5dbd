package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/internal/telemetry"
	"dummyorders/workflows"
)

// NewAlertman returns a Maker of the workers that run DeliverAlert, AlertGroup and their activities. Each channel has its
// own worker and task queue, with at most atOnce deliveries under way: a mail server that hangs does not slow down SMS. Some
// of them may be made within workflow tasks, for which it sets MostNow of the deliveries.
func NewAlertman(c client.Client, deliveries *activities.Deliveries, groups *activities.Groups, atOnce int) Maker {
	deliveries.MostNow = min(mostNow, atOnce/2)
	return func(options worker.Options) Worker {
		options.MaxConcurrentActivityExecutionSize = atOnce - deliveries.MostNow
		options.MaxConcurrentWorkflowTaskExecutionSize = tasksAtOnce
		all := workerGroup{newDeliveryWorker(c, workflows.AlertmanTaskQueue, deliveries, options)}
		all[0].RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
		all[0].RegisterWorkflowWithOptions(workflows.AlertGroup, workflow.RegisterOptions{Name: workflows.AlertGroupType})
		all[0].RegisterActivity(groups)
		for _, channel := range alert.Channels {
			all = append(all, newDeliveryWorker(c, workflows.DeliveryTaskQueue(channel), deliveries, options))
		}
		return all
	}
}

const (
	// tasksAtOnce is how many workflow tasks are worked on at once. Alerts start them as fast as they come, and each asks Temporal
	// to gather and may send messages: without this bound, tasks of 300 alerts at once took longer than the ten seconds they have.
	tasksAtOnce = 20
	// mostNow is how many messages are sent at once on a channel within workflow tasks. It is less than tasksAtOnce: a channel that
	// suddenly hangs holds up few other alerts.
	mostNow = 10
)

func newDeliveryWorker(c client.Client, queue string, deliveries *activities.Deliveries, options worker.Options) worker.Worker {
	options.MaxConcurrentActivityTaskPollers, options.WorkflowTaskPollerBehavior = 4, WorkflowPollers(4)
	options.DisableWorkflowWorker = queue != workflows.AlertmanTaskQueue
	w := worker.New(c, queue, options)
	w.RegisterActivity(deliveries)
	return w
}

// AlertStarter starts the delivery of alerts.
type AlertStarter interface {
	// Start starts the delivery of an event and reports whether the event is new. Starting an event again changes nothing.
	Start(ctx context.Context, event alert.Event, assignments []alert.Assignment) (fresh bool, err error)
}

// checkTimeout bounds one check of Temporal.
const checkTimeout = 10 * time.Second

// Intake gives each event that alertman takes off the broker a durable owner: a DeliverAlert workflow.
type Intake struct {
	Alerts AlertStarter
	Router alert.Router
	Mutes  *Mutes // nil: nothing is muted beside what Router mutes
	Log    *slog.Logger
	// Check returns what is wrong with Temporal. If Check is nil, Temporal counts as healthy.
	Check func(context.Context) error
	// Hold is how long an event is held while Temporal is down; 0 means ten minutes. It has to be less than the broker's
	// consumer_timeout, which is half an hour by default.
	Hold time.Duration
}

const defaultHold = 10 * time.Minute

// Take returns nil once Temporal has the event, or if it already had it: Temporal is then responsible for it. While Temporal
// is down, Take waits for Hold and then fails with alert.ErrAway: the event is given back, and no more are taken. If
// anything else keeps Temporal from taking an event, Take waits until ctx ends. An event that Temporal refuses is given
// back, and the broker's limit decides when it becomes a dead letter.
func (i *Intake) Take(ctx context.Context, event alert.Event) error {
	assignments := i.Router.Route(event, time.Now())
	if i.Mutes != nil {
		i.Mutes.mute(ctx, event, assignments)
	}
	fresh, err := i.keepTrying(ctx, event, assignments)
	for err != nil && !refused(err) && ctx.Err() == nil {
		if away := i.check(ctx); away != nil {
			err = fmt.Errorf("%w: %w", alert.ErrAway, away)
			break
		}
		fresh, err = i.keepTrying(ctx, event, assignments)
	}
	telemetry.AlertsTaken.Inc(ctx, taken(fresh, err))
	if err != nil {
		return fmt.Errorf("hand alert %s to Temporal: %w", event.ID, err)
	}
	i.Log.InfoContext(ctx, "Alert taken", "alert", event.ID, "type", event.Type, "order", event.Subject, "transaction", event.Data.TransactionID,
		"for", receivers(assignments), "duplicate", !fresh)
	return nil
}

// taken says in a word what became of a message.
func taken(fresh bool, err error) string {
	switch {
	case err != nil:
		return "failed"
	case fresh:
		return "delivered_on"
	default:
		return "duplicate"
	}
}

func (i *Intake) keepTrying(ctx context.Context, event alert.Event, to []alert.Assignment) (fresh bool, err error) {
	retry := backoff.NewExponentialBackOff()
	retry.MaxInterval = 5 * time.Second
	start := func() (bool, error) {
		fresh, err := i.Alerts.Start(ctx, event, to)
		if refused(err) {
			err = backoff.Permanent(err)
		}
		return fresh, err
	}
	return backoff.Retry(ctx, start, backoff.WithBackOff(retry), backoff.WithMaxElapsedTime(cmp.Or(i.Hold, defaultHold)),
		backoff.WithNotify(func(err error, next time.Duration) {
			i.Log.WarnContext(ctx, "Alert waits for Temporal", "alert", event.ID, "error", err, "in", next)
		}))
}

func (i *Intake) check(ctx context.Context) error {
	if i.Check == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return i.Check(ctx)
}

// refused reports whether Temporal will never take the event.
func refused(err error) bool {
	_, is := errors.AsType[*serviceerror.InvalidArgument](err)
	return is
}

// receivers returns the names of the receivers that are not muted for the event.
func receivers(assignments []alert.Assignment) []string {
	names := []string{}
	for _, a := range assignments {
		if a.Muted == "" {
			names = append(names, a.Receiver)
		}
	}
	return names
}
