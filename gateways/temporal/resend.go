package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/workflows"
)

// Resend sends an alert again that has ended: as a new delivery, whose id follows from the alert's id and the number. The answer
// to a number that was sent before, to the same, is the one of then. It fails with a *alert.ClosedError if the alert cannot be sent
// again as it stands. It goes on if the caller hangs up.
func (s *Alerts) Resend(ctx context.Context, of identity.Merchants, id string, r alert.Resend) (alert.Resending, error) {
	ctx = context.WithoutCancel(ctx)
	log, err := s.Find(ctx, of, id)
	if err != nil {
		return alert.Resending{}, err
	}
	next := alert.Resending{Of: id, Number: cmp.Or(r.Number, len(log.Resent)+1), To: r.To, By: r.By, At: time.Now().UTC().Truncate(time.Millisecond)}
	if next.Number <= len(log.Resent) {
		return sentBefore(log.Resent, next)
	}
	if log.Incomplete {
		return alert.Resending{}, alert.ErrNoAlertman
	}
	if why := notAgain(log, next); why != "" {
		return alert.Resending{}, &alert.ClosedError{Why: why}
	}
	before, _, err := began(ctx, s.Client, id)
	if err != nil {
		return alert.Resending{}, fmt.Errorf("the workflow engine cannot be asked: %w", err)
	}
	next.ID = resentID(id, next.Number)
	input := again(before, log, next)
	switch over := input.Opened(next.At).ExpiresAt; {
	case !next.At.Before(over):
		return alert.Resending{}, &alert.ClosedError{Why: "it has expired at " + over.UTC().Format(time.RFC3339) + ", and what it asks for can be done no more"}
	case len(input.Assignments) == 0 && next.To == alert.ToMissed:
		return alert.Resending{}, &alert.ClosedError{Why: "it has reached all targets"}
	case len(input.Assignments) == 0:
		return alert.Resending{}, &alert.ClosedError{Why: "it was for no receiver"}
	}
	fresh, err := s.start(ctx, next.ID, input, map[string]any{workflows.ResendingMemo: next})
	switch {
	case err != nil:
		return alert.Resending{}, fmt.Errorf("send alert %s again: %w", id, err)
	case fresh:
		return next, nil
	}
	others, err := s.resent(ctx, id) // another call was quicker
	if err == nil && len(others) < next.Number {
		err = errors.New("the other delivery of that number cannot be read")
	}
	if err != nil {
		return alert.Resending{}, fmt.Errorf("send alert %s again: %w", id, err)
	}
	return sentBefore(others, next)
}

// sentBefore returns the delivery that has sent an alert again under that number. It fails if that was to others.
func sentBefore(all []alert.Resending, next alert.Resending) (alert.Resending, error) {
	before := all[next.Number-1]
	if before.To != next.To {
		return alert.Resending{}, &alert.ClosedError{Why: fmt.Sprintf("%s sent it again before, to %s, as number %d", before.By, before.To, before.Number)}
	}
	return before, nil
}

// notAgain says why an alert cannot be sent again, or "" if it can.
func notAgain(log alert.Log, next alert.Resending) string {
	switch {
	case next.Number > len(log.Resent)+1:
		return fmt.Sprintf("it was sent again %d times until now, so that the next number is %d", len(log.Resent), len(log.Resent)+1)
	case next.Number > alert.MaxResent:
		return fmt.Sprintf("it was sent again %d times, which is the most", alert.MaxResent)
	case log.Running:
		return "it is still being delivered, or waits to be acknowledged"
	}
	return ""
}

// again returns the delivery that sends an alert again: at once, by itself, and under an id of its own, so that those who have it
// already do not take it for a repeat. If the alert was acknowledged, that is not asked for again.
func again(before workflows.DeliverAlertInput, log alert.Log, r alert.Resending) workflows.DeliverAlertInput {
	input := workflows.DeliverAlertInput{Event: before.Event.Lasting(r.At)}
	if before.Digest == nil {
		input.Event.ID = r.ID
	} else {
		input.Digest, input.DigestID = before.Digest.Lasting(r.At), r.ID
	}
	for i, a := range before.Assignments {
		chains := [][]alert.Step{a.Steps}
		if r.To == alert.ToMissed && a.Muted == "" {
			chains = missed(a.Steps, log.Chains[i].Steps)
		}
		for _, steps := range chains {
			if len(steps) == 0 { // a mute of the routing file has none
				continue
			}
			if log.Acknowledgement != nil {
				steps = []alert.Step{{Receiver: steps[0].Receiver, Targets: steps[0].Targets}}
			}
			input.Assignments = append(input.Assignments, alert.Assignment{Receiver: steps[0].Receiver, Route: a.Route, Steps: steps})
		}
	}
	return input
}

// missed returns the steps that were begun and have targets that the alert has not reached, each as an escalation by itself.
func missed(steps []alert.Step, begun []alert.StepLog) (all [][]alert.Step) {
	for i, step := range begun {
		again := alert.Step{Receiver: step.Receiver, Within: steps[i].Within}
		for _, d := range step.Deliveries {
			if d.State != alert.Delivered {
				again.Targets = append(again.Targets, d.Target)
			}
		}
		if len(again.Targets) > 0 {
			all = append(all, []alert.Step{again})
		}
	}
	return all
}

// resentID returns the id of the delivery that sends an alert again with that number.
func resentID(id string, number int) string {
	return workflows.EventID(workflows.AlertWorkflowID(id), number)
}

// resent returns when an alert was sent again, the earliest first.
func (s *Alerts) resent(ctx context.Context, id string) (all []alert.Resending, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	for number := 1; number <= alert.MaxResent; number++ {
		found, err := s.Client.DescribeWorkflowExecution(ctx, workflows.AlertWorkflowID(resentID(id, number)), "")
		if isNotFound(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the workflow engine cannot be asked: %w", err)
		}
		r, err := resendingOf(found.GetWorkflowExecutionInfo())
		if err != nil || r == nil {
			return nil, err
		}
		all = append(all, *r)
	}
	return all, nil
}

// resendingOf returns what the memo of a delivery says if it sends an alert again, or nil.
func resendingOf(info *workflow.WorkflowExecutionInfo) (*alert.Resending, error) {
	payload := info.GetMemo().GetFields()[workflows.ResendingMemo]
	if payload == nil {
		return nil, nil
	}
	var r alert.Resending
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &r); err != nil {
		return nil, fmt.Errorf("read which alert the delivery %s sends again: %w", info.GetExecution().GetWorkflowId(), err)
	}
	return &r, nil
}
