package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
)

// Workflows measure through the SDK, which leaves out what is replayed. It costs no event.

func count(ctx workflow.Context, c telemetry.Counter, labels ...string) {
	workflow.GetMetricsHandler(ctx).WithTags(c.Tags(labels...)).Counter(c.Name).Inc(1)
}

func measure(ctx workflow.Context, s telemetry.Seconds, since time.Time, labels ...string) {
	took := max(0, workflow.Now(ctx).Sub(since))
	workflow.GetMetricsHandler(ctx).WithTags(s.Tags(labels...)).Timer(s.Name).Record(took)
}

// hasAnswer reports whether the caller can be answered in a status.
func hasAnswer(status transaction.Status) bool {
	return status.Settled() || status == transaction.InReview
}

// measureAnswer measures, once, how long it took until the caller could be answered.
func (p *process) measureAnswer(ctx workflow.Context) {
	if status := p.record.Status(); !p.answered && hasAnswer(status) {
		p.answered = true
		measure(ctx, telemetry.TransactionAnswer, p.record.StartTime, status.String())
	}
}

// measureEnd counts the transaction, at its end.
func (p *process) measureEnd(ctx workflow.Context) {
	status, outcome, method := p.record.Status().String(), "none", "other"
	if p.record.Decision != nil {
		outcome = string(p.record.Decision.Outcome)
	}
	if p.Gateways.Names(p.transaction.PaymentMethod) {
		method = p.transaction.PaymentMethod
	}
	count(ctx, telemetry.Transactions, status, outcome, method, cmp.Or(p.gateway.Name, "none"))
	measure(ctx, telemetry.TransactionDuration, p.record.StartTime, status)
}

// measureDelivered measures, once, how long it took until an alert that is sent immediately reached somebody.
func (a *alertRun) measureDelivered(ctx workflow.Context, state alert.State) {
	if a.measured || state != alert.Delivered || !a.isPrompt(ctx) {
		return
	}
	a.measured = true
	measure(ctx, telemetry.AlertDelivered, a.notice.Event.Time)
}

// isPrompt reports whether the alert is sent immediately. It is not if a group or a throttle has held it back, if it is an alarm, which
// Alertmanager collects first, or if somebody sends it again.
func (a *alertRun) isPrompt(ctx workflow.Context) bool {
	again := workflow.GetInfo(ctx).Memo.GetFields()[ResendingMemo] != nil
	return a.notice.Digest == nil && !a.notice.FollowUp && a.notice.Event.Data.Alarm == nil && !again
}
