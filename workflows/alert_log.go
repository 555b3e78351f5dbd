package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
)

// opened is the log before anything was done.
func (a *alarm) opened(taken time.Time, assignments []alert.Assignment) alert.Log {
	event := a.notice.Event
	log := alert.Log{
		ID: a.notice.ID, Type: event.Type, OrderID: event.Data.OrderID, TransactionID: event.Data.TransactionID,
		Time: event.Time, TakenAt: taken, ExpiresAt: a.expiry, Chains: make([]alert.ChainLog, len(assignments)),
		Digest: a.notice.Digest,
	}
	for i, assignment := range assignments {
		log.Chains[i] = alert.ChainLog{
			Receiver: assignment.Receiver, Route: assignment.Route, Muted: assignment.Muted, Steps: []alert.StepLog{},
		}
	}
	return log
}

func pending(targets []alert.Target) []alert.Delivery {
	deliveries := make([]alert.Delivery, len(targets))
	for i, target := range targets {
		deliveries[i] = alert.Delivery{Target: target, State: alert.Pending, Attempts: []alert.Attempt{}}
	}
	return deliveries
}

// conclude notes how a delivery ended. One that was cancelled has not ended.
func (a *alarm) conclude(ctx workflow.Context, d *alert.Delivery, told alert.Told, err error) {
	switch {
	case temporal.IsCanceledError(err):
		return
	case isType(err, activities.DeliveryRefused):
		told = alert.Told{State: alert.Refused, Attempts: attemptsOf(err)}
	case err != nil:
		told = alert.Told{State: alert.Expired, Attempts: attemptsOf(err)}
	}
	if err != nil {
		a.cause = err
	}
	if told.At.IsZero() {
		told.At = workflow.Now(ctx)
	}
	d.State, d.At = told.State, &told.At
	if told.Attempts != nil {
		d.Attempts = told.Attempts
	}
}

// attemptsOf are those that a failed activity has left: in the details of its last failure, or in those of its last beat
// where it ended without one.
func attemptsOf(err error) []alert.Attempt {
	var attempts []alert.Attempt
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok && timeout.LastHeartbeatDetails(&attempts) == nil {
		return attempts
	}
	var told alert.Told
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.Details(&told) == nil {
		return told.Attempts
	}
	return nil
}

// undelivered are the targets that were not told, and will not be.
func (a *alarm) undelivered() []string {
	var targets []string
	for _, c := range a.log.Chains {
		for _, step := range c.Steps {
			for _, d := range step.Deliveries {
				if d.State == alert.Refused || d.State == alert.Expired {
					targets = append(targets, string(d.Target))
				}
			}
		}
	}
	return targets
}

// unacknowledged are the receivers whose turn came last, where nobody has acknowledged.
func (a *alarm) unacknowledged() []string {
	var receivers []string
	for _, c := range a.log.Chains {
		if c.Unacknowledged {
			receivers = append(receivers, c.Steps[len(c.Steps)-1].Receiver)
		}
	}
	return receivers
}

// note shows the log in the Web UI. It costs no history event.
func (a *alarm) note(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, a.details())
}

// details is the log so far, in the Markdown that the Web UI renders.
func (a *alarm) details() string {
	var story strings.Builder
	fmt.Fprintf(&story, "**%s**\n\n", AlertSummary(a.notice.Event))
	if d := a.notice.Digest; d != nil {
		fmt.Fprintf(&story, "Digest %d of %s: %d alerts, %s to %s\n\n", d.Number, unlinked.Replace(d.Group), len(d.Members), clock(d.Since), clock(d.Until))
	}
	if by := a.log.Acknowledgement; by != nil {
		fmt.Fprintf(&story, "Acknowledged by **%s** at %s\n\n", unlinked.Replace(by.By), clock(by.At))
	}
	for _, c := range a.log.Chains {
		tellChain(&story, c)
	}
	return story.String()
}

func tellChain(story *strings.Builder, c alert.ChainLog) {
	fmt.Fprintf(story, "**%s** (route %s)\n\n", c.Receiver, c.Route)
	switch {
	case c.Muted != "":
		fmt.Fprintf(story, "Nobody is told: %s\n\n", c.Muted)
	case c.Collected != nil:
		fmt.Fprintf(story, "Comes in a digest of `%s`%s\n\n", c.Collected.WorkflowID, by(c.Collected.Holding))
	case c.Holding != nil:
		fmt.Fprintf(story, "The throttle is used up: what follows comes in a digest%s\n\n", by(c.Holding))
	}
	for i, step := range c.Steps {
		fmt.Fprintf(story, "%d. %s, told at %s", i+1, step.Receiver, clock(step.At))
		if step.AskedUntil != nil {
			fmt.Fprintf(story, ", asked until %s", clock(*step.AskedUntil))
		}
		story.WriteString("\n")
		for _, d := range step.Deliveries {
			fmt.Fprintf(story, "   - %s: %s", d.Target, d.State)
			if d.At != nil {
				fmt.Fprintf(story, " at %s", clock(*d.At))
			}
			story.WriteString("\n")
		}
	}
	if c.Unacknowledged {
		story.WriteString("\nNobody acknowledged in time\n")
	}
	story.WriteString("\n")
}

// by is when what a throttle holds back comes at the latest; nothing, where none does.
func by(holding *alert.Holding) string {
	if holding == nil {
		return ""
	}
	return " by " + clock(holding.Until)
}

func clock(t time.Time) string {
	return t.UTC().Format(time.RFC3339)
}
