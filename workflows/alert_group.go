package workflows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/internal/duration"
)

// AlertGroupInput is the input of AlertGroup, and what one run of it passes on to the next.
type AlertGroupInput struct {
	Event      alert.Event      `json:"event"` // the event it began with, which was delivered by itself
	Assignment alert.Assignment `json:"assignment"`
	Throttled  bool             `json:"throttled,omitempty"` // whether it is a receiver's throttle
	Digests    int              `json:"digests,omitempty"`   // how many were handed on so far
	Held       collection       `json:"held,omitzero"`
}

// NewGroup returns a group whose first notice is delivered by the caller that begins it.
func NewGroup(g alert.GroupRequest) AlertGroupInput {
	return AlertGroupInput{
		Event: g.Notice.Event, Assignment: Arriving(g).Assignment,
		Held: collection{Known: []knownNotice{{ID: g.Notice.ID, Now: true}}},
	}
}

// NewFollowers returns a group whose first notice was delivered when its window was opened.
func NewFollowers(g alert.GroupRequest, w alert.Window, first alert.Event) AlertGroupInput {
	return AlertGroupInput{
		Event: first, Assignment: Arriving(g).Assignment,
		Held: collection{Since: w.Since, Until: w.Until, Known: []knownNotice{{ID: w.First, Now: true}}},
	}
}

// NewThrottle returns a throttle that has not been asked yet.
func NewThrottle(g alert.GroupRequest) AlertGroupInput {
	return AlertGroupInput{Event: g.Notice.Event, Assignment: Arriving(g).Assignment, Throttled: true}
}

// GroupSummary returns the line that the Web UI shows with a group's workflow.
func GroupSummary(g AlertGroupInput) string {
	return line("for " + g.Assignment.Receiver + ": " + g.name())
}

// AlertGroup collects the alerts of a group that follow its first one, or those that a receiver's throttle holds back. It
// hands them on in digests, each to a DeliverAlert of its own. It ends after a span of silence. No alert is lost and none is
// in two digests: the workflow never ends, nor continues as a new run, with an alert that it has not taken in.
func AlertGroup(ctx workflow.Context, g AlertGroupInput) error {
	r := &groupRun{AlertGroupInput: g, began: workflow.Now(ctx), joining: workflow.GetSignalChannel(ctx, JoinSignal), handed: []alert.DigestLog{}}
	r.Held.recall()
	if r.Held.Until.IsZero() {
		r.Held.begin(workflow.Now(ctx), r.span())
	}
	if err := r.listen(ctx); err != nil {
		return err
	}
	for {
		r.await(ctx)
		if err := r.collect(ctx); err != nil {
			return err
		}
		switch cancelled := ctx.Err(); {
		case r.busy():
		case cancelled != nil && len(r.Held.Waiting) == 0:
			return cancelled
		case r.Held.over(workflow.Now(ctx)):
			return nil
		case cancelled == nil && workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return workflow.NewContinueAsNewError(ctx, AlertGroupType, r.AlertGroupInput)
		}
	}
}

// groupRun is one run of AlertGroup.
type groupRun struct {
	AlertGroupInput

	began   time.Time // the first workflow task of this run; after a reset to the beginning, the reset
	joining workflow.ReceiveChannel
	handed  []alert.DigestLog // the latest ones
	logged  int               // how many alerts are in them
}

func (r *groupRun) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, DigestsQuery, r.log,
		workflow.QueryHandlerOptions{Description: "The alerts that wait, and the digests that were started"})
	if err != nil || !r.Throttled {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AdmitUpdate, r.admit,
		workflow.UpdateHandlerOptions{Description: "Says whether a notice is delivered now or in a digest"})
}

// admit answers a throttle's AdmitUpdate. It finishes before any other code of the workflow runs, so that a run that ends
// has answered every caller it knows of.
func (r *groupRun) admit(ctx workflow.Context, a Arrival) (alert.Place, error) {
	r.Assignment = a.Assignment
	a.Urgent = a.Urgent && workflow.GetVersion(ctx, "urgent alerts pass", workflow.DefaultVersion, 1) >= 1
	run := workflow.GetInfo(ctx).WorkflowExecution
	most := r.most()
	if run.RunID != workflow.GetInfo(ctx).OriginalRunID && r.askedBefore(ctx, a) {
		most, a.Urgent = 0, false
	}
	now := r.Held.admit(workflow.Now(ctx), a, most, r.span())
	return alert.Place{Now: now, WorkflowID: run.ID, RunID: run.RunID, Holding: r.holding()}, nil
}

