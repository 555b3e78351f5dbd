package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

const (
	ada   alert.Target = "mail ada@example.com"
	grace alert.Target = "mail grace@example.com"
)

// delivery is a DeliverAlert under test. Its targets answer as the test configures.
type delivery struct {
	*testsuite.TestWorkflowEnvironment

	t     testing.TB
	start time.Time
	event alert.Event
	group *place
	tells []string // the names of the activities that made an attempt

	deliveries *activities.Deliveries

	mu      sync.Mutex                      // deliveries run beside each other
	answers map[alert.Target][]error        // one for each attempt; after them, messages are taken
	told    map[alert.Target]time.Duration  // when each target took a message, after the start
	notices map[alert.Target][]alert.Notice // in the order of the attempts
}

func newDelivery(t testing.TB) *delivery {
	t.Helper()
	d := &delivery{
		TestWorkflowEnvironment: newEnvironment(), t: t, group: &place{},
		answers: map[alert.Target][]error{}, told: map[alert.Target]time.Duration{}, notices: map[alert.Target][]alert.Notice{},
	}
	d.start = d.Now()
	d.event = alert.Sample(alert.FraudDetected, "event-1", d.start)
	d.RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
	d.deliveries = &activities.Deliveries{Channels: map[string]alert.Channel{"mail": d}, Writer: d, MostNow: 10}
	d.RegisterActivity(d.deliveries)
	d.RegisterActivity(&activities.Groups{Store: d.group})
	return d
}

// Write returns a message without text.
func (*delivery) Write(t alert.DeliveryRequest) (alert.Message, error) {
	return alert.Message{Notice: t.Notice}, nil
}

// Deliver takes a message, or fails as the test configures.
func (d *delivery) Deliver(_ context.Context, to string, m alert.Message) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	target := alert.NewTarget("mail", to)
	d.notices[target] = append(d.notices[target], m.Notice)
	if planned := d.answers[target]; len(planned) > 0 {
		d.answers[target] = planned[1:]
		return "", planned[0]
	}
	_, before := d.told[target]
	assert.False(d.t, before, "%s was told twice", target)
	d.told[target] = d.Now().Sub(d.start)
	return "250 queued", nil
}

// prompt makes alertman know that a target answers at once.
func (d *delivery) prompt(target alert.Target) {
	d.t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(d.deliveries)
	_, err := env.ExecuteActivity(d.deliveries.Tell, alert.DeliveryRequest{Target: target})
	require.NoError(d.t, err)
	delete(d.told, target)
	delete(d.notices, target)
	d.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		d.tells = append(d.tells, info.ActivityType.Name)
	})
	d.SetOnLocalActivityStartedListener(func(info *activity.Info, _ context.Context, _ []any) {
		d.tells = append(d.tells, info.ActivityType.Name)
	})
}

// fails makes a target fail with err that many times.
func (d *delivery) fails(target alert.Target, err error, times int) {
	for range times {
		d.answers[target] = append(d.answers[target], err)
	}
}

func (d *delivery) execute(assignments ...alert.Assignment) alert.Log {
	d.t.Helper()
	d.ExecuteWorkflow(workflows.DeliverAlertType, workflows.DeliverAlertInput{Event: d.event, Assignments: assignments})
	return d.log()
}

func (d *delivery) log() alert.Log {
	d.t.Helper()
	require.True(d.t, d.IsWorkflowCompleted())
	value, err := d.QueryWorkflow(workflows.DeliveriesQuery)
	require.NoError(d.t, err)
	var log alert.Log
	require.NoError(d.t, value.Get(&log))
	return log
}

// failure returns the text of the error with which the workflow failed.
func (d *delivery) failure(kind string) string {
	d.t.Helper()
	var failure *temporal.ApplicationError
	require.ErrorAs(d.t, d.GetWorkflowError(), &failure)
	require.Equal(d.t, kind, failure.Type())
	return failure.Message()
}

// place is a group store that answers as the test configures.
type place struct {
	mu     sync.Mutex
	answer alert.Place
	errs   []error
	asked  []string
}

func (p *place) Gather(_ context.Context, g alert.GroupRequest) (alert.Place, error) {
	return p.ask("gather " + g.Notice.ID)
}

func (p *place) Admit(_ context.Context, g alert.GroupRequest) (alert.Place, error) {
	return p.ask("admit " + g.Notice.ID)
}

