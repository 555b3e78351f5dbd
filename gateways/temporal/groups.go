package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

// Groups keeps each group of alerts, and each receiver's throttle, in an AlertGroup workflow. Nothing but its window is kept of
// a group of one alert: a workflow costs more than all that is done to deliver the alert.
type Groups struct {
	Client client.Client
	// Windows may be nil. Then, and while they do not answer, the first alert of a group begins the group's workflow.
	Windows alert.Windows
	Log     *slog.Logger // of Windows' errors

	restUntil atomic.Int64 // until then, in nanoseconds since 1970, Windows is not asked
}

var _ alert.GroupStore = (*Groups)(nil)

// Gather opens a group's window with the notice, or adds the notice to the group's workflow. If that ends in between, Gather tries
// again.
func (g *Groups) Gather(ctx context.Context, a alert.GroupRequest) (alert.Place, error) {
	id := workflows.GroupWorkflowID(a.Assignment.Receiver, a.Assignment.Group.Key)
	place, found, err := g.before(ctx, id, a)
	if found || err != nil {
		return place, err
	}
	running, asked := place.RunID != "", time.Now()
	window, kept := g.window(ctx, id, a, asked)
	first := kept && window.First == a.Notice.ID
	switch {
	// A run that is open may have the notice already, if this call has only now opened the window.
	case first && (!running || !window.Since.Equal(asked)):
		return alert.Place{Now: true}, nil
	case kept && !first && asked.Before(window.Until):
		place, err = g.follow(ctx, a, window)
	default:
		place, err = g.beginOrJoin(ctx, a)
	}
	if err != nil {
		return alert.Place{}, fmt.Errorf("gather alert %s for %s: %w", a.Notice.ID, a.Assignment.Receiver, err)
	}
	return place, nil
}

// beginOrJoin begins the group's workflow with the notice, or adds the notice to the one that runs.
func (g *Groups) beginOrJoin(ctx context.Context, a alert.GroupRequest) (alert.Place, error) {
	for {
		place, err := g.begin(ctx, a)
		if err == nil && !place.Now {
			place, err = g.join(ctx, place, a)
		}
		if isNotFound(err) && ctx.Err() == nil {
			continue
		}
		return place, err
	}
}

// How long opening a window may take, and for how long Windows is not asked after an error: alerts would wait for each.
const (
	windowWithin = time.Second
	windowRest   = 5 * time.Second
)

// window returns the window of a group, which it opens now with the notice if there is none. It reports whether windows are kept.
func (g *Groups) window(ctx context.Context, id string, a alert.GroupRequest, now time.Time) (window alert.Window, kept bool) {
	if g.Windows == nil || now.UnixNano() < g.restUntil.Load() {
		return window, false
	}
	within, cancel := context.WithTimeout(ctx, windowWithin)
	defer cancel()
	window, err := g.Windows.OpenWindow(within, alert.Window{Group: id, First: a.Notice.ID, Since: now, Until: now.Add(a.Assignment.Group.Window)})
	if err != nil {
		g.restUntil.Store(now.Add(windowRest).UnixNano())
		g.Log.WarnContext(ctx, "Opening a group's window failed; a workflow keeps it, and a second alert of a group may be sent immediately", "alert", a.Notice.ID, "error", err)
	}
	return window, err == nil
}

