package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/internal/telemetry"
)

// DeliverAlertInput is an event, or a digest of several, with its receivers. They were chosen once, when alertman took the
// event, and are kept in the history: a changed configuration does not change what a running delivery does.
type DeliverAlertInput struct {
	Event    alert.Event   `json:"event"`
	Digest   *alert.Digest `json:"digest,omitempty"`
	DigestID string        `json:"digestID,omitempty"` // also set for an event that waited for a digest alone
	// Holding describes the throttle that hands the digest on.
	Holding     *alert.Holding     `json:"holding,omitempty"`
	Assignments []alert.Assignment `json:"assignments,omitempty"`
}

// DeliverAlert delivers an alert to all targets assigned to it. It answers DeliveriesQuery at any time, and
// AcknowledgeUpdate as long as an acknowledgement is asked for. Each target has its own retries, so that one that is down
// holds up no other, and one that has the alert does not get it again. It fails with NotDelivered if a target refused the
// alert for good or could not be reached in time, and with NotAcknowledged if the alert was not acknowledged: the failed
// workflows of this type are the alerts that a person has to look after.
func DeliverAlert(ctx workflow.Context, d DeliverAlertInput) error {
	a := newAlertRun(ctx, d)
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

// alertRun is one run of DeliverAlert.
type alertRun struct {
	notice   alert.Notice
	expiry   time.Time
	chains   []*chain
	log      alert.Log
	cause    error // the error of the last target that the alert did not reach
	measured bool  // how long it took to reach the first target has been measured
	began    int   // the length of the history at the first workflow task, see firstTask
}

// firstTask is the length of the history up to the start of the first workflow task. If that task is repeated, because its
// worker was killed or a person resets the workflow, there are more events.
const firstTask = 3

func newAlertRun(ctx workflow.Context, d DeliverAlertInput) *alertRun {
	a := &alertRun{notice: d.notice(), expiry: d.expiry(), log: d.Opened(workflow.GetInfo(ctx).WorkflowStartTime)}
	a.began = workflow.GetInfo(ctx).GetCurrentHistoryLength()
	for i, assignment := range d.Assignments {
		a.chains = append(a.chains, newChain(ctx, a, assignment, &a.log.Chains[i]))
	}
	return a
}

func (a *alertRun) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, DeliveriesQuery, func() (alert.Log, error) { return a.log, nil },
		workflow.QueryHandlerOptions{Description: "Every delivery with its attempts, and the acknowledgement"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AcknowledgeUpdate, a.acknowledge, workflow.UpdateHandlerOptions{
		Validator:   a.acknowledgeable,
		Description: "Acknowledges the alert: no further step is begun",
	})
}

