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

// Group is what AlertGroup begins with, and what one run of it leaves to the next.
type Group struct {
	Event      alert.Event      `json:"event"` // that it began with, and that was told
	Assignment alert.Assignment `json:"assignment"`
	Throttled  bool             `json:"throttled,omitempty"` // it is a receiver's throttle
	Digests    int              `json:"digests,omitempty"`   // handed on so far
	Held       Collection       `json:"held,omitzero"`
}

// NewGroup is a group whose first notice is told by whoever begins it.
func NewGroup(g alert.Gathering) Group {
	return Group{
		Event: g.Notice.Event, Assignment: Arriving(g).Assignment,
		Held: Collection{Known: []Known{{ID: g.Notice.ID, Now: true}}},
	}
}

// NewThrottle is a throttle that nobody has asked yet.
func NewThrottle(g alert.Gathering) Group {
	return Group{Event: g.Notice.Event, Assignment: Arriving(g).Assignment, Throttled: true}
}

// GroupSummary is the line that the Web UI shows with it.
func GroupSummary(g Group) string {
	return line("for " + g.Assignment.Receiver + ": " + g.name())
}

// AlertGroup collects the alerts of a group that follow upon its first, or those that a receiver's throttle keeps back, and
// hands digests of them on, each to a DeliverAlert of its own. It ends after a span of silence. No alert is lost and none is
// in two digests: it never ends, nor goes on as a new run, with an alert that it has not taken in.
func AlertGroup(ctx workflow.Context, g Group) error {
	r := &gathering{Group: g, joining: workflow.GetSignalChannel(ctx, JoinSignal), handed: []alert.DigestLog{}}
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
			return workflow.NewContinueAsNewError(ctx, AlertGroupType, r.Group)
		}
	}
}

// gathering is one run of AlertGroup.
type gathering struct {
	Group

	joining workflow.ReceiveChannel
	handed  []alert.DigestLog // the last ones
	logged  int               // alerts in them
}

func (r *gathering) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, DigestsQuery, r.log,
		workflow.QueryHandlerOptions{Description: "What waits, and the digests that were handed on"})
	if err != nil || !r.Throttled {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AdmitUpdate, r.admit,
		workflow.UpdateHandlerOptions{Description: "Says whether a notice is told now; else it comes in a digest"})
}

// admit is over before anything else runs, so that a run that ends has answered everybody it knows of.
func (r *gathering) admit(ctx workflow.Context, a Arrival) (alert.Place, error) {
	r.Assignment = a.Assignment
	a.Urgent = a.Urgent && workflow.GetVersion(ctx, "urgent alerts pass", workflow.DefaultVersion, 1) >= 1
	run := workflow.GetInfo(ctx).WorkflowExecution
	most := r.most()
	if reset := run.RunID != workflow.GetInfo(ctx).OriginalRunID; reset && a.stale(workflow.Now(ctx)) {
		most, a.Urgent = 0, false
	}
	now := r.Held.admit(workflow.Now(ctx), a, most, r.span())
	return alert.Place{Now: now, WorkflowID: run.ID, RunID: run.RunID, Holding: r.holding()}, nil
}

// holding is nil while the throttle has room.
func (r *gathering) holding() *alert.Holding {
	if !r.Throttled || r.Held.Told < r.most() {
		return nil
	}
	return &alert.Holding{Until: r.Held.Until, Waiting: r.Held.waiting()}
}

// await ends with the span, or when there is something to do before. Signals stay in their channel meanwhile: to look at
// each would cost a timer each time.
func (r *gathering) await(ctx workflow.Context) {
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{ // its error is the cancellation, which ctx has as well
		Timeout:      r.Held.Until.Sub(workflow.Now(ctx)),
		TimerOptions: workflow.TimerOptions{Summary: "until the next digest"},
	}, func() bool {
		return r.busy() || r.overfull() || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	})
}

// collect takes in what came, and hands on what is due. Of a group that is cancelled that is all there is.
func (r *gathering) collect(ctx workflow.Context) error {
	now := workflow.Now(ctx)
	r.takeIn(now)
	if r.Held.roll(now, r.span()); ctx.Err() != nil {
		r.Held.flush(now)
	}
	return r.handOn(ctx)
}