// askedBefore reports whether a question to a run that a reset began may have been answered by the run before. A reset asks every
// earlier question anew: a caller that was answered "the notice comes in a digest" would not learn of a new answer "deliver it now", and
// the notice would be lost.
func (r *groupRun) askedBefore(ctx workflow.Context, a Arrival) bool {
	return a.stale(workflow.Now(ctx)) || !a.AskedAt.IsZero() && !a.AskedAt.After(r.began) &&
		workflow.GetVersion(ctx, "answered before the reset", workflow.DefaultVersion, 1) >= 1
}

// holding describes what the throttle holds back. It returns nil while the throttle has room.
func (r *groupRun) holding() *alert.Holding {
	if !r.Throttled || r.Held.Told < r.most() {
		return nil
	}
	return &alert.Holding{Until: r.Held.Until, Waiting: r.Held.waiting()}
}

// await waits until the span ends, or until there is something to do before. Signals stay in their channel meanwhile,
// because looking at each one would cost a timer each time.
func (r *groupRun) await(ctx workflow.Context) {
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{ // the only error is the cancellation, which ctx has as well
		Timeout:      r.Held.Until.Sub(workflow.Now(ctx)),
		TimerOptions: workflow.TimerOptions{Summary: "until the next digest"},
	}, func() bool {
		return r.busy() || r.overfull() || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	})
}

// collect takes in the notices that came, and hands on the digests that are due. If the group is cancelled, everything that
// waits is due.
func (r *groupRun) collect(ctx workflow.Context) error {
	now := workflow.Now(ctx)
	r.takeIn(now)
	if r.Held.roll(now, r.span()); ctx.Err() != nil {
		r.Held.flush(now)
	}
	return r.handOn(ctx)
}

// overfull reports whether the notices that were signalled make a digest due before the span's end.
func (r *groupRun) overfull() bool {
	signalled := r.joining.Len()
	return signalled > 0 && signalled+len(r.Held.Waiting) >= room(r.Assignment)
}

// busy reports whether a digest is due.
func (r *groupRun) busy() bool {
	return len(r.Held.due) > 0
}

// takeIn collects the notices that were signalled.
func (r *groupRun) takeIn(now time.Time) {
	var a Arrival
	for r.joining.ReceiveAsync(&a) {
		r.Assignment = a.Assignment
		r.Held.collect(now, a)
		a = Arrival{}
	}
}

// handOn starts the digests that are due, and takes in the notices that come meanwhile.
func (r *groupRun) handOn(ctx workflow.Context) error {
	free := detached(ctx)
	for r.busy() {
		next := r.Held.due[0]
		r.Digests++
		id := digestID(workflow.GetInfo(ctx), r.Digests)
		if err := r.start(free, id, next); err != nil {
			return err
		}
		r.Held.due = r.Held.due[1:]
		r.noteDigest(alert.DigestLog{ID: id, At: workflow.Now(ctx), Events: ids(next.members)})
		r.takeIn(workflow.Now(ctx))
	}
	return nil
}

// start begins the delivery of a digest. If a digest with that id was begun before, as before a reset of this workflow, only
// the rest of the batch is delivered.
func (r *groupRun) start(ctx workflow.Context, id string, b batch) error {
	delivery := DeliverAlertInput{Event: r.Event, DigestID: id, Assignments: []alert.Assignment{r.toTell()}}
	if event, alone := r.alone(ctx, b); alone {
		delivery.Event = event
	} else {
		delivery.Digest = &alert.Digest{Number: r.Digests, Group: r.name(), Since: b.since, Until: b.until, Members: b.members}
	}
	delivery.Holding = r.holding()
	child := workflow.ExecuteChildWorkflow(digestOptions(ctx, id, delivery), DeliverAlertType, delivery)
	err := child.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return r.startRest(ctx, id, b)
	}
	return err
}

