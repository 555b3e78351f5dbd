package workflows_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// A summary is short and complete, whatever the order is called.
func TestTransactionSummary(t *testing.T) {
	named := aTransaction()
	require.Equal(t, "order 1234: INR 123.00 by amazonpay", workflows.TransactionSummary(named))
	named.Order.ID, named.PaymentMethod = strings.Repeat("𝄞", 64), strings.Repeat("𝄞", 64)
	summary := workflows.TransactionSummary(named)
	require.LessOrEqual(t, len(summary), 210)
	require.True(t, utf8.ValidString(summary))
}

// shownOf returns what the Web UI and `temporal workflow metadata` show as Current Details.
func shownOf(t *testing.T, of interface {
	QueryWorkflow(queryType string, args ...any) (converter.EncodedValue, error)
},
) string {
	t.Helper()
	answer, err := of.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var shown sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&shown))
	return shown.GetCurrentDetails()
}

// What merchants and people write makes no link in the Web UI.
func TestWebUIHasNoForeignLinks(t *testing.T) {
	const link = `[click](https://evil.example)<a href="//evil.example">\[x](//evil.example) MAILTO:%40evil.example`
	merchants := aTransaction()
	merchants.Order.ID = link
	event := alert.Sample(alert.FraudDetected, "event-1", time.Now())
	event.Subject, event.Data.OrderID = link, link
	d := newDelivery(t)
	d.event = event
	d.acknowledges(time.Minute, alert.Acknowledgement{By: link})
	d.execute(escalating())
	require.NoError(t, d.GetWorkflowError())
	shown := shownOf(t, d)
	require.Contains(t, shown, "Acknowledged by")
	opens := regexp.MustCompile(`(^|[^\\])(\\\\)*([\[<]|://|(?i:mailto):)`)
	for _, text := range []string{workflows.TransactionSummary(merchants), workflows.AlertSummary(event), shown} {
		require.Contains(t, text, "click")
		require.NotRegexp(t, opens, text)
	}
}

// The decision is written to the search attributes once, and the status whenever it lasts.
func TestSearchAttributes(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.publishes(1)
	initiated, done := transaction.AlertInitiated.String(), transaction.AlertDone.String()
	r.OnUpsertTypedSearchAttributes(temporal.NewSearchAttributes(workflows.TransactionStatusKey.ValueSet(initiated),
		workflows.FraudOutcomeKey.ValueSet("decline"), workflows.FraudScoreKey.ValueSet(90))).Return(nil).Once()
	r.OnUpsertTypedSearchAttributes(temporal.NewSearchAttributes(workflows.TransactionStatusKey.ValueSet(done))).Return(nil).Once()
	r.execute()
}

// The newest step is first, and the last line is empty. The Web UI cuts off what does not fit, and may cut through the
// last line.
func TestDetailsOrder(t *testing.T) {
	r := newRun(t)
	r.execute()
	details := shownOf(t, r)
	require.Regexp(t, `(?s)17 TRANSACTION_PAYMENT_ERROR.*16 TRANSACTION_PAYMENT_INITIATED.*11 TRANSACTION_PENDING`, details)
	require.True(t, strings.HasSuffix(details, "|\n\n"), "%q", details)
}

// A review reads well with and without Markdown. Current Details are rendered as Markdown in the Web UI, and printed as
// they are by `temporal workflow metadata`.
func TestDetailsOfReview(t *testing.T) {
	for reviewer, shown := range map[string]string{"ada": "ada", "https://evil.example": `https\://evil.example`} {
		t.Run(reviewer, func(t *testing.T) {
			r := reviewedRun(t)
			r.publishes(1)
			r.voids()
			r.reviews(time.Minute, review.Request{Verdict: review.Decline, Reviewer: reviewer})
			r.execute()
			require.Regexp(t, `\nReview: declined by `+regexp.QuoteMeta(shown)+` at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; deadline \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n`, shownOf(t, r))
		})
	}
}

// Temporal keeps summaries and search attributes in plain text.
func TestNoCardNumberInSummariesAndSearchAttributes(t *testing.T) {
	paid := transaction.Transaction{Order: transaction.Order{ID: "4716190207394368"}, PaymentMethod: "4716-1902-0739-4368"}
	event := alert.Event{Subject: "4716 1902 0739 4368"}
	attributes := workflows.SearchAttributes(paid)
	order, _ := attributes.GetKeyword(workflows.OrderIDKey)
	method, _ := attributes.GetKeyword(workflows.PaymentMethodKey)
	for _, text := range []string{workflows.TransactionSummary(paid), workflows.AlertSummary(event), order, method} {
		require.Contains(t, text, "471619******4368")
		require.NotContains(t, text, "0739")
	}
}
