package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// This file makes what the Web UI shows: summaries and details that tell the story, and search attributes to filter by.

// TransactionSummary returns the line that the Web UI shows with a transaction's workflow.
func TransactionSummary(t transaction.Transaction) string {
	return line(fmt.Sprintf("order %s: %s by %s", t.Order.ID, t.Payment.Amount, t.PaymentMethod))
}

// AlertSummary returns the line that the Web UI shows with the delivery of an alert.
func AlertSummary(event alert.Event) string {
	if a := event.Data.Alarm; a != nil {
		return line(fmt.Sprintf("%s: %s, %s", event.Type.RoutingKey(), a.Name, a.Summary))
	}
	return line(fmt.Sprintf("%s: order %s, %s %s", event.Type.RoutingKey(), event.Subject, event.Data.Currency, event.Data.Amount))
}

// maxLine bounds the bytes of a summary. Temporal refuses to start a workflow with more than 400
// (limit.userMetadataSummarySize), and ids may hold characters of four bytes.
const maxLine = 200

// unlinked escapes text that merchants and reviewers wrote for the Web UI's Markdown, which also turns bare addresses into
// links: an order's id must not be able to lead a reader to another site.
var unlinked = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `<`, `\<`, `: `, `: `, `:`, `\:`)

// line returns text without card numbers, escaped, and short enough for Temporal to accept it as a summary.
func line(text string) string {
	text = unlinked.Replace(card.Conceal(text))
	if len(text) <= maxLine {
		return text
	}
	return strings.ToValidUTF8(text[:maxLine], "") + "…"
}

// SearchAttributes returns the search attributes that are known before the workflow runs.
func SearchAttributes(t transaction.Transaction) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		TransactionStatusKey.ValueSet(transaction.Pending.String()),
		OrderIDKey.ValueSet(card.Conceal(t.Order.ID)),
		PaymentMethodKey.ValueSet(card.Conceal(t.PaymentMethod)),
		MerchantKey.ValueSet(identity.MerchantOf(t.Merchant)),
	)
}

// move changes the status in the record. It costs no history event; publishStatus does.
func (p *process) move(ctx workflow.Context, to transaction.Status) {
	p.record.Move(to, workflow.Now(ctx))
	p.measureAnswer(ctx)
	workflow.SetCurrentDetails(ctx, p.details())
}

// stay publishes a status that will last for a while, in the search attributes and in the ledger.
func (p *process) stay(ctx workflow.Context) {
	p.publishStatus(ctx)
	p.save(ctx)
}

// publishStatusOnSignal publishes the status whenever an activity signals that it lasts. If every activity succeeds at once, as nearly
// always, this costs nothing. The version is for workflows that received such a signal before their code knew it.
func (p *process) publishStatusOnSignal(ctx workflow.Context) {
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

// publishStatus sets the search attributes to the current status, and the first time to the decision. Each call costs
// a history event and an index write.
func (p *process) publishStatus(ctx workflow.Context) {
	updates := []temporal.SearchAttributeUpdate{TransactionStatusKey.ValueSet(p.record.Status().String())}
	if d := p.record.Decision; d != nil && !p.searchable {
		p.searchable = true
		updates = append(updates, FraudOutcomeKey.ValueSet(string(d.Outcome)), FraudScoreKey.ValueSet(int64(d.Score)))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("Search attributes not set", "error", err)
	}
}

// details returns the story so far, in the Markdown that the Web UI renders.
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
		if r.First != nil {
			shown.First = &review.Approval{Reviewer: unlinked.Replace(r.First.Reviewer), Time: r.First.Time}
		}
		fmt.Fprintf(&story, "\nReview: %s; deadline %s\n", shown.By(), r.Deadline.UTC().Format(time.RFC3339))
	}
	p.describePayment(&story)
	story.WriteString("\n| step | at |\n|--|--|\n") // newest first: the Web UI cuts off what does not fit
	for _, step := range slices.Backward(p.record.Steps) {
		fmt.Fprintf(&story, "| %d %s | %s |\n", step.Code, step.Status, step.Time.UTC().Format(time.RFC3339))
	}
	story.WriteString("\n") // the Web UI may cut through the last line
	return story.String()
}

func (p *process) describePayment(story *strings.Builder) {
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