// startRest begins a digest of those alerts that are not in an earlier digest of the same number, begun before a reset of
// this workflow: after a reset all alerts that had come are signalled again at once, and are collected in other digests than
// before. If the earlier digest cannot be read, some alerts are delivered twice, and none is lost.
func (r *groupRun) startRest(ctx workflow.Context, id string, b batch) error {
	if workflow.GetVersion(ctx, "digests after a reset", workflow.DefaultVersion, 1) < 1 {
		return nil
	}
	var told []string
	err := workflow.ExecuteActivity(patientGather(ctx, "what was delivered before the reset"), groups.Told, id).Get(ctx, &told)
	if err != nil {
		workflow.GetLogger(ctx).Error("Reading an earlier digest failed; some alerts may be delivered twice", "digest", id, "error", err)
	}
	rest := slices.DeleteFunc(slices.Clone(b.members), func(m alert.Member) bool { return slices.Contains(told, m.EventID) })
	if len(rest) == 0 {
		return nil
	}
	b.members = rest
	name := []byte(id + "/" + strings.Join(ids(rest), "/"))
	id = uuid.NewSHA1(eventNamespace, name).String()
	r.noteDigest(alert.DigestLog{ID: id, At: workflow.Now(ctx), Events: ids(rest)})
	return r.start(ctx, id, b)
}

// alone returns the event of a batch of one, which is delivered as if it had never waited: a digest would say less about it.
// An event that cannot be found is delivered in a digest all the same.
func (r *groupRun) alone(ctx workflow.Context, b batch) (event alert.Event, found bool) {
	if len(b.members) != 1 || workflow.GetVersion(ctx, "one alert is no digest", workflow.DefaultVersion, 1) < 1 {
		return alert.Event{}, false
	}
	err := workflow.ExecuteLocalActivity(withinTask(ctx, 2*time.Second, "gather"), groups.Recall, b.members[0].EventID).Get(ctx, &event)
	return event, err == nil
}

// toTell returns the assignment for a digest: a group's digest goes through the receiver's throttle, and a throttle's digest
// goes through neither a group nor a throttle.
func (r *groupRun) toTell() alert.Assignment {
	a := r.Assignment
	a.Group = nil
	if r.Throttled {
		a.Throttle = nil
	}
	return a
}

// maxLogged is how many alerts' digests a run remembers for the query, whose answer has to fit into a payload.
const maxLogged = 20_000

func (r *groupRun) noteDigest(d alert.DigestLog) {
	r.handed = append(r.handed, d)
	for r.logged += len(d.Events); r.logged > maxLogged; r.handed = r.handed[1:] {
		r.logged -= len(r.handed[0].Events)
	}
}

func (r *groupRun) log() (alert.GroupLog, error) {
	log := alert.GroupLog{Name: r.name(), Waiting: r.Held.waiting() + r.joining.Len(), Digests: r.handed}
	if log.Waiting > 0 {
		log.Until = &r.Held.Until
	}
	return log, nil
}

// The methods below take their bounds from the newest assignment.

func (g AlertGroupInput) most() int {
	if g.Throttled {
		return g.Assignment.Throttle.Most
	}
	return 1
}

func (g AlertGroupInput) span() time.Duration {
	if g.Throttled {
		return g.Assignment.Throttle.Per
	}
	return g.Assignment.Group.Window
}

func (g AlertGroupInput) name() string {
	if g.Throttled {
		return fmt.Sprintf("what is more than %d in %s", g.Assignment.Throttle.Most, duration.Short(g.Assignment.Throttle.Per))
	}
	return g.Assignment.Group.Name
}

// digestID returns the id of a group's digest with that number. It stays the same over replays, resets and new runs.
func digestID(info *workflow.Info, number int) string {
	name := info.WorkflowExecution.ID + "/" + info.FirstRunID + "/" + strconv.Itoa(number)
	return uuid.NewSHA1(eventNamespace, []byte(name)).String()
}

func ids(members []alert.Member) []string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.EventID
	}
	return ids
}

const (
	// maxMembers is how many alerts a digest holds, so that it fits into a payload, and how many wait at most: a storm that
	// brings more causes an early digest.
	maxMembers = 1000
	// maxListed is how many alerts all messages about a digest list together. Each delivery carries the digest, all of them
	// begin in one answer to Temporal, and Temporal accepts no answer over 4 MiB. An alert has some 400 bytes, and up to 740
	// if JSON writes each of the 64 characters of its order's id as six.
	maxListed = 4000
	// maxKnown is how many notices a group remembers. A caller that asks again does so long before that many others have
	// come.
	maxKnown = 4000
)

