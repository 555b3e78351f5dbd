package workflows_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/review"
	"dummyorders/workflows"
)

// histories is where the histories are that `make record-histories` recorded on a real server. Those named "before" take the
// path that a workflow.GetVersion keeps, or, before charges and before charges in one call, that of the gateway's choice.
const histories = "testdata/histories"

// TestRecordedHistoriesReplay fails when a change to the workflows would break those that are running. Then either keep the
// old path beside the new one with workflow.GetVersion, or, if no such workflow can be running any more, record the
// histories again.
func TestRecordedHistoriesReplay(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			// These settings differ from those of the recording: they must not change what a workflow does.
			orders := &workflows.Orders{
				FraudCheckDeadline: 7 * time.Minute, PaymentDeadline: 7 * time.Minute,
				ReviewDeadline: 7 * time.Minute, ReviewOnExpiry: review.Approve,
			}
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(orders.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
			replayer.RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
			replayer.RegisterWorkflowWithOptions(workflows.AlertGroup, workflow.RegisterOptions{Name: workflows.AlertGroupType})
			recorded, execution := recorded(t, file)
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, recorded, worker.ReplayWorkflowHistoryOptions{OriginalExecution: execution}))
		})
	}
}

// recorded returns a history and the execution that it belongs to: the ids of digests are made from that.
func recorded(t *testing.T, file string) (*history.History, workflow.Execution) {
	t.Helper()
	text, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, text.Close()) }()
	events, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
	require.NoError(t, err)
	began := events.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return events, workflow.Execution{ID: began.GetWorkflowId(), RunID: began.GetOriginalExecutionRunId()}
}

func TestRecordedHistoriesAreComplete(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	slices.Sort(names)
	require.Equal(t, []string{
		"alert-group",
		"alert-group-alone",
		"alert-group-before-alone",
		"alert-throttle",
		"alert-throttle-before-urgent",
		"deliver-alert-acknowledged",
		"deliver-alert-acknowledged-before-now",
		"deliver-alert-alone",
		"deliver-alert-alone-before-now",
		"deliver-alert-grouped-collected",
		"deliver-alert-grouped-digest",
		"deliver-alert-grouped-digest-before-now",
		"deliver-alert-grouped-first",
		"deliver-alert-grouped-first-before-now",
		"deliver-alert-muted",
		"deliver-alert-now",
		"deliver-alert-now-later",
		"deliver-alert-now-refused",
		"deliver-alert-refused",
		"deliver-alert-refused-before-now",
		"deliver-alert-throttled-collected",
		"deliver-alert-throttled-digest",
		"deliver-alert-throttled-digest-before-now",
		"deliver-alert-throttled-first",
		"deliver-alert-told",
		"deliver-alert-told-before-now",
		"deliver-alert-told-later",
		"deliver-alert-told-later-before-now",
		"deliver-alert-unacknowledged",
		"deliver-alert-unacknowledged-before-now",
		"process-transaction-alert-late",
		"process-transaction-approved",
		"process-transaction-approved-before-charge",
		"process-transaction-approved-before-one-call",
		"process-transaction-cancelled",
		"process-transaction-cancelled-approved",
		"process-transaction-cancelled-reviewed",
		"process-transaction-cancelled-reviewed-before-beside",
		"process-transaction-capture-answer-lost",
		"process-transaction-capture-answer-lost-before-charge",
		"process-transaction-capture-declined",
		"process-transaction-capture-declined-before-charge",
		"process-transaction-capture-unanswered",
		"process-transaction-capture-unanswered-before-charge",
		"process-transaction-capture-unanswered-before-one-call",
		"process-transaction-declined",
		"process-transaction-hold-answer-lost",
		"process-transaction-hold-answer-lost-before-charge",
		"process-transaction-ledger-away",
		"process-transaction-nobody-waits",
		"process-transaction-not-evaluated",
		"process-transaction-payment-declined",
		"process-transaction-payment-declined-before-charge",
		"process-transaction-review-approved",
		"process-transaction-review-approved-by-two",
		"process-transaction-review-cancelled",
		"process-transaction-review-declined",
		"process-transaction-review-declined-alert-late",
		"process-transaction-review-declined-alert-late-before-beside",
		"process-transaction-review-expired-approved",
		"process-transaction-review-expired-declined",
		"process-transaction-still-held",
		"process-transaction-still-held-before-charge",
		"process-transaction-waiting-for-review",
	}, names)
}