func (p *place) Recall(_ context.Context, eventID string) (alert.Event, error) {
	_, err := p.ask("recall " + eventID)
	return alert.Sample(alert.ReviewRequested, eventID, time.Now()), err
}

func (p *place) Told(_ context.Context, digestID string) ([]string, error) {
	_, err := p.ask("told " + digestID)
	return []string{"b"}, err
}

func (p *place) ask(what string) (alert.Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
	if len(p.errs) > 0 {
		err := p.errs[0]
		p.errs = p.errs[1:]
		return alert.Place{}, err
	}
	return p.answer, nil
}

var (
	errRefused = &alert.RefusedError{By: "mail.example.com", Cause: errors.New("550 no such mailbox")}
	errAway    = errors.New("connection refused")
)

// toTell returns an assignment to a receiver that need not acknowledge.
func toTell(targets ...alert.Target) alert.Assignment {
	return alert.Assignment{Receiver: "fraud-team", Route: "all", Steps: []alert.Step{{Receiver: "fraud-team", Targets: targets}}}
}

// A target that is down does not delay others, and no target gets the alert twice.
func TestDeliverOneTargetDown(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, errAway, tooOften-1)
	log := d.execute(toTell(ada, grace))
	require.NoError(t, d.GetWorkflowError())
	require.Contains(t, d.told, grace)
	require.Zero(t, d.told[grace])
	require.Greater(t, d.told[ada], 5*time.Minute)
	deliveries := log.Chains[0].Steps[0].Deliveries
	require.Equal(t, alert.Delivered, deliveries[0].State)
	require.Len(t, deliveries[0].Attempts, tooOften)
	for i, attempt := range deliveries[0].Attempts[:tooOften-1] {
		require.Equal(t, i+1, attempt.Number)
		require.Equal(t, "connection refused", attempt.Answer)
	}
	require.Equal(t, "250 queued", deliveries[0].Attempts[tooOften-1].Answer)
	require.Len(t, deliveries[1].Attempts, 1)
}

// A refused target fails the workflow once the others got the alert.
func TestDeliverRefused(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, errRefused, 1)
	d.fails(grace, errAway, 3)
	log := d.execute(toTell(ada, grace))
	failure := d.failure(workflows.NotDelivered)
	require.Contains(t, failure, string(ada))
	require.NotContains(t, failure, string(grace))
	require.Contains(t, d.told, grace)
	require.Len(t, d.notices[ada], 1, "a final no was asked again")
	deliveries := log.Chains[0].Steps[0].Deliveries
	require.Equal(t, alert.Refused, deliveries[0].State)
	require.Equal(t, "refused by mail.example.com: 550 no such mailbox", deliveries[0].Attempts[0].Answer)
	require.NotNil(t, deliveries[0].At)
	require.Equal(t, alert.Delivered, deliveries[1].State)
}

// A target that cannot be reached in time is expired, and the log has what was tried.
func TestDeliverExpires(t *testing.T) {
	d := newDelivery(t)
	expires := d.start.Add(10 * time.Second)
	d.event.Data.ExpiresAt = &expires
	d.fails(ada, errAway, tooOften)
	log := d.execute(toTell(ada, grace))
	require.Contains(t, d.failure(workflows.NotDelivered), string(ada))
	expired := log.Chains[0].Steps[0].Deliveries[0]
	require.Equal(t, alert.Expired, expired.State)
	require.Len(t, expired.Attempts, 4, "at 0, 1, 3 and 7 seconds")
	require.Equal(t, "connection refused", expired.Attempts[3].Answer)
}

// An alert that has already expired is not delivered.
func TestDeliverAlreadyExpired(t *testing.T) {
	d := newDelivery(t)
	d.event.Time = d.start.Add(-72 * time.Hour)
	assignment := escalating()
	assignment.Group = &alert.Grouping{Key: "k", Window: time.Minute}
	log := d.execute(assignment)
	require.Contains(t, d.failure(workflows.NotAcknowledged), "not delivered to mail ada@example.com")
	require.Empty(t, d.notices)
	require.Empty(t, d.group.asked)
	require.Len(t, log.Chains[0].Steps, 1)
	require.Equal(t, alert.Expired, log.Chains[0].Steps[0].Deliveries[0].State)
}

// A target is not asked again before it wishes to be.
func TestDeliverRetryAfter(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, &alert.LaterError{By: "chat", After: 17 * time.Minute, Cause: errors.New("429")}, 1)
	d.execute(toTell(ada))
	require.NoError(t, d.GetWorkflowError())
	require.Equal(t, 17*time.Minute, d.told[ada].Round(time.Minute))
}