// Arrival is a notice on its way into a group.
type Arrival struct {
	ID      string         `json:"id"`
	Members []alert.Member `json:"members"`
	Urgent  bool           `json:"urgent,omitempty"` // see alert.Notice.Urgent
	AskedAt time.Time      `json:"askedAt,omitzero"` // when a throttle was asked
	// Assignment names the receivers of the group's digests. A group that goes on for days uses the newest one.
	Assignment alert.Assignment `json:"assignment"`
}

// Arriving returns a notice in the form in which it comes to a group. A digest is not escalated: it asks for no
// acknowledgement.
func Arriving(g alert.GroupRequest) Arrival {
	a := Arrival{ID: g.Notice.ID, Members: g.Notice.Members(), Urgent: g.Notice.Urgent(), Assignment: g.Assignment}
	if len(a.Assignment.Steps) > 0 {
		first := a.Assignment.Steps[0]
		first.Within = 0
		a.Assignment.Steps = []alert.Step{first}
	}
	return a
}

// listens is the longest that a caller waits for a throttle's answer.
const listens = time.Minute

// stale reports whether the caller no longer waits for an answer.
func (a Arrival) stale(now time.Time) bool {
	return !a.AskedAt.IsZero() && now.Sub(a.AskedAt) > listens
}

// room returns how many alerts a digest holds: the more targets it has, the fewer.
func room(to alert.Assignment) int {
	targets := 1
	for _, step := range to.Steps {
		targets = max(targets, len(step.Targets))
	}
	return max(1, min(maxMembers, maxListed/targets))
}

// collection is the state of a group. It lets a number of notices through in a span of time, and collects the rest; a group
// lets its first alert through. The collected alerts are due at the span's end, and their digest is the first notice of the
// next span. A collection reads no clock: the caller passes the time.
type collection struct {
	Since   time.Time      `json:"since,omitzero"`   // when the waiting alerts began to be collected
	Until   time.Time      `json:"until,omitzero"`   // the span's end
	Told    int            `json:"told,omitempty"`   // notices let through in this span
	Urgent  int            `json:"urgent,omitempty"` // urgent ones among them
	Waiting []alert.Member `json:"waiting,omitempty"`
	Known   []knownNotice  `json:"known,omitempty"` // the latest answers

	answers map[string]bool // the same answers, by id
	due     []batch
}

// knownNotice is a notice that came, and whether it was let through.
type knownNotice struct {
	ID  string `json:"id"`
	Now bool   `json:"now,omitempty"`
}

// batch is the content of one digest.
type batch struct {
	since, until time.Time
	members      []alert.Member
}

// begin starts a span in which no notice was let through yet.
func (c *collection) begin(now time.Time, span time.Duration) {
	c.Since, c.Until, c.Told, c.Urgent = now, now.Add(span), 0, 0
}

// recall prepares a collection that came from an earlier run.
func (c *collection) recall() {
	c.answers = make(map[string]bool, len(c.Known))
	for _, k := range c.Known {
		c.answers[k.ID] = k.Now
	}
}

// admit reports whether a notice is delivered now, and collects it if not. Urgent notices have as many places again to
// themselves, which others, above all digests of them, cannot use up.
func (c *collection) admit(now time.Time, a Arrival, most int, span time.Duration) bool {
	if told, known := c.answers[a.ID]; known {
		return told
	}
	if c.roll(now, span); c.over(now) {
		c.begin(now, span)
	}
	if c.Told >= most && (!a.Urgent || c.Urgent >= most) {
		c.collect(now, a)
		return false
	}
	c.Told++
	if a.Urgent {
		c.Urgent++
	}
	c.remember(a.ID, true)
	return true
}

// collect makes a notice wait for the next digest. It ignores a notice that it already knows.
func (c *collection) collect(now time.Time, a Arrival) {
	if _, known := c.answers[a.ID]; known {
		return
	}
	c.remember(a.ID, false)
	c.Waiting = append(c.Waiting, a.Members...)
	for most := room(a.Assignment); len(c.Waiting) >= most; {
		c.due = append(c.due, batch{c.Since, now, c.Waiting[:most:most]})
		c.Waiting, c.Since = c.Waiting[most:], now
	}
}