// outcome returns the workflow's result: nil, NotAcknowledged or NotDelivered.
func (a *alertRun) outcome() error {
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

// notice returns the notice to send, as it is before it asks for an acknowledgement.
func (d DeliverAlertInput) notice() alert.Notice {
	if d.Digest == nil {
		return alert.Notice{ID: d.Event.ID, Event: d.Event, FollowUp: d.DigestID != "", Holding: d.Holding}
	}
	return alert.Notice{ID: d.DigestID, Event: d.Event, Digest: d.Digest, Holding: d.Holding}
}

// SearchAttributes returns the search attributes of the delivery. Merchant is left out for a digest of several merchants.
func (d DeliverAlertInput) SearchAttributes() temporal.SearchAttributes {
	attributes := []temporal.SearchAttributeUpdate{OrderIDKey.ValueSet(card.Conceal(d.Event.Subject))}
	if of := d.notice().Merchants(); len(of) == 1 {
		attributes = append(attributes, MerchantKey.ValueSet(of[0]))
	}
	return temporal.NewSearchAttributes(attributes...)
}

// expiry returns when the delivery expires. A digest expires with the last of its alerts to do so.
func (d DeliverAlertInput) expiry() time.Time {
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

// chain handles one assignment: it notifies the first receiver, and then the next one if the alert is not acknowledged in
// time.
type chain struct {
	*alertRun
	alert.Assignment

	log      *alert.ChainLog
	asking   bool // an acknowledgement is asked for, or may yet be
	underWay workflow.WaitGroup
}

func newChain(ctx workflow.Context, a *alertRun, assignment alert.Assignment, log *alert.ChainLog) *chain {
	c := &chain{alertRun: a, Assignment: assignment, log: log, underWay: workflow.NewWaitGroup(ctx)}
	c.asking = c.asks()
	return c
}

// asks reports whether the assignment asks for an acknowledgement.
func (c *chain) asks() bool {
	for _, step := range c.Steps {
		if step.Within > 0 {
			return c.Muted == ""
		}
	}
	return false
}

// run notifies the receivers, and returns when every delivery that was begun has ended.
func (c *chain) run(ctx workflow.Context) {
	if c.Muted == "" && c.deliversHere(ctx) {
		c.escalate(ctx)
	}
	c.asking = false
	c.underWay.Wait(detached(ctx))
	c.note(ctx)
}

// escalate begins one step after the other, until the alert is acknowledged.
func (c *chain) escalate(ctx workflow.Context) {
	for number, step := range c.Steps {
		begun := c.begin(ctx, number, step)
		if step.Within == 0 || c.acknowledged(ctx, begun) || ctx.Err() != nil {
			return
		}
		if c.expired(ctx) {
			break
		}
	}
	if c.log.Unacknowledged = len(c.Steps) > 0; c.log.Unacknowledged {
		count(ctx, telemetry.AlertsExpired)
	}
}

// begin sends the notice to all targets of a step.
func (c *chain) begin(ctx workflow.Context, number int, step alert.Step) alert.StepLog {
	notice, now := c.notice, workflow.Now(ctx)
	begun := alert.StepLog{Receiver: step.Receiver, At: now, Deliveries: pending(step.Targets)}
	if step.Within > 0 {
		until := now.Add(step.Within)
		if until.After(c.expiry) {
			until = c.expiry
		}
		notice.Ask, begun.AskedUntil = &alert.Ask{Until: until}, &until
		if number+1 < len(c.Steps) {
			notice.Ask.Next = c.Steps[number+1].Receiver
		}
	}
	if number == 0 && c.log.Holding != nil {
		notice.Holding = c.log.Holding
	}
	for _, before := range c.Steps[:number] {
		notice.Unanswered = append(notice.Unanswered, before.Receiver)
	}
	c.log.Steps = append(c.log.Steps, begun)
	for i, target := range step.Targets {
		c.deliver(ctx, alert.DeliveryRequest{Notice: notice, Receiver: step.Receiver, Step: number, Target: target}, &begun.Deliveries[i])
	}
	c.note(ctx)
	return begun
}

// deliver begins a delivery, and records its end.
func (c *chain) deliver(ctx workflow.Context, t alert.DeliveryRequest, d *alert.Delivery) {
	if c.expired(ctx) {
		c.conclude(ctx, d, alert.Delivery{State: alert.Expired}, nil)
		return
	}
	if c.repeats(ctx) {
		t.Made = lost(ctx)
		d.Attempts = t.Made
	}
	var telling workflow.Future
	quick := c.quick(ctx)
	if quick {
		telling = workflow.ExecuteLocalActivity(withinTask(ctx, activities.TellWithin+time.Second, deliverySummary(t)), deliveries.TellNow, t)
	} else {
		telling = c.tell(ctx, t)
	}
	c.underWay.Add(1)
	workflow.GoNamed(ctx, "tell "+string(t.Target), func(ctx workflow.Context) {
		defer c.underWay.Done()
		made := alert.Delivery{State: alert.Delivered}
		err := telling.Get(ctx, &made)
		if quick {
			made, err = c.goOn(ctx, t, d, made, err)
		}
		c.conclude(ctx, d, made, err)
		c.note(ctx)
	})
}

// quick reports whether a message may be sent within this workflow task, which saves half of what an alert costs. It may in
// the first task, unless that is repeated: of a later task the history does not say whether it is.
func (c *chain) quick(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetCurrentHistoryLength() <= firstTask &&
		workflow.GetVersion(ctx, "tell within the first task", workflow.DefaultVersion, 1) >= 1
}

// repeats reports whether this is the first workflow task and is repeated: it may have sent messages before. What a later task
// sends first was not sent before.
func (c *chain) repeats(ctx workflow.Context) bool {
	return c.began > firstTask && workflow.GetInfo(ctx).GetCurrentHistoryLength() == c.began
}

func (c *chain) tell(ctx workflow.Context, t alert.DeliveryRequest) workflow.Future {
	return workflow.ExecuteActivity(deliveryOptions(ctx, t, c.expiry.Sub(workflow.Now(ctx))), deliveries.Tell, t)
}

// goOn goes on with a delivery after TellNow, whose result it is given.
func (c *chain) goOn(ctx workflow.Context, t alert.DeliveryRequest, d *alert.Delivery, made alert.Delivery, err error) (alert.Delivery, error) {
	if err == nil && made.State == alert.Delivered || isType(err, activities.DeliveryRefused) {
		return made, err
	}
	if err != nil {
		if t.Made = attemptsOf(err); t.Made == nil {
			t.Made = lost(ctx)
		}
		d.Attempts = t.Made
		pause := pauseAfter(err)
		if workflow.Now(ctx).Add(pause).After(c.expiry) {
			return made, err
		}
		d.NextTry = new(workflow.Now(ctx).Add(pause))
		c.note(ctx)
		err := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: deliverySummary(t)}).Get(ctx, nil)
		if d.NextTry = nil; err != nil {
			return made, err
		}
	}
	made = alert.Delivery{State: alert.Delivered}
	err = c.tell(ctx, t).Get(ctx, &made)
	return made, err
}

