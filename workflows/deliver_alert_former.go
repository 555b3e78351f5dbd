package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// Deliveries that were begun before there were receivers have targets alone, and are replayed as they were: all targets at
// once, by the activity Deliver. This file can go once none of them can be running, nor be asked by a query.

// formerLifetime is how long every delivery was tried.
const formerLifetime = 72 * time.Hour

func ofFormer(targets []alert.Target) alert.Assignment {
	return alert.Assignment{Steps: []alert.Step{{Targets: targets}}}
}

func (a *alarm) deliverFormer(ctx workflow.Context, target alert.Target) workflow.Future {
	return workflow.ExecuteActivity(ctx, deliveries.Deliver, target, a.notice.Event)
}