// The first attempt at a target that answers at once is made within the workflow's first task. Those after it are as they
// always are.
func TestDeliverNow(t *testing.T) {
	later := &alert.LaterError{By: "chat", After: 17 * time.Minute, Cause: errors.New("429")}
	for name, c := range map[string]struct {
		fails    []error
		repeated bool // the first task
		expires  time.Duration
		tells    []string
		state    alert.State
		answers  []string
		after    time.Duration
	}{
		"taken":                  {tells: []string{"TellNow"}, state: alert.Delivered, answers: []string{"250 queued"}},
		"refused":                {fails: []error{errRefused}, tells: []string{"TellNow"}, state: alert.Refused, answers: []string{errRefused.Error()}},
		"away":                   {fails: []error{errAway}, tells: []string{"TellNow", "Tell"}, state: alert.Delivered, answers: []string{errAway.Error(), "250 queued"}, after: time.Second},
		"away twice":             {fails: []error{errAway, errAway}, tells: []string{"TellNow", "Tell", "Tell"}, state: alert.Delivered, answers: []string{errAway.Error(), errAway.Error(), "250 queued"}, after: 3 * time.Second},
		"to be asked later":      {fails: []error{later}, tells: []string{"TellNow", "Tell"}, state: alert.Delivered, answers: []string{later.Error(), "250 queued"}, after: 17 * time.Minute},
		"later than it is worth": {fails: []error{later}, expires: time.Minute, tells: []string{"TellNow"}, state: alert.Expired, answers: []string{later.Error()}},
		"repeated task":          {repeated: true, tells: []string{"Tell"}, state: alert.Delivered, answers: []string{"unknown: alertman ended during it", "250 queued"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDelivery(t)
			d.prompt(ada)
			d.answers[ada] = c.fails
			if c.repeated {
				d.SetCurrentHistoryLength(6)
			}
			if c.expires > 0 {
				d.event.Data.ExpiresAt = new(d.start.Add(c.expires))
			}
			made := d.execute(toTell(ada)).Chains[0].Steps[0].Deliveries[0]
			require.Equal(t, c.tells, d.tells)
			require.Equal(t, c.state, made.State)
			require.Nil(t, made.NextTry)
			require.Len(t, made.Attempts, len(c.answers))
			for i, attempt := range made.Attempts {
				require.Equal(t, i+1, attempt.Number)
				require.Equal(t, c.answers[i], attempt.Answer)
			}
			require.Equal(t, c.after, d.told[ada].Truncate(time.Second))
		})
	}
}

// Between two attempts the log has the first one, and when the next one is made.
func TestDeliverNowWaits(t *testing.T) {
	d := newDelivery(t)
	d.prompt(ada)
	d.fails(ada, &alert.LaterError{By: "chat", After: time.Hour, Cause: errors.New("429")}, 1)
	var waiting alert.Delivery
	d.RegisterDelayedCallback(func() {
		value, err := d.QueryWorkflow(workflows.DeliveriesQuery)
		require.NoError(t, err)
		var log alert.Log
		require.NoError(t, value.Get(&log))
		waiting = log.Chains[0].Steps[0].Deliveries[0]
	}, time.Minute)
	d.execute(toTell(ada))
	require.Equal(t, alert.Pending, waiting.State)
	require.Len(t, waiting.Attempts, 1)
	require.WithinDuration(t, d.start.Add(time.Hour), *waiting.NextTry, time.Minute)
}

// An alert that is cancelled between two attempts keeps the first one, and has no next one.
func TestDeliverNowCancelled(t *testing.T) {
	d := newDelivery(t)
	d.prompt(ada)
	d.fails(ada, &alert.LaterError{By: "chat", After: time.Hour, Cause: errors.New("429")}, 1)
	d.RegisterDelayedCallback(d.CancelWorkflow, time.Minute)
	left := d.execute(toTell(ada)).Chains[0].Steps[0].Deliveries[0]
	require.ErrorAs(t, d.GetWorkflowError(), new(*temporal.CanceledError))
	require.Equal(t, alert.Pending, left.State)
	require.Len(t, left.Attempts, 1)
	require.Nil(t, left.NextTry)
}

