package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// Delivery is an event, or a digest of several, and whom to tell. Who that is was chosen once, when alertman took the event,
// and stands in the history: a changed configuration does not change what a running delivery does.
type Delivery struct {
	Event    alert.Event   `json:"event"`
	Digest   *alert.Digest `json:"digest,omitempty"`
	DigestID string        `json:"digestID,omitempty"` // also of an event that waited for a digest alone
	// Holding is the throttle's that hands the digest on.
	Holding     *alert.Holding     `json:"holding,omitempty"`
	Assignments []alert.Assignment `json:"assignments,omitempty"`
}

// DeliverAlert takes an alert to everybody who is assigned to it. It answers DeliveriesQuery at any time, and
// AcknowledgeUpdate as long as somebody is asked. Each target has its own retries, so that one that is down holds up no
// other and one that was told is not told again. It fails with NotDelivered when a target was refused for good or could not
// be told in time, and with NotAcknowledged when nobody acknowledged: the failed workflows of this type are the alerts that
// somebody has to look after.
func DeliverAlert(ctx workflow.Context, d Delivery) error {
	a := newAlarm(ctx, d)
	if err := a.listen(ctx); err != nil {
		return err
	}
	a.note(ctx)
	over := workflow.NewWaitGroup(ctx)
	for _, c := range a.chains {
		over.Add(1)
		workflow.GoNamed(ctx, "chain "+c.Receiver, func(ctx workflow.Context) {
			defer over.Done()
			c.run(ctx)
		})
	}
	free := detached(ctx)
	over.Wait(free)
	if err := workflow.Await(free, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.outcome()
}

// alarm is one run of DeliverAlert.
type alarm struct {
	notice alert.Notice
	expiry time.Time
	chains []*chain
	log    alert.Log
	cause  error // of the last target that was not told
}

func newAlarm(ctx workflow.Context, d Delivery) *alarm {
	a := &alarm{notice: d.notice(), expiry: d.expiry()}
	a.log = a.opened(workflow.GetInfo(ctx).WorkflowStartTime, d.Assignments)
	if a.notice.FollowUp {
		a.log.ID, a.log.EventID = d.DigestID, d.Event.ID
	}
	for i, assignment := range d.Assignments {
		a.chains = append(a.chains, newChain(ctx, a, assignment, &a.log.Chains[i]))
	}
	return a
}

func (a *alarm) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, DeliveriesQuery, func() (alert.Log, error) { return a.log, nil },
		workflow.QueryHandlerOptions{Description: "Who was told when, and who has acknowledged"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AcknowledgeUpdate, a.acknowledge, workflow.UpdateHandlerOptions{
		Validator:   a.acknowledgeable,
		Description: "Takes the alert upon somebody: no further step is told",
	})
}

// outcome is what the workflow ends with.
func (a *alarm) outcome() error {
	silent, untold := a.unacknowledged(), a.undelivered()
	missing := "not delivered to " + strings.Join(untold, ", ")
	switch {
	case len(silent) > 0:
		what := fmt.Sprintf("alert %s not acknowledged by %s", a.notice.ID, strings.Join(silent, ", "))
		if len(untold) > 0 {
			what += ", and " + missing
		}
		return temporal.NewNonRetryableApplicationError(what, NotAcknowledged, a.cause)
	case len(untold) > 0:
		return temporal.NewNonRetryableApplicationError("alert "+a.notice.ID+" "+missing, NotDelivered, a.cause)
	default:
		return nil
	}
}

// notice is what people are told, before anybody is asked.
func (d Delivery) notice() alert.Notice {
	if d.Digest == nil {
		return alert.Notice{ID: d.Event.ID, Event: d.Event, FollowUp: d.DigestID != "", Holding: d.Holding}
	}
	return alert.Notice{ID: d.DigestID, Event: d.Event, Digest: d.Digest, Holding: d.Holding}
}

// expiry of a digest is that of the alert in it that is worth telling for the longest.
func (d Delivery) expiry() time.Time {
	if d.Digest == nil {
		return d.Event.Expiry()
	}
	var latest time.Time
	for _, m := range d.Digest.Members {
		if m.Expiry.After(latest) {
			latest = m.Expiry
		}
	}
	return latest
}
