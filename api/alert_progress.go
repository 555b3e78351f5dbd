package api

import (
	"context"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"dummyorders/domain/alert"
	"dummyorders/internal/grpcsent"
)

// progress is what Temporal knows about an alert and its workflow does not: whether it goes on, and the tries of
// deliveries that are under way. A workflow hears of those when they are over.
type progress struct {
	running bool
	tries   map[place]tries
}

// place is a delivery's in a log.
type place struct {
	receiver string // of the step
	step     int
	target   alert.Target
}

type tries struct {
	attempts []alert.Attempt
	next     *time.Time
}

// progress reads the history as far as it has to: only there does it stand whose tries are whose.
func (s *saga) progress(ctx context.Context, found *workflowservice.DescribeWorkflowExecutionResponse) (progress, error) {
	info := found.GetWorkflowExecutionInfo()
	p := progress{running: info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, tries: map[place]tries{}}
	pending := map[string]tries{}
	for _, activity := range found.GetPendingActivities() {
		pending[activity.GetActivityId()] = triesOf(activity)
	}
	ctx, sent := grpcsent.Track(ctx)
	execution := info.GetExecution()
	history := s.temporal.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for len(pending) > 0 && history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return progress{}, unasked(err, sent)
		}
		scheduled := event.GetActivityTaskScheduledEventAttributes()
		if t, known := pending[scheduled.GetActivityId()]; known {
			p.tries[placeOf(scheduled.GetInput())] = t
			delete(pending, scheduled.GetActivityId())
		}
	}
	return p, nil
}

// triesOf reads what the activity Tell has left for its next try. The one that goes on is noted there as if it had been
// broken off, for the case that it is.
func triesOf(pending *workflow.PendingActivityInfo) tries {
	var t tries
	if converter.GetDefaultDataConverter().FromPayloads(pending.GetHeartbeatDetails(), &t.attempts) != nil {
		t.attempts = nil // other activities leave something else
	}
	if next := pending.GetNextAttemptScheduleTime(); next != nil {
		t.next = new(next.AsTime())
	}
	last := len(t.attempts) - 1
	if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED && last >= 0 && t.attempts[last].Number == int(pending.GetAttempt()) {
		t.attempts[last].Unknown, t.attempts[last].Answer = false, "under way"
	}
	return t
}

// placeOf reads what an activity was given: an alert.Telling, or the target alone where an earlier version began the
// delivery. Of other activities it is nobody's place.
func placeOf(input *common.Payloads) place {
	var telling alert.Telling
	var target alert.Target
	if converter.GetDefaultDataConverter().FromPayloads(input, &telling) == nil {
		return place{telling.Receiver, telling.Step, telling.Target}
	}
	_ = converter.GetDefaultDataConverter().FromPayloads(input, &target) // or it is nobody's
	return place{target: target}
}

// fill tells a delivery what is known of its tries.
func (p progress) fill(d *alertDelivery, at place) {
	if found, known := p.tries[at]; known {
		d.Attempts, d.NextTry = found.attempts, found.next
	}
}