// follow adds a notice to the workflow of the group whose window another notice has opened, and begins it if it does not run.
func (g *Groups) follow(ctx context.Context, a alert.GroupRequest, w alert.Window) (alert.Place, error) {
	place, err := g.join(ctx, alert.Place{WorkflowID: w.Group}, a)
	if !isNotFound(err) {
		return place, err
	}
	first, err := g.Recall(ctx, w.First)
	if isNotFound(err) { // it was deleted
		first = a.Notice.Event
	} else if err != nil {
		return alert.Place{}, err
	}
	// The window may be of a process whose clock is ahead, or longer than windows are now.
	if latest := time.Now().Add(a.Assignment.Group.Window); w.Until.After(latest) {
		w.Until = latest
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	group := workflows.NewFollowers(a, w, first)
	options := groupOptions(w.Group, group, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
	options.Memo = map[string]any{workflows.FirstMemo: w.First}
	run, err := g.Client.SignalWithStartWorkflow(ctx, w.Group, workflows.JoinSignal, workflows.Arriving(a), options, workflows.AlertGroupType, group)
	if err != nil {
		return alert.Place{}, err
	}
	return alert.Place{WorkflowID: w.Group, RunID: run.GetRunID()}, nil
}

// begin returns the group's place. Its Now is set if this call has begun the group.
func (g *Groups) begin(ctx context.Context, a alert.GroupRequest) (alert.Place, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	id, group := workflows.GroupWorkflowID(a.Assignment.Receiver, a.Assignment.Group.Key), workflows.NewGroup(a)
	options := groupOptions(id, group, enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL)
	options.Memo, options.EnableEagerStart = map[string]any{workflows.FirstMemo: a.Notice.ID}, true
	run, err := g.Client.ExecuteWorkflow(ctx, options, workflows.AlertGroupType, group)
	if running, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return alert.Place{WorkflowID: id, RunID: running.RunId}, nil
	}
	if err != nil {
		return alert.Place{}, err
	}
	return alert.Place{Now: true, WorkflowID: id, RunID: run.GetRunID()}, nil
}

// join adds a notice to a group's run, which is the latest one if to names none. If the notice is the one that began the run, this is
// a retry: nothing is added, and Now is set. The error of a run that has ended is NotFound.
func (g *Groups) join(ctx context.Context, to alert.Place, a alert.GroupRequest) (alert.Place, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	described, err := g.Client.DescribeWorkflowExecution(ctx, to.WorkflowID, to.RunID)
	if err != nil {
		return to, err
	}
	run, began := described.GetWorkflowExecutionInfo(), ""
	if err := converter.GetDefaultDataConverter().FromPayload(run.GetMemo().GetFields()[workflows.FirstMemo], &began); err != nil {
		return to, fmt.Errorf("read who began the group %s: %w", to.WorkflowID, err)
	}
	to.RunID = run.GetExecution().GetRunId()
	if to.Now = began == a.Notice.ID; to.Now {
		return to, nil
	}
	return to, g.Client.SignalWorkflow(ctx, to.WorkflowID, to.RunID, workflows.JoinSignal, workflows.Arriving(a))
}

// Admit asks the receiver's throttle, and begins one if none is running. Temporal gives the same notice's update the same
// answer. It limits how many updates run at once: a caller that is refused for that reason asks again.
func (g *Groups) Admit(ctx context.Context, a alert.GroupRequest) (alert.Place, error) {
	id, throttle := workflows.ThrottleWorkflowID(a.Assignment.Receiver), workflows.NewThrottle(a)
	if place, found, err := g.before(ctx, id, a); found || err != nil {
		return place, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	arrival := workflows.Arriving(a)
	arrival.AskedAt = time.Now()
	options := groupOptions(id, throttle, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
	place := alert.Place{}
	update, err := g.Client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: g.Client.NewWithStartWorkflowOperation(options, workflows.AlertGroupType, throttle),
		UpdateOptions: client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateID: a.Notice.ID, UpdateName: workflows.AdmitUpdate,
			Args: []any{arrival}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = update.Get(ctx, &place)
	}
	if err != nil {
		return alert.Place{}, fmt.Errorf("ask the throttle of %s for alert %s: %w", a.Assignment.Receiver, a.Notice.ID, err)
	}
	return place, nil
}

// Recall returns an event. It reads it from the input of the event's DeliverAlert workflow.
func (g *Groups) Recall(ctx context.Context, eventID string) (alert.Event, error) {
	input, _, err := began(ctx, g.Client, eventID)
	return input.Event, err
}

// Told returns the ids of the events in a digest. It reads them from the input of the digest's DeliverAlert workflow.
func (g *Groups) Told(ctx context.Context, digestID string) ([]string, error) {
	input, _, err := began(ctx, g.Client, digestID)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, m := range (alert.Notice{Event: input.Event, Digest: input.Digest}).Members() {
		found = append(found, m.EventID)
	}
	return found, nil
}

// began returns the input of a DeliverAlert workflow, and when it started.
func began(ctx context.Context, c client.Client, id string) (input workflows.DeliverAlertInput, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	first, err := c.GetWorkflowHistory(ctx, workflows.AlertWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	if err != nil {
		return input, at, fmt.Errorf("read the history of alert %s: %w", id, err)
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), &input); err != nil {
		return input, at, fmt.Errorf("read what the delivery of alert %s began with: %w", id, err)
	}
	return input, first.GetEventTime().AsTime(), nil
}

func groupOptions(id string, group workflows.AlertGroupInput, conflict enums.WorkflowIdConflictPolicy) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                workflows.AlertmanTaskQueue,
		WorkflowIDConflictPolicy:                 conflict,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            workflows.GroupSummary(group),
	}
}

