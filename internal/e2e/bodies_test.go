package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"dummyorders/api"
	"dummyorders/workflows"
)

// These are the two bodies in the seed's README, unchanged.
const (
	seedBody      = api.SeedExample
	otherSeedBody = `{"order": {"id": 5678, "name": "bahubali vs avengers saga", "cost": 13.00, "currency": "USD"}, ` +
		`"paymentMethod": "icicidebit", "payment": {"card": 8765432112345678, "type": "debit", "amount": 13.00, "currency": "USD"} }`
)

// These are amounts in INR below and above the limit detector's defaults.
const (
	small     = "123.00"
	forReview = "150000.00"
	tooMuch   = "250000.00"
)

// These are test cards of the simulated gateway.
const (
	goodCard          = "4242424242424242"
	declinedCard      = "4000000000009995"
	uncapturableCard  = "4000000000000341"
	lostHoldCard      = "4000000000006645" // the money is held, and the answer is lost once
	lostCaptureCard   = "4000000000006694" // the money is taken, and the answer is lost once
	unansweredCard    = "4000000000006702" // the money is taken, and there is never an answer
	unvoidableCard    = "4000000000006736" // captures are declined, and so are voids
	silentCaptureCard = "4000000000006652" // held, but there is never an answer to the capture
	silentCard        = "4000000000006603" // the gateway never answers
	paymentMethodName = "amazonpay"
)

func body(amount, card string) string {
	return fmt.Sprintf(`{"order": {"id": "order-%s", "cost": %s, "currency": "INR"}, "paymentMethod": %q,
		"payment": {"card": %q, "type": "wallet", "amount": %s, "currency": "INR"}}`, card[12:], amount, paymentMethodName, card, amount)
}

// alertWorkflowOf returns the id of the workflow that delivers a transaction's first alert.
func alertWorkflowOf(id string) string {
	return alertWorkflowNumber(id, 1)
}

func alertWorkflowNumber(id string, number int) string {
	return workflows.AlertWorkflowID(workflows.EventID(workflows.TransactionWorkflowID(id), number))
}

// delivered returns nil once the first alert about a transaction was delivered and that is recorded.
func delivered(ctx context.Context, id string) error {
	return deliveredNumber(ctx, id, 1)
}

func deliveredNumber(ctx context.Context, id string, number int) error {
	answer, err := shared.client.DescribeWorkflowExecution(ctx, alertWorkflowNumber(id, number), "")
	if err != nil {
		return err
	}
	if status := answer.GetWorkflowExecutionInfo().GetStatus(); status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return fmt.Errorf("the delivery of alert %d about %s is %s", number, id, status)
	}
	return nil
}

// eventTypeOf returns the event type of an alert about a transaction, from the input of its delivery.
func eventTypeOf(t *testing.T, id string, number int) string {
	t.Helper()
	pages := shared.client.GetWorkflowHistory(t.Context(), alertWorkflowNumber(id, number), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	started, err := pages.Next()
	require.NoError(t, err)
	var d workflows.DeliverAlertInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(started.GetWorkflowExecutionStartedEventAttributes().GetInput(), &d))
	return string(d.Event.Type)
}

// workflowEnded returns nil once a transaction's workflow has ended.
func workflowEnded(ctx context.Context, id string) error {
	answer, err := shared.client.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(id), "")
	if err == nil && answer.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		err = fmt.Errorf("the workflow of %s runs", id)
	}
	return err
}

// count returns the number of workflows that match a query to the visibility store.
func count(ctx context.Context, query string) (int64, error) {
	answer, err := shared.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	return answer.GetCount(), err
}