// overfull says whether what has been signalled makes a digest due before the span's end.
func (r *gathering) overfull() bool {
	signalled := r.joining.Len()
	return signalled > 0 && signalled+len(r.Held.Waiting) >= room(r.Assignment)
}

// busy says whether a digest is due.
func (r *gathering) busy() bool {
	return len(r.Held.due) > 0
}

// takeIn collects what has been signalled.
func (r *gathering) takeIn(now time.Time) {
	var a Arrival
	for r.joining.ReceiveAsync(&a) {
		r.Assignment = a.Assignment
		r.Held.collect(now, a)
		a = Arrival{}
	}
}

// handOn starts the digests that are due, and takes in what comes meanwhile.
func (r *gathering) handOn(ctx workflow.Context) error {
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

// start begins the delivery of a digest. One that was begun before, as after a reset of this workflow, is.
func (r *gathering) start(ctx workflow.Context, id string, b batch) error {
	delivery := Delivery{Event: r.Event, DigestID: id, Assignments: []alert.Assignment{r.toTell()}}
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

// startRest begins a digest of what a digest of the same number, begun before a reset of this workflow, has not told: after it
// all that had come is signalled again at once, and is collected in other digests than before. Where the earlier one cannot
// be read, some is told twice, and none is lost.
func (r *gathering) startRest(ctx workflow.Context, id string, b batch) error {
	if workflow.GetVersion(ctx, "digests after a reset", workflow.DefaultVersion, 1) < 1 {
		return nil
	}
	var told []string
	err := workflow.ExecuteActivity(patientGather(ctx, "what was told before the reset"), groups.Told, id).Get(ctx, &told)
	if err != nil {
		workflow.GetLogger(ctx).Error("An earlier digest was not read, and some alerts may be told twice", "digest", id, "error", err)
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

// alone is the event of a batch of one, which is told as it would have been by itself: a digest would say less of it. An event
// that cannot be found is told in a digest all the same.
func (r *gathering) alone(ctx workflow.Context, b batch) (event alert.Event, found bool) {
	if len(b.members) != 1 || workflow.GetVersion(ctx, "one alert is no digest", workflow.DefaultVersion, 1) < 1 {
		return alert.Event{}, false
	}
	err := workflow.ExecuteLocalActivity(quickGather(ctx), groups.Recall, b.members[0].EventID).Get(ctx, &event)
	return event, err == nil
}

// toTell is how a digest is told: a group's own goes through the receiver's throttle, and a throttle's through nothing more.
func (r *gathering) toTell() alert.Assignment {
	a := r.Assignment
	a.Group = nil
	if r.Throttled {
		a.Throttle = nil
	}
	return a
}

// maxLogged are the alerts whose digests a run remembers for the query, whose answer has to fit into a payload.
const maxLogged = 20_000

func (r *gathering) noteDigest(d alert.DigestLog) {
	r.handed = append(r.handed, d)
	for r.logged += len(d.Events); r.logged > maxLogged; r.handed = r.handed[1:] {
		r.logged -= len(r.handed[0].Events)
	}
}

func (r *gathering) log() (alert.GroupLog, error) {
	log := alert.GroupLog{Name: r.name(), Waiting: r.Held.waiting() + r.joining.Len(), Digests: r.handed}
	if log.Waiting > 0 {
		log.Until = &r.Held.Until
	}
	return log, nil
}

// The bounds are those of the newest assignment.

func (g Group) most() int {
	if g.Throttled {
		return g.Assignment.Throttle.Most
	}
	return 1
}

func (g Group) span() time.Duration {
	if g.Throttled {
		return g.Assignment.Throttle.Per
	}
	return g.Assignment.Group.Window
}

func (g Group) name() string {
	if g.Throttled {
		return fmt.Sprintf("what is more than %d in %s", g.Assignment.Throttle.Most, duration.Short(g.Assignment.Throttle.Per))
	}
	return g.Assignment.Group.Name
}

// digestID survives replays, resets and new runs.
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