// secondLook is the age from which a notice may have been gathered before. Temporal notices after ten seconds (the timeout
// of a workflow task) that a worker was killed, and by then a group with a short window may have sent the notice and ended.
const secondLook = 5 * time.Second

// lookFor bounds the search for a notice in the runs of its group, which may be many. A notice that is not found within
// this time counts as never gathered.
const lookFor = 5 * time.Second

// before looks for a digest that holds a notice, in the runs of a group that ended since the notice came: a running one
// knows itself what it was given. It uses Temporal's list of runs, which is a moment behind. If it finds none, place names the run
// that is open, if there is one.
func (g *Groups) before(ctx context.Context, groupID string, a alert.GroupRequest) (place alert.Place, found bool, err error) {
	if a.Since.IsZero() || time.Since(a.Since) < secondLook {
		return alert.Place{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	latest, err := g.Client.DescribeWorkflowExecution(ctx, groupID, "")
	if isNotFound(err) {
		return alert.Place{}, false, nil
	}
	if err != nil {
		return alert.Place{}, false, fmt.Errorf("look for the group %s: %w", groupID, err)
	}
	// Either this run has been there all the time, and knows itself what it was given, or there was no run since.
	last := latest.GetWorkflowExecutionInfo()
	if open(last) {
		place = alert.Place{WorkflowID: groupID, RunID: last.GetExecution().GetRunId()}
	}
	if open(last) && !last.GetStartTime().AsTime().After(a.Since) || endedBefore(last, a.Since) {
		return place, false, nil
	}
	if ended, found, err := g.look(ctx, groupID, a); found || err != nil {
		return ended, found, err
	}
	return place, false, nil
}

// look searches the runs that ended since a notice came.
func (g *Groups) look(ctx context.Context, groupID string, a alert.GroupRequest) (place alert.Place, found bool, err error) {
	until := time.Now().Add(lookFor)
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query:    fmt.Sprintf("WorkflowId = '%s' AND CloseTime >= '%s'", groupID, a.Since.UTC().Format(time.RFC3339Nano)),
		PageSize: 100,
	}
	for time.Now().Before(until) {
		runs, err := g.Client.ListWorkflow(ctx, request)
		if err != nil {
			return alert.Place{}, false, fmt.Errorf("list the runs of the group %s: %w", groupID, err)
		}
		for _, run := range runs.GetExecutions() {
			place := alert.Place{WorkflowID: groupID, RunID: run.GetExecution().GetRunId()}
			if found, err := g.hasNotice(ctx, place, a.Notice); err != nil || found {
				return place, found, err
			}
			if time.Now().After(until) {
				break
			}
		}
		if request.NextPageToken = runs.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	return alert.Place{}, false, nil
}

func open(run *workflowpb.WorkflowExecutionInfo) bool {
	return run.GetCloseTime() == nil
}

func endedBefore(run *workflowpb.WorkflowExecutionInfo, at time.Time) bool {
	return !open(run) && run.GetCloseTime().AsTime().Before(at)
}

// hasNotice reports whether a digest of a run holds a notice.
func (g *Groups) hasNotice(ctx context.Context, run alert.Place, n alert.Notice) (bool, error) {
	log, err := digests(ctx, g.Client, run.WorkflowID, run.RunID)
	if err != nil {
		return false, err
	}
	first := n.Members()[0].EventID
	return slices.ContainsFunc(log.Digests, func(d alert.DigestLog) bool { return slices.Contains(d.Events, first) }), nil
}