// What waited for a throttle was not sent by the first workflow task, even if that was repeated.
func TestDeliverThrottledAfterRepeat(t *testing.T) {
	d := newDelivery(t)
	d.group.answer = alert.Place{Now: true}
	d.SetCurrentHistoryLength(6)
	d.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == "Admit" {
			d.SetCurrentHistoryLength(12)
		}
	})
	throttled := toTell(ada)
	throttled.Throttle = &alert.Throttle{Most: 1, Per: time.Minute}
	made := d.execute(throttled).Chains[0].Steps[0].Deliveries[0]
	require.Equal(t, alert.Delivered, made.State)
	require.Len(t, made.Attempts, 1)
	require.Equal(t, 1, made.Attempts[0].Number)
}

// A muted alert is not delivered, and the log says why.
func TestDeliverMuted(t *testing.T) {
	d := newDelivery(t)
	muted := escalating()
	muted.Muted = "muted by load-test until noon"
	log := d.execute(muted)
	require.NoError(t, d.GetWorkflowError())
	require.Empty(t, d.notices)
	require.Equal(t, "muted by load-test until noon", log.Chains[0].Muted)
}

// The log says what the alert is.
func TestDeliverLog(t *testing.T) {
	d := newDelivery(t)
	log := d.execute(toTell(ada))
	require.Equal(t, "event-1", log.ID)
	require.Equal(t, alert.FraudDetected, log.Type)
	require.Equal(t, d.event.Data.TransactionID, log.TransactionID)
	require.Equal(t, "1234", log.OrderID)
	require.True(t, log.ExpiresAt.Equal(d.event.Expiry()))
	require.Equal(t, "all", log.Chains[0].Route)
	require.Nil(t, log.Chains[0].Steps[0].AskedUntil)
	require.Nil(t, d.notices[ada][0].Ask)
}

// A digest is delivered under its own id until its last alert expires.
func TestDeliverDigest(t *testing.T) {
	d := newDelivery(t)
	early, late := d.event.Member(), d.event.Member()
	late.Expiry = early.Expiry.Add(time.Hour)
	d.ExecuteWorkflow(workflows.DeliverAlertType, workflows.DeliverAlertInput{
		Event: d.event, DigestID: "digest-1", Digest: &alert.Digest{Number: 1, Members: []alert.Member{late, early}},
		Assignments: []alert.Assignment{toTell(ada)},
	})
	log := d.log()
	require.Equal(t, "digest-1", log.ID)
	require.Len(t, log.Digest.Members, 2)
	require.True(t, log.ExpiresAt.Equal(late.Expiry))
	require.Equal(t, "digest-1", d.notices[ada][0].ID)
	require.Len(t, d.notices[ada][0].Digest.Members, 2)
}

// An alert that its group collects is delivered only in a digest.
func TestDeliverCollected(t *testing.T) {
	d := newDelivery(t)
	d.group.answer = alert.Place{WorkflowID: "alert-group-1", RunID: "run"}
	grouped := toTell(ada)
	grouped.Group = &alert.Grouping{Key: "k", Window: time.Minute}
	other := alert.Assignment{Receiver: "on-call", Steps: []alert.Step{{Receiver: "on-call", Targets: []alert.Target{grace}}}}
	log := d.execute(grouped, other)
	require.NoError(t, d.GetWorkflowError())
	require.Equal(t, "alert-group-1", log.Chains[0].Collected.WorkflowID)
	require.Empty(t, log.Chains[0].Steps)
	require.NotContains(t, d.told, ada)
	require.Contains(t, d.told, grace, "a group of one receiver is no other's")
}

// An alert that would expire before its digest is delivered at once.
func TestDeliverExpiresBeforeDigest(t *testing.T) {
	for name, c := range map[string]struct {
		window, per time.Duration
		asked       []string
	}{
		"both are short":      {time.Minute, time.Minute, []string{"gather event-1", "admit event-1"}},
		"a long window":       {time.Hour, time.Minute, []string{"admit event-1"}},
		"a throttle for long": {time.Minute, time.Hour, []string{"gather event-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDelivery(t)
			d.group.answer = alert.Place{Now: true}
			d.event.Time = d.start.Add(-70 * time.Hour) // two hours are left
			told := toTell(ada)
			told.Group, told.Throttle = &alert.Grouping{Key: "k", Window: c.window}, &alert.Throttle{Most: 1, Per: c.per}
			d.execute(told)
			require.NoError(t, d.GetWorkflowError())
			require.Equal(t, c.asked, d.group.asked)
			require.Contains(t, d.told, ada)
		})
	}
}