// lost returns a first attempt whose result never came.
func lost(ctx workflow.Context) []alert.Attempt {
	return []alert.Attempt{activities.Unknown(alert.Attempt{Number: 1, At: workflow.Now(ctx)})}
}

// pauseAfter returns how long after a failed first attempt the next one is made.
func pauseAfter(err error) time.Duration {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return cmp.Or(failure.NextRetryDelay(), firstPause)
	}
	return firstPause
}

// acknowledged waits for an acknowledgement until the step's time is over, or the step can no longer reach any target. It
// reports whether one came.
func (c *chain) acknowledged(ctx workflow.Context, step alert.StepLog) bool {
	heard := func() bool { return c.alertRun.log.Acknowledgement != nil }
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      step.AskedUntil.Sub(workflow.Now(ctx)),
		TimerOptions: workflow.TimerOptions{Summary: line("until " + step.Receiver + " acknowledges")},
	}, func() bool { return heard() || allLost(step.Deliveries) })
	return err == nil && heard()
}

func (c *chain) expired(ctx workflow.Context) bool {
	return !workflow.Now(ctx).Before(c.expiry)
}

// allLost reports whether no delivery has succeeded and none can any more.
func allLost(deliveries []alert.Delivery) bool {
	for _, d := range deliveries {
		if d.State == alert.Pending || d.State == alert.Delivered {
			return false
		}
	}
	return true
}

func deliverySummary(t alert.DeliveryRequest) string {
	summary := "deliver to " + string(t.Target)
	if t.Step > 0 {
		summary += fmt.Sprintf(", step %d", t.Step+1)
	}
	return line(summary)
}

// acknowledge records an acknowledgement of the whole alert. The first one counts, and is the answer to all later ones.
func (a *alertRun) acknowledge(ctx workflow.Context, by alert.Acknowledgement) (alert.Acknowledgement, error) {
	if a.log.Acknowledgement == nil {
		by.At = workflow.Now(ctx)
		a.log.Acknowledgement = &by
		a.note(ctx)
	}
	return *a.log.Acknowledgement, nil
}

// acknowledgeable refuses an acknowledgement that could not change anything, without a trace in the history.
func (a *alertRun) acknowledgeable(by alert.Acknowledgement) error {
	if err := by.Check(); err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), RequestInvalid, nil)
	}
	if a.log.Acknowledgement != nil {
		return nil
	}
	asked := false
	for _, c := range a.chains {
		if c.asking {
			return nil
		}
		asked = asked || c.asks() && c.log.Collected == nil
	}
	if asked {
		return acknowledgementClosed("the alert was not acknowledged in time, and its escalation has ended")
	}
	return acknowledgementClosed("the alert does not ask to be acknowledged")
}

func acknowledgementClosed(why string) error {
	return temporal.NewNonRetryableApplicationError(why, AcknowledgementClosed, nil)
}

// Opened returns the log as it is before anything was done.
func (d DeliverAlertInput) Opened(taken time.Time) alert.Log {
	notice, event := d.notice(), d.Event
	log := alert.Log{
		ID: notice.ID, Merchants: notice.Merchants(), Type: event.Type, OrderID: event.Data.OrderID, TransactionID: event.Data.TransactionID,
		Time: event.Time, TakenAt: taken, ExpiresAt: d.expiry(), Chains: make([]alert.ChainLog, len(d.Assignments)),
		Digest: d.Digest, Alarm: event.Data.Alarm,
	}
	if notice.FollowUp {
		log.ID, log.EventID = d.DigestID, event.ID
	}
	for i, assignment := range d.Assignments {
		log.Chains[i] = alert.ChainLog{
			Receiver: assignment.Receiver, Route: assignment.Route, Muted: assignment.Muted, Steps: []alert.StepLog{},
		}
	}
	return log
}

func pending(targets []alert.Target) []alert.Delivery {
	deliveries := make([]alert.Delivery, len(targets))
	for i, target := range targets {
		deliveries[i] = alert.Delivery{Target: target, State: alert.Pending, Attempts: []alert.Attempt{}}
	}
	return deliveries
}

