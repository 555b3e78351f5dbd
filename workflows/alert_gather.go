package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// toldHere says whether the alert is told by this workflow; else it comes in a digest, and the log says of which group. A
// group or throttle that cannot be reached for long holds up no alert: it is told by itself. So is one that would have expired
// by its digest, or had less than half of its life left.
func (c *chain) toldHere(ctx workflow.Context) bool {
	if c.expired(ctx) {
		return true // which will say that it is too late
	}
	g := alert.Gathering{Notice: c.notice, Assignment: c.Assignment, Since: c.alarm.log.TakenAt}
	if c.Group != nil && c.outlives(ctx, c.Group.Window) && !c.placed(ctx, g, gather) {
		return false
	}
	return c.Throttle == nil || !c.outlives(ctx, c.Throttle.Per) || c.placed(ctx, g, admit)
}

// outlives says whether the alert has time to wait for the digest at a span's end.
func (c *chain) outlives(ctx workflow.Context, span time.Duration) bool {
	return c.expiry.Sub(workflow.Now(ctx)) > 2*span
}

// placed asks for the notice's place, and notes one in a digest.
func (c *chain) placed(ctx workflow.Context, g alert.Gathering, ask func(workflow.Context, alert.Gathering) (alert.Place, error)) bool {
	place, err := ask(ctx, g)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		workflow.GetLogger(ctx).Error("No group was reached, and the alert is told by itself", "alert", c.notice.ID, "receiver", c.Receiver, "error", err)
		return true
	case place.Now:
		c.hold(ctx, place.Holding)
		return true
	}
	c.log.Collected = &place
	return false
}

// hold notes that the receiver's throttle holds back what follows, so that whoever is told now learns of it.
func (c *chain) hold(ctx workflow.Context, holding *alert.Holding) {
	if c.log.Holding = holding; holding == nil {
		return
	}
	workflow.GetLogger(ctx).Warn("A throttle is used up: it holds back what follows, which comes as one digest", "receiver", c.Receiver,
		"most", c.Throttle.Most, "per", c.Throttle.Per, "until", holding.Until, "waiting", holding.Waiting, "alert", c.notice.ID)
}

// gather costs one event in the history while Temporal is quick: most alerts of a storm do nothing else. Otherwise a regular
// activity takes over, whose retries are the server's and hold up no workflow task. To gather twice is to gather once.
func gather(ctx workflow.Context, g alert.Gathering) (alert.Place, error) {
	var place alert.Place
	if workflow.ExecuteLocalActivity(quickGather(ctx), groups.Gather, g).Get(ctx, &place) == nil {
		return place, nil
	}
	err := workflow.ExecuteActivity(patientGather(ctx, "gather for "+g.Assignment.Receiver), groups.Gather, g).Get(ctx, &place)
	return place, err
}

// admit may have to wait for its turn among many, and so is a regular activity at once.
func admit(ctx workflow.Context, g alert.Gathering) (alert.Place, error) {
	var place alert.Place
	err := workflow.ExecuteActivity(patientGather(ctx, "throttle of "+g.Assignment.Receiver), groups.Admit, g).Get(ctx, &place)
	return place, err
}
