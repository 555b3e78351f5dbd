package e2e_test

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/api"
	"dummyorders/workflows"
)

// The seed README's two bodies, to the letter.
const (
	seedBody      = api.SeedExample
	otherSeedBody = `{"order": {"id": 5678, "name": "bahubali vs avengers saga", "cost": 13.00, "currency": "USD"}, ` +
		`"paymentMethod": "icicidebit", "payment": {"card": 8765432112345678, "type": "debit", "amount": 13.00, "currency": "USD"} }`
)

// Amounts in INR on either side of the limit detector's defaults.
const (
	small     = "123.00"
	forReview = "150000.00"
	tooMuch   = "250000.00"
)

// Test cards of the simulated gateway.
const (
	goodCard          = "4242424242424242"
	declinedCard      = "4000000000009995"
	uncapturableCard  = "4000000000000341"
	paymentMethodName = "amazonpay"
)

func body(amount, card string) string {
	return fmt.Sprintf(`{"order": {"id": "order-%s", "cost": %s, "currency": "INR"}, "paymentMethod": %q,
		"payment": {"card": %q, "type": "wallet", "amount": %s, "currency": "INR"}}`, card[12:], amount, paymentMethodName, card, amount)
}

// alertWorkflowOf is the workflow that delivers a transaction's alert.
func alertWorkflowOf(id string) string {
	return workflows.AlertWorkflowID(workflows.EventID(workflows.TransactionWorkflowID(id), 1))
}

// delivered says whether the alert about a transaction was delivered, and that recorded.
func delivered(ctx context.Context, id string) error {
	answer, err := shared.client.DescribeWorkflowExecution(ctx, alertWorkflowOf(id), "")
	if err != nil {
		return err
	}
	if status := answer.GetWorkflowExecutionInfo().GetStatus(); status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return fmt.Errorf("the delivery of the alert about %s is %s", id, status)
	}
	return nil
}

// count asks the visibility store.
func count(ctx context.Context, query string) (int64, error) {
	answer, err := shared.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	return answer.GetCount(), err
}
