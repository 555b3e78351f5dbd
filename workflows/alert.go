package workflows

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// eventSource is where events come from, in CloudEvents' sense: with the id, it makes an event unique.
const eventSource = "/orders"

// eventNamespace makes event ids a pure function of the workflow and the alert's number.
var eventNamespace = uuid.MustParse("0c9f4c0e-7a52-4c5e-9a3d-2f1f6d0f3b11")

// stop ends a transaction without a payment, and has people told. The caller is answered before the broker is asked;
// the alert is seen through even when the transaction is cancelled.
func (p *process) stop(ctx workflow.Context, kind alert.Type) error {
	p.move(ctx, transaction.Fraudulent)
	p.move(ctx, transaction.AlertInitiated)
	p.stay(ctx)
	event, free := p.event(ctx, kind), detached(ctx)
	if err := p.publish(free, event, firstPublishAttempts); err != nil {
		p.move(ctx, transaction.AlertError)
		p.stay(ctx)
		if err := p.publish(free, event, untilItSticks); err != nil {
			return err
		}
	}
	p.move(ctx, transaction.AlertDone)
	return nil
}

// tell has people told beside the main line: nothing waits for the broker but the end of the workflow.
func (p *process) tell(ctx workflow.Context, kind alert.Type) {
	event := p.event(ctx, kind)
	p.meanwhile(ctx, "alert", func(ctx workflow.Context) error { return p.publish(ctx, event, untilItSticks) })
}

func (p *process) publish(ctx workflow.Context, event alert.Event, attempts int32) error {
	ctx = publishOptions(ctx, attempts, line(event.Type.RoutingKey()+" for order "+event.Subject))
	return workflow.ExecuteActivity(ctx, alerts.PublishAlert, event).Get(ctx, nil)
}

// event is the transaction's next alert. Its id is the same in every replay.
func (p *process) event(ctx workflow.Context, kind alert.Type) alert.Event {
	p.alerts++
	info, t := workflow.GetInfo(ctx), p.transaction
	record := p.record.Clone()
	return alert.Event{
		ID:      EventID(info.WorkflowExecution.ID, p.alerts),
		Source:  eventSource,
		Type:    kind,
		Subject: t.Order.ID,
		Time:    workflow.Now(ctx),
		Data: alert.Data{
			TransactionID: t.ID,
			OrderID:       t.Order.ID,
			OrderName:     t.Order.Name,
			PaymentMethod: t.PaymentMethod,
			Card:          t.Payment.Card.Masked(),

			CardFingerprint: t.Payment.Card.Fingerprint,
			CustomerID:      customerID(t),

			Result: p.record.Payment.Result,

			Amount:    t.Payment.Amount.Decimal(),
			Currency:  string(t.Payment.Amount.Currency),
			Decision:  *record.Decision,
			Review:    record.Review,
			Link:      p.link(info),
			ExpiresAt: expiry(kind, record.Review),
		},
	}
}

// expiry: once a review's time is over nobody has to be asked for it any more, and another alert says what became of it.
func expiry(kind alert.Type, r *review.Review) *time.Time {
	if r == nil || kind != alert.ReviewRequested && kind != alert.ReviewReminder {
		return nil
	}
	return &r.Deadline
}

func customerID(t transaction.Transaction) string {
	if t.Customer == nil {
		return ""
	}
	return t.Customer.ID
}

// EventID is the id of a workflow's alert of that number, counted from 1. It survives retries, resets and replays.
func EventID(workflowID string, number int) string {
	return uuid.NewSHA1(eventNamespace, []byte(workflowID+"/"+strconv.Itoa(number))).String()
}

// link leads to the transaction's history in the Web UI.
func (p *process) link(info *workflow.Info) string {
	if p.WebUI == "" {
		return ""
	}
	return strings.TrimSuffix(p.WebUI, "/") + "/namespaces/" + info.Namespace + "/workflows/" + info.WorkflowExecution.ID
}