// conclude records how a delivery ended. A cancelled delivery has not ended.
func (a *alertRun) conclude(ctx workflow.Context, d *alert.Delivery, made alert.Delivery, err error) {
	switch {
	case temporal.IsCanceledError(err):
		return
	case isType(err, activities.DeliveryRefused):
		made = alert.Delivery{State: alert.Refused, Attempts: attemptsOf(err)}
	case err != nil:
		made = alert.Delivery{State: alert.Expired, Attempts: attemptsOf(err)}
	}
	if err != nil {
		a.cause = err
	}
	if made.At == nil {
		made.At = new(workflow.Now(ctx))
	}
	a.measureDelivered(ctx, made.State)
	d.State, d.At = made.State, made.At
	if made.Attempts != nil {
		d.Attempts = made.Attempts
	}
}

// attemptsOf returns the attempts that a failed activity has left: in the details of its last failure or, if it ended
// without one, in those of its last heartbeat.
func attemptsOf(err error) []alert.Attempt {
	var attempts []alert.Attempt
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok && timeout.LastHeartbeatDetails(&attempts) == nil {
		return attempts
	}
	var made alert.Delivery
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.Details(&made) == nil {
		return made.Attempts
	}
	return nil
}

// undelivered returns the targets that the alert did not reach, and will not reach.
func (a *alertRun) undelivered() []string {
	var targets []string
	for _, c := range a.log.Chains {
		for _, step := range c.Steps {
			for _, d := range step.Deliveries {
				if d.State == alert.Refused || d.State == alert.Expired {
					targets = append(targets, string(d.Target))
				}
			}
		}
	}
	return targets
}

// unacknowledged returns the receiver of the last step begun, for each chain in which the alert was not acknowledged.
func (a *alertRun) unacknowledged() []string {
	var receivers []string
	for _, c := range a.log.Chains {
		if c.Unacknowledged {
			receivers = append(receivers, c.Steps[len(c.Steps)-1].Receiver)
		}
	}
	return receivers
}

// note shows the log in the Web UI. It costs no history event.
func (a *alertRun) note(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, a.details())
}

// details returns the log so far, in the Markdown that the Web UI renders.
func (a *alertRun) details() string {
	var story strings.Builder
	fmt.Fprintf(&story, "**%s**\n\n", AlertSummary(a.notice.Event))
	if d := a.notice.Digest; d != nil {
		fmt.Fprintf(&story, "Digest %d of %s: %d alerts, %s to %s\n\n", d.Number, unlinked.Replace(d.Group), len(d.Members), clock(d.Since), clock(d.Until))
	}
	if by := a.log.Acknowledgement; by != nil {
		fmt.Fprintf(&story, "Acknowledged by **%s** at %s\n\n", unlinked.Replace(by.By), clock(by.At))
	}
	for _, c := range a.log.Chains {
		writeChain(&story, c)
	}
	return story.String()
}

func writeChain(story *strings.Builder, c alert.ChainLog) {
	fmt.Fprintf(story, "**%s** (route %s)\n\n", c.Receiver, c.Route)
	switch {
	case c.Muted != "":
		fmt.Fprintf(story, "Not sent: %s\n\n", c.Muted)
	case c.Collected != nil:
		fmt.Fprintf(story, "Comes in a digest of `%s`%s\n\n", c.Collected.WorkflowID, by(c.Collected.Holding))
	case c.Holding != nil:
		fmt.Fprintf(story, "The throttle is used up: later alerts come in a digest%s\n\n", by(c.Holding))
	}
	for i, step := range c.Steps {
		fmt.Fprintf(story, "%d. %s, at %s", i+1, step.Receiver, clock(step.At))
		if step.AskedUntil != nil {
			fmt.Fprintf(story, ", to be acknowledged by %s", clock(*step.AskedUntil))
		}
		story.WriteString("\n")
		for _, d := range step.Deliveries {
			fmt.Fprintf(story, "   - %s: %s", d.Target, d.State)
			if d.At != nil {
				fmt.Fprintf(story, " at %s", clock(*d.At))
			}
			story.WriteString("\n")
		}
	}
	if c.Unacknowledged {
		story.WriteString("\nNot acknowledged in time\n")
	}
	story.WriteString("\n")
}

// by says by when the held-back alerts come at the latest, or returns "" if a throttle holds back none.
func by(holding *alert.Holding) string {
	if holding == nil {
		return ""
	}
	return " by " + clock(holding.Until)
}

func clock(t time.Time) string {
	return t.UTC().Format(time.RFC3339)
}
