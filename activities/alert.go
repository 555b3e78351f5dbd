package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
	"dummyorders/internal/telemetry"
)

// Alerts publishes alerts to the broker.
type Alerts struct {
	Publisher alert.Publisher
	Lasting   Lasting
}

// PublishAlert returns once the event is in a queue. A retry publishes the same event under the same id, by which alertman
// recognizes it. It fails with AlertUnpublishable, which is final, if the event has no valid form.
func (a *Alerts) PublishAlert(ctx context.Context, event alert.Event) error {
	defer a.Lasting.begin(ctx)()
	defer telemetry.AlertsUnconfirmed.Enter(ctx)()
	begun, result := time.Now(), "confirmed"
	err := a.Publisher.Publish(ctx, event)
	if err != nil {
		result = "failed"
	}
	telemetry.AlertPublishDuration.Record(ctx, time.Since(begun))
	telemetry.AlertsPublished.Inc(ctx, string(event.Type), result)
	return forTemporal(err)
}

// Groups puts alerts into groups, and asks throttles.
type Groups struct {
	Store alert.GroupStore
}

// Gather puts a notice into its group. A retry gets the same answer.
func (a *Groups) Gather(ctx context.Context, g alert.GroupRequest) (alert.Place, error) {
	return a.Store.Gather(ctx, g)
}

// Admit asks the receiver's throttle. A retry gets the same answer.
func (a *Groups) Admit(ctx context.Context, g alert.GroupRequest) (alert.Place, error) {
	return a.Store.Admit(ctx, g)
}

// Recall returns an event that was taken before.
func (a *Groups) Recall(ctx context.Context, eventID string) (alert.Event, error) {
	return a.Store.Recall(ctx, eventID)
}

// Told returns the ids of the events in a digest that was begun before.
func (a *Groups) Told(ctx context.Context, digestID string) ([]string, error) {
	return a.Store.Told(ctx, digestID)
}

// Deliveries delivers notices to their targets. The key of a channel is the name that its targets begin with.
type Deliveries struct {
	Channels map[string]alert.Channel
	Writer   alert.Writer
	// MostNow is how many messages are sent at once on a channel within workflow tasks, which wait for them.
	MostNow int

	prompt prompt
}

// Tell makes a delivery. It fails with DeliveryRefused, whose details are an alert.Delivery, if the other side refuses for good.
// Any other failure is retried, even for a channel that this worker does not have: another worker may have it, or it may be
// configured again.
func (a *Deliveries) Tell(ctx context.Context, t alert.DeliveryRequest) (alert.Delivery, error) {
	now := attempt(ctx, t)
	before := attemptsBefore(ctx, t, now)
	stop := keepBeating(ctx, before.with(Unknown(now)))
	answer, err := a.deliver(ctx, t)
	stop()
	a.prompt.note(t.Target, err == nil && time.Since(now.At) < promptly)
	countDelivery(ctx, t.Target, err)
	if err != nil {
		now.Answer = brief(err.Error())
		made := before.with(now)
		made.keep(ctx)
		return alert.Delivery{}, made.failure(ctx, fmt.Errorf("deliver alert %s to %s: %w", t.Notice.ID, t.Target, err))
	}
	now.Answer = brief(answer)
	return alert.Delivery{State: alert.Delivered, At: new(time.Now().UTC()), Attempts: before.with(now)}, nil
}

// TellWithin bounds TellNow. A workflow task, which TellNow holds up, has ten seconds.
const TellWithin = 3 * time.Second

// TellNow makes the first attempt of a delivery as a local activity. It makes none, and returns a pending delivery without
// attempts, unless the target answered promptly the last time: a message that is cut off may have been taken, and is sent
// again. It fails as Tell does, always with an alert.Delivery as its details.
func (a *Deliveries) TellNow(ctx context.Context, t alert.DeliveryRequest) (alert.Delivery, error) {
	leave, may := a.prompt.enter(t.Target, a.MostNow)
	if !may {
		return alert.Delivery{State: alert.Pending}, nil
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, TellWithin)
	defer cancel()
	return a.Tell(ctx, t)
}

// countDelivery counts an attempt. The name of a channel comes from a history, and may be one that this code does not know.
func countDelivery(ctx context.Context, target alert.Target, err error) {
	channel, _ := target.Split()
	if !slices.Contains(alert.Channels, channel) {
		channel = "other"
	}
	result := "ok"
	switch {
	case alert.IsRefused(err):
		result = "refused"
	case err != nil:
		result = "failed"
	}
	telemetry.Deliveries.Inc(ctx, channel, result)
}