// roll begins the next span once this one is over, if alerts wait. The first notice of the new span is the digest that is
// due then.
func (c *collection) roll(now time.Time, span time.Duration) {
	if now.Before(c.Until) || len(c.Waiting) == 0 {
		return
	}
	c.flush(now)
	c.begin(now, span)
	c.Told = 1
}

// flush makes the waiting alerts due.
func (c *collection) flush(now time.Time) {
	if len(c.Waiting) > 0 {
		c.due = append(c.due, batch{c.Since, now, c.Waiting})
		c.Waiting = nil
	}
}

// waiting returns how many alerts are not yet in a digest that was handed on.
func (c *collection) waiting() int {
	count := len(c.Waiting)
	for _, b := range c.due {
		count += len(b.members)
	}
	return count
}

// over reports whether the span has ended with no alert waiting.
func (c *collection) over(now time.Time) bool {
	return !now.Before(c.Until) && len(c.Waiting) == 0 && len(c.due) == 0
}

func (c *collection) remember(id string, now bool) {
	c.answers[id] = now
	c.Known = append(c.Known, knownNotice{id, now})
	if len(c.Known) > maxKnown {
		delete(c.answers, c.Known[0].ID)
		c.Known = c.Known[1:]
	}
}

// deliversHere reports whether this workflow delivers the alert; otherwise it comes in a digest, and the log says of which
// group. A group or throttle that cannot be reached for long holds up no alert: it is delivered by itself. So is an alert
// that would have expired by the time of its digest, or had less than half of its life left.
func (c *chain) deliversHere(ctx workflow.Context) bool {
	if c.expired(ctx) {
		return true // escalate records that it is too late
	}
	g := alert.GroupRequest{Notice: c.notice, Assignment: c.Assignment, Since: c.alertRun.log.TakenAt}
	if c.Group != nil && c.outlives(ctx, c.Group.Window) && !c.placed(ctx, g, gather) {
		return false
	}
	return c.Throttle == nil || !c.outlives(ctx, c.Throttle.Per) || c.placed(ctx, g, admit)
}

// outlives reports whether the alert has time to wait for the digest at a span's end.
func (c *chain) outlives(ctx workflow.Context, span time.Duration) bool {
	return c.expiry.Sub(workflow.Now(ctx)) > 2*span
}

// placed asks whether the notice is delivered now or in a digest, and reports whether it is now. A place in a digest goes
// into the log.
func (c *chain) placed(ctx workflow.Context, g alert.GroupRequest, ask func(workflow.Context, alert.GroupRequest) (alert.Place, error)) bool {
	place, err := ask(ctx, g)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		workflow.GetLogger(ctx).Error("No group was reached; the alert is delivered by itself", "alert", c.notice.ID, "receiver", c.Receiver, "error", err)
		return true
	case place.Now:
		c.hold(ctx, place.Holding)
		return true
	}
	c.log.Collected = &place
	return false
}

// hold records that the receiver's throttle holds back the alerts that follow, so that this notice can say so.
func (c *chain) hold(ctx workflow.Context, holding *alert.Holding) {
	if c.log.Holding = holding; holding == nil {
		return
	}
	workflow.GetLogger(ctx).Warn("A throttle is used up: later alerts come as one digest", "receiver", c.Receiver,
		"most", c.Throttle.Most, "per", c.Throttle.Per, "until", holding.Until, "waiting", holding.Waiting, "alert", c.notice.ID)
}

// gather costs one event in the history while Temporal is quick: most alerts of a storm need nothing else. Otherwise a
// regular activity takes over: the server retries it, which holds up no workflow task. Gathering a notice twice has the
// effect of gathering it once.
func gather(ctx workflow.Context, g alert.GroupRequest) (alert.Place, error) {
	var place alert.Place
	if workflow.ExecuteLocalActivity(withinTask(ctx, 2*time.Second, "gather"), groups.Gather, g).Get(ctx, &place) == nil {
		return place, nil
	}
	err := workflow.ExecuteActivity(patientGather(ctx, "gather for "+g.Assignment.Receiver), groups.Gather, g).Get(ctx, &place)
	return place, err
}

// admit may have to wait for its turn among many, so it is a regular activity at once.
func admit(ctx workflow.Context, g alert.GroupRequest) (alert.Place, error) {
	var place alert.Place
	err := workflow.ExecuteActivity(patientGather(ctx, "throttle of "+g.Assignment.Receiver), groups.Admit, g).Get(ctx, &place)
	return place, err
}
