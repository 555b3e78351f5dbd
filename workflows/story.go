package workflows

import (
	"fmt"
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
	return fmt.Sprintf("order %s: %s by %s", t.Order.ID, t.Payment.Amount, t.PaymentMethod)
}

// AlertSummary is the same for the delivery of an alert.
func AlertSummary(event alert.Event) string {
	return fmt.Sprintf("%s: order %s, %s %s", event.Type.RoutingKey(), event.Subject, event.Data.Currency, event.Data.Amount)
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

// publishStatus makes the status something to filter by. It is a history event and an index write each time, so it is
// called only where the transaction will stay for a while.
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
	if problem := p.record.Payment.Error; problem != "" {
		fmt.Fprintf(&story, "\nPayment: %s\n", problem)
	}
	story.WriteString("\n| step | at |\n|--|--|\n")
	for _, step := range p.record.Steps {
		fmt.Fprintf(&story, "| %d %s | %s |\n", step.Code, step.Status, step.Time.UTC().Format(time.RFC3339))
	}
	return story.String()
}

// stoppedAt is when the transaction was found to be one that must not go through.
func (p *process) stoppedAt() time.Time {
	for _, step := range p.record.Steps {
		if step.Code == transaction.Fraudulent {
			return step.Time
		}
	}
	return p.record.StartTime
}