func (a *Deliveries) deliver(ctx context.Context, t alert.DeliveryRequest) (answer string, err error) {
	name, address := t.Target.Split()
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("channel", name))
	channel, known := a.Channels[name]
	if !known {
		return "", fmt.Errorf("no channel %q is configured here", name)
	}
	message, err := a.Writer.Write(t)
	if err != nil {
		return "", fmt.Errorf("write the message: %w", err)
	}
	message.Key = t.Key()
	return channel.Deliver(ctx, address, message)
}

// beats is how many heartbeats a delivery sends within the heartbeat timeout.
const beats = 3

// keepBeating sends heartbeats to Temporal until the function that it returns is called. Each heartbeat carries the
// attempts: one without them would erase those that were kept.
func keepBeating(ctx context.Context, made attempts) (stop func()) {
	silence := activity.GetInfo(ctx).HeartbeatTimeout
	if silence <= 0 {
		return func() {} // without a timeout Temporal expects no heartbeats
	}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(silence / beats)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, made)
			}
		}
	}()
	return func() {
		cancel()
		<-over
	}
}

// LongestPause is the longest pause between two attempts of a delivery, unless the other side asks for a longer one.
const LongestPause = 5 * time.Minute

// attempts lists the attempts of one delivery. They are passed from try to try, and from worker to worker, in the activity's
// heartbeat details. If there are many, only the first and the last are kept: they have to fit into a failure, and into
// every heartbeat.
type attempts []alert.Attempt

const (
	firstAttempts = 3
	lastAttempts  = 17
)

// maxAnswer bounds the characters of an answer that are kept.
const maxAnswer = 300

// attemptsBefore returns the attempts before the next one. An attempt that left nothing, because its process ended before the
// first heartbeat, is listed as unknown, with the time at which that was found.
func attemptsBefore(ctx context.Context, t alert.DeliveryRequest, next alert.Attempt) attempts {
	kept := attempts(t.Made)
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &kept); err != nil {
			activity.GetLogger(ctx).Warn("Earlier attempts of the delivery cannot be read", "error", err)
		}
	}
	known := 0
	if len(kept) > 0 {
		known = kept[len(kept)-1].Number
	}
	for number := known + 1; number < next.Number; number++ {
		kept = kept.with(Unknown(alert.Attempt{Number: number, At: next.At}))
	}
	return kept
}

// attempt returns the attempt that begins now.
func attempt(ctx context.Context, t alert.DeliveryRequest) alert.Attempt {
	return alert.Attempt{Number: len(t.Made) + int(activity.GetInfo(ctx).Attempt), At: time.Now().UTC()}
}

// Unknown returns the attempt as it is to be reported if its result never comes.
func Unknown(a alert.Attempt) alert.Attempt {
	a.Unknown, a.Answer = true, "unknown: alertman ended during it"
	return a
}

// with returns the attempts with one more, and leaves other lists unchanged.
func (a attempts) with(next alert.Attempt) attempts {
	a = append(slices.Clone(a), next)
	if len(a) > firstAttempts+lastAttempts {
		a = slices.Delete(a, firstAttempts, firstAttempts+1)
	}
	return a
}

// keep passes the attempts to the next try, even when ctx has ended, as it has when a worker stops.
func (a attempts) keep(ctx context.Context) {
	activity.RecordHeartbeat(context.WithoutCancel(ctx), a)
}

// failure returns an error that says whether and when to try again. If this may be the last attempt, the error's details
// hold the attempts: the server gives up without another call if the next try would come too late. Otherwise they are left
// out, because the server truncates what it keeps of a failure that is retried.
func (a attempts) failure(ctx context.Context, err error) error {
	kind, options := DeliveryFailed, temporal.ApplicationErrorOptions{NextRetryDelay: alert.Later(err)}
	failed := alert.Delivery{State: alert.Pending, At: new(time.Now().UTC()), Attempts: a}
	if alert.IsRefused(err) {
		kind, failed.State, options.NonRetryable = DeliveryRefused, alert.Refused, true
	}
	if options.NonRetryable || timeLeft(ctx) <= max(LongestPause, options.NextRetryDelay) {
		options.Details = []any{failed}
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, options)
}

// timeLeft returns how much longer the activity is tried, over all its attempts.
func timeLeft(ctx context.Context) time.Duration {
	info := activity.GetInfo(ctx)
	return time.Until(info.ScheduledTime.Add(info.ScheduleToCloseTimeout))
}

// brief returns an answer in the form in which it is kept: a short, safe line, whatever the other side put into it.
func brief(answer string) string {
	return safetext.Cut(safetext.Line(answer), maxAnswer, "…")
}
