package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// chain is what is done about one assignment: its receiver is told, and if nobody acknowledges in time the next one.
type chain struct {
	*alarm
	alert.Assignment

	log      *alert.ChainLog
	asking   bool // somebody is asked to acknowledge, or may yet be
	underWay workflow.WaitGroup
}

func newChain(ctx workflow.Context, a *alarm, assignment alert.Assignment, log *alert.ChainLog) *chain {
	c := &chain{alarm: a, Assignment: assignment, log: log, underWay: workflow.NewWaitGroup(ctx)}
	c.asking = c.asks()
	return c
}

// asks says whether anybody was to be asked.
func (c *chain) asks() bool {
	for _, step := range c.Steps {
		if step.Within > 0 {
			return c.Muted == ""
		}
	}
	return false
}

// run returns when all is over: every delivery that was begun has an end.
func (c *chain) run(ctx workflow.Context) {
	if c.Muted == "" && c.toldHere(ctx) {
		c.escalate(ctx)
	}
	c.asking = false
	c.underWay.Wait(detached(ctx))
	c.note(ctx)
}

// escalate tells step after step, until somebody acknowledges.
func (c *chain) escalate(ctx workflow.Context) {
	for number, step := range c.Steps {
		told := c.begin(ctx, number, step)
		if step.Within == 0 || c.acknowledged(ctx, told) || ctx.Err() != nil {
			return
		}
		if c.expired(ctx) {
			break
		}
	}
	c.log.Unacknowledged = len(c.Steps) > 0
}

// begin tells everybody of a step.
func (c *chain) begin(ctx workflow.Context, number int, step alert.Step) alert.StepLog {
	notice, now := c.notice, workflow.Now(ctx)
	told := alert.StepLog{Receiver: step.Receiver, At: now, Deliveries: pending(step.Targets)}
	if step.Within > 0 {
		until := now.Add(step.Within)
		if until.After(c.expiry) {
			until = c.expiry
		}
		notice.Ask, told.AskedUntil = &alert.Ask{Until: until}, &until
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
	c.log.Steps = append(c.log.Steps, told)
	for i, target := range step.Targets {
		c.tell(ctx, alert.Telling{Notice: notice, Receiver: step.Receiver, Step: number, Target: target}, &told.Deliveries[i])
	}
	c.note(ctx)
	return told
}

// tell begins a delivery, and notes its end.
func (c *chain) tell(ctx workflow.Context, t alert.Telling, d *alert.Delivery) {
	if c.expired(ctx) {
		c.conclude(ctx, d, alert.Told{State: alert.Expired}, nil)
		return
	}
	channel, _ := t.Target.Split()
	ctx = deliveryOptions(ctx, DeliveryTaskQueue(channel), tellingSummary(t), c.expiry.Sub(workflow.Now(ctx)))
	made := workflow.ExecuteActivity(ctx, deliveries.Tell, t)
	c.underWay.Add(1)
	workflow.GoNamed(ctx, "tell "+string(t.Target), func(ctx workflow.Context) {
		defer c.underWay.Done()
		told := alert.Told{State: alert.Delivered}
		err := made.Get(ctx, &told)
		c.conclude(ctx, d, told, err)
		c.note(ctx)
	})
}

// acknowledged waits for an acknowledgement until the step's time is over, or nobody of it can be told any more.
func (c *chain) acknowledged(ctx workflow.Context, step alert.StepLog) bool {
	heard := func() bool { return c.alarm.log.Acknowledgement != nil }
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      step.AskedUntil.Sub(workflow.Now(ctx)),
		TimerOptions: workflow.TimerOptions{Summary: line("until " + step.Receiver + " acknowledges")},
	}, func() bool { return heard() || allLost(step.Deliveries) })
	return err == nil && heard()
}

func (c *chain) expired(ctx workflow.Context) bool {
	return !workflow.Now(ctx).Before(c.expiry)
}

// allLost says whether nobody was told, and nobody will be.
func allLost(deliveries []alert.Delivery) bool {
	for _, d := range deliveries {
		if d.State == alert.Pending || d.State == alert.Delivered {
			return false
		}
	}
	return true
}

func tellingSummary(t alert.Telling) string {
	summary := "tell " + string(t.Target)
	if t.Step > 0 {
		summary += fmt.Sprintf(", step %d", t.Step+1)
	}
	return line(summary)
}