// The last alert that a throttle admits says so.
func TestDeliverLastOfThrottle(t *testing.T) {
	d := newDelivery(t)
	holding := &alert.Holding{Until: d.start.Add(time.Hour).UTC(), Waiting: 3}
	d.group.answer = alert.Place{Now: true, Holding: holding}
	throttled := toTell(ada)
	throttled.Throttle = &alert.Throttle{Most: 1, Per: time.Hour}
	log := d.execute(throttled)
	require.NoError(t, d.GetWorkflowError())
	require.Equal(t, holding, d.notices[ada][0].Holding)
	require.Equal(t, holding, log.Chains[0].Holding)
}

// An alert that waited alone is delivered as an alert.
func TestDeliverGroupOfOne(t *testing.T) {
	d := newDelivery(t)
	holding := &alert.Holding{Until: d.start.Add(time.Hour).UTC()}
	d.ExecuteWorkflow(workflows.DeliverAlertType, workflows.DeliverAlertInput{
		Event: d.event, DigestID: "digest-1", Holding: holding, Assignments: []alert.Assignment{toTell(ada)},
	})
	require.NoError(t, d.GetWorkflowError())
	log := d.log()
	require.Equal(t, "digest-1", log.ID)
	require.Equal(t, "event-1", log.EventID)
	require.Nil(t, log.Digest)
	require.Equal(t, alert.Notice{ID: "event-1", Event: d.notices[ada][0].Event, FollowUp: true, Holding: holding}, d.notices[ada][0])
	require.Equal(t, "event-1", d.notices[ada][0].Event.ID)
}

// The first of a group goes through the throttle.
func TestDeliverGroupThenThrottle(t *testing.T) {
	d := newDelivery(t)
	d.group.answer = alert.Place{Now: true}
	grouped := toTell(ada)
	grouped.Group, grouped.Throttle = &alert.Grouping{Key: "k", Window: time.Minute}, &alert.Throttle{Most: 1, Per: time.Hour}
	d.execute(grouped)
	require.Equal(t, []string{"gather event-1", "admit event-1"}, d.group.asked)
	require.Contains(t, d.told, ada)
}

// A group that is slow to answer is asked again.
func TestDeliverSlowGroup(t *testing.T) {
	d := newDelivery(t)
	d.group.errs, d.group.answer = []error{errAway, errAway, errAway}, alert.Place{WorkflowID: "alert-group-1"}
	grouped := toTell(ada)
	grouped.Group = &alert.Grouping{Key: "k", Window: time.Minute}
	d.execute(grouped)
	require.Len(t, d.group.asked, 4)
	require.Empty(t, d.told)
}

// An alert whose group is not reached is delivered by itself.
func TestDeliverWithoutGroup(t *testing.T) {
	d := newDelivery(t)
	for range 100 {
		d.group.errs = append(d.group.errs, errAway)
	}
	grouped := toTell(ada)
	grouped.Group = &alert.Grouping{Key: "k", Window: time.Minute}
	d.execute(grouped)
	require.NoError(t, d.GetWorkflowError())
	require.Contains(t, d.told, ada)
}

// A cancelled delivery goes to no further target.
func TestDeliverCancelled(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, errAway, tooOften)
	d.RegisterDelayedCallback(d.CancelWorkflow, 30*time.Second)
	log := d.execute(escalating())
	require.ErrorAs(t, d.GetWorkflowError(), new(*temporal.CanceledError))
	require.Len(t, log.Chains[0].Steps, 1)
	require.Equal(t, alert.Pending, log.Chains[0].Steps[0].Deliveries[0].State)
}

// An alert is found by its merchant, and a digest of several merchants by none of them.
func TestAlertAttributes(t *testing.T) {
	event := alert.Sample(alert.FraudDetected, "event-1", time.Now())
	of := func(d workflows.DeliverAlertInput) string {
		merchant, _ := d.SearchAttributes().GetKeyword(workflows.MerchantKey)
		return merchant
	}
	assert.Equal(t, "default", of(workflows.DeliverAlertInput{Event: event}))
	event.Data.Merchant = "acme"
	assert.Equal(t, "acme", of(workflows.DeliverAlertInput{Event: event}))
	digest := &alert.Digest{Members: []alert.Member{{Merchant: "acme"}}}
	assert.Equal(t, "acme", of(workflows.DeliverAlertInput{Event: event, Digest: digest}))
	digest.Members = append(digest.Members, alert.Member{Merchant: "beta"})
	assert.Empty(t, of(workflows.DeliverAlertInput{Event: event, Digest: digest}))
}
