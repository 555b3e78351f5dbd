package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/transaction"
)

// What the Web UI shows: summaries and details that tell the story, and search attributes to filter by.

// TransactionSummary is the line that the Web UI shows with the workflow.
func TransactionSummary(t transaction.Transaction) string {
	return line(fmt.Sprintf("order %s: %s by %s", t.Order.ID, t.Payment.Amount, t.PaymentMethod))
}

// AlertSummary is the same for the delivery of an alert.
func AlertSummary(event alert.Event) string {
	return line(fmt.Sprintf("%s: order %s, %s %s", event.Type.RoutingKey(), event.Subject, event.Data.Currency, event.Data.Amount))
}

// maxLine is how many bytes of a summary are shown. Temporal refuses to start a workflow with more than 400
// (limit.userMetadataSummarySize), and ids may hold characters of four bytes.
const maxLine = 200

// unlinked is what merchants and reviewers wrote, for the Markdown of the Web UI, which makes links of bare addresses as well:
// nobody who looks at it is to be led elsewhere by an order's id.
var unlinked = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `<`, `\<`, `: `, `: `, `:`, `\:`)

// line is a summary that Temporal takes.
func line(text string) string {
	text = unlinked.Replace(text)
	if len(text) <= maxLine {
		return text
	}
	return strings.ToValidUTF8(text[:maxLine], "") + "…"
}

// SearchAttributes are those that are known before the workflow runs.
func SearchAttributes(t transaction.Transaction) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		TransactionStatusKey.ValueSet(transaction.Pending.String()),
		OrderIDKey.ValueSet(t.Order.ID),
		PaymentMethodKey.ValueSet(t.PaymentMethod),
	)
}

// move notes a status. It costs no history event; publishStatus does.
func (p *process) move(ctx workflow.Context, to transaction.Status) {
	p.record.Move(to, workflow.Now(ctx))
	workflow.SetCurrentDetails(ctx, p.details())
}

// stay makes a status known where the transaction will stay for a while: to filter by, and in the ledger.
func (p *process) stay(ctx workflow.Context) {
	p.publishStatus(ctx)
	p.save(ctx)
}

// makeKnown makes the status known whenever an activity says that it lasts. Where each succeeds at once, as nearly always,
// that costs nothing. The version is for workflows that came by such a signal before they knew it.
func (p *process) makeKnown(ctx workflow.Context) {
	signals := workflow.GetSignalChannelWithOptions(ctx, LastingSignal, workflow.SignalChannelOptions{
		Description: "Makes the status known to lists and search, because something is being tried again",
	})
	for {
		signals.Receive(ctx, nil)
		if p.record.EndTime == nil && workflow.GetVersion(ctx, "known while it lasts", workflow.DefaultVersion, 1) >= 1 {
			p.lasting = true
			p.stay(ctx)
		}
	}
}

// publishStatus makes the status something to filter by. It is a history event and an index write each time.
func (p *process) publishStatus(ctx workflow.Context) {
	updates := []temporal.SearchAttributeUpdate{TransactionStatusKey.ValueSet(p.record.Status().String())}
	if d := p.record.Decision; d != nil {
		updates = append(updates, FraudOutcomeKey.ValueSet(string(d.Outcome)), FraudScoreKey.ValueSet(int64(d.Score)))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("Search attributes not set", "error", err)
	}
}

// details is the story so far, in the Markdown that the Web UI renders.
func (p *process) details() string {
	var story strings.Builder
	fmt.Fprintf(&story, "**%s**\n\n", p.record.Message)
	if d := p.record.Decision; d != nil {
		fmt.Fprintf(&story, "Fraud check: **%s**, score %d (%s risk)\n\n", d.Outcome, d.Score, d.RiskLevel)
		for _, reason := range d.Reasons {
			fmt.Fprintf(&story, "- `%s` %s\n", reason.Code, reason.Message)
		}
	}
	if r := p.record.Review; r != nil {
		shown := *r
		shown.Reviewer = unlinked.Replace(r.Reviewer)
		fmt.Fprintf(&story, "\nReview: %s; deadline %s\n", shown.By(), r.Deadline.UTC().Format(time.RFC3339))
	}
	p.tellPayment(&story)
	story.WriteString("\n| step | at |\n|--|--|\n") // the newest first: the Web UI cuts off what does not fit
	for _, step := range slices.Backward(p.record.Steps) {
		fmt.Fprintf(&story, "| %d %s | %s |\n", step.Code, step.Status, step.Time.UTC().Format(time.RFC3339))
	}
	story.WriteString("\n") // the Web UI may cut through the last line
	return story.String()
}

func (p *process) tellPayment(story *strings.Builder) {
	payment := p.record.Payment
	for _, line := range [][2]string{
		{"Payment", payment.Error}, {"Refund", payment.RefundID}, {"Still held", payment.StillHeld},
	} {
		if line[1] != "" {
			fmt.Fprintf(story, "\n%s: %s\n", line[0], unlinked.Replace(line[1]))
		}
	}
	if payment.VoidedAt != nil {
		fmt.Fprintf(story, "\nHold released at %s\n", payment.VoidedAt.UTC().Format(time.RFC3339))
	}
}
