package workers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

// secondLook is how old a notice is from when on it may have been gathered before: a worker that is killed is noticed after
// ten seconds (the timeout of a workflow task), and by then a group of a short window may have told it and ended.
const secondLook = 5 * time.Second

// lookFor is how long a notice is looked for in the runs of its group, of which there may be many, before it is taken for
// one that was never gathered.
const lookFor = 5 * time.Second

// before looks for a digest that has told a notice in the runs of a group that have ended since the notice came: one that
// goes on knows what it was given itself. It takes Temporal's list of them, which is a moment behind.
func (g *Groups) before(ctx context.Context, groupID string, a alert.Gathering) (place alert.Place, found bool, err error) {
	if a.Since.IsZero() || time.Since(a.Since) < secondLook {
		return alert.Place{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	latest, err := g.Temporal.DescribeWorkflowExecution(ctx, groupID, "")
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return alert.Place{}, false, nil
	}
	if err != nil {
		return alert.Place{}, false, fmt.Errorf("look for the group %s: %w", groupID, err)
	}
	// Either it has been there all the time, and knows what it was given itself, or none was there since.
	last := latest.GetWorkflowExecutionInfo()
	if open(last) && !last.GetStartTime().AsTime().After(a.Since) || endedBefore(last, a.Since) {
		return alert.Place{}, false, nil
	}
	return g.look(ctx, groupID, a)
}

// look goes through the runs that have ended since a notice came.
func (g *Groups) look(ctx context.Context, groupID string, a alert.Gathering) (place alert.Place, found bool, err error) {
	until := time.Now().Add(lookFor)
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query:    fmt.Sprintf("WorkflowId = '%s' AND CloseTime >= '%s'", groupID, a.Since.UTC().Format(time.RFC3339Nano)),
		PageSize: 100,
	}
	for time.Now().Before(until) {
		runs, err := g.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return alert.Place{}, false, fmt.Errorf("list the runs of the group %s: %w", groupID, err)
		}
		for _, run := range runs.GetExecutions() {
			place := alert.Place{WorkflowID: groupID, RunID: run.GetExecution().GetRunId()}
			if told, err := g.tells(ctx, place, a.Notice); err != nil || told {
				return place, told, err
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

// tells says whether a digest of a run has a notice in it.
func (g *Groups) tells(ctx context.Context, run alert.Place, n alert.Notice) (bool, error) {
	answer, err := g.Temporal.QueryWorkflow(ctx, run.WorkflowID, run.RunID, workflows.DigestsQuery)
	if err != nil {
		return false, fmt.Errorf("ask the group %s for its digests: %w", run.WorkflowID, err)
	}
	var log alert.GroupLog
	if err := answer.Get(&log); err != nil {
		return false, fmt.Errorf("read the digests of the group %s: %w", run.WorkflowID, err)
	}
	first := n.Members()[0].EventID
	return slices.ContainsFunc(log.Digests, func(d alert.DigestLog) bool { return slices.Contains(d.Events, first) }), nil
}
