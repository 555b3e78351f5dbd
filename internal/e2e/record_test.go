package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"dummyorders/domain/transaction"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

var recordTo = flag.String("record", "", "folder to record a history of every path to; none are recorded without it")

// TestRecordHistories takes every path of a workflow, and stores its history for the replay test. Run it with `make
// record-histories` after adding a path or making a compatible change to the workflows.
func TestRecordHistories(t *testing.T) {
	if *recordTo == "" {
		t.Skip("histories are recorded by make record-histories")
	}
	root, err := stack.Root()
	require.NoError(t, err)
	r := recorder{dir: filepath.Join(root, *recordTo)}
	t.Run("decided", r.decided)
	t.Run("undecided", r.undecided)
	t.Run("reviewed", r.reviewed)
	t.Run("by two", r.byTwo)
	t.Run("expired", r.expired)
	t.Run("given back", r.givenBack)
	t.Run("ledger away", r.ledgerAway)
	t.Run("late alert", r.lateAlert)
	t.Run("deliveries", r.deliveries)
	t.Run("alerts", r.alerts)
	t.Run("cancelled", r.cancelled)
}

type recorder struct {
	dir string
}

func (r recorder) decided(t *testing.T) {
	w := newWorld(t, nil).everything()
	for name, body := range map[string]string{
		"approved":         body(small, goodCard),
		"declined":         body(tooMuch, goodCard),
		"payment-declined": body(small, declinedCard),
		"capture-declined": body(small, uncapturableCard),
	} {
		r.keep(t, "process-transaction-"+name, workflows.TransactionWorkflowID(w.post(body, "Prefer", "wait=60").answer(t).TransactionID))
	}
	id := w.post(body(small, goodCard), "Prefer", "respond-async").answer(t).TransactionID
	r.keep(t, "process-transaction-nobody-waits", workflows.TransactionWorkflowID(id))
}

func (r recorder) undecided(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_CHECK_DEADLINE": "1s", "REVIEW_DEADLINE": "4s"}).start(worker, alertman, apiProcess)
	id := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	r.keep(t, "process-transaction-not-evaluated", workflows.TransactionWorkflowID(id))
}

func (r recorder) reviewed(t *testing.T) {
	w := newWorld(t, nil).everything()
	waiting := w.held()
	w.isMailed(waiting, 1)
	r.write(t, "process-transaction-waiting-for-review", workflows.TransactionWorkflowID(waiting))
	for _, verdict := range []string{"approve", "decline"} {
		id := w.held()
		_, err := w.reviewBy("ada", id, verdict, "Prefer", "wait=60")
		require.NoError(t, err)
		r.keep(t, "process-transaction-review-"+verdict+"d", workflows.TransactionWorkflowID(id))
	}
	w.getsStricter()
	_, err := w.reviewBy("ada", waiting, "approve", "Prefer", "wait=60") // the answer says that the check got worse
	require.NoError(t, err)
	require.NoError(t, shared.client.CancelWorkflow(t.Context(), workflows.TransactionWorkflowID(waiting), ""))
	r.keep(t, "process-transaction-review-cancelled", workflows.TransactionWorkflowID(waiting))
}

func (r recorder) byTwo(t *testing.T) {
	w := newWorld(t, map[string]string{"REVIEW_SECOND_FROM": "INR:1"}).everything()
	id := w.held()
	for _, reviewer := range []string{"ada", "grace"} {
		_, err := w.reviewBy(reviewer, id, "approve", "Prefer", "wait=60")
		require.NoError(t, err)
	}
	r.keep(t, "process-transaction-review-approved-by-two", workflows.TransactionWorkflowID(id))
}

func (r recorder) expired(t *testing.T) {
	for _, verdict := range []string{"approve", "decline"} {
		w := newWorld(t, map[string]string{"REVIEW_DEADLINE": "4s", "REVIEW_ON_EXPIRY": verdict}).everything()
		r.keep(t, "process-transaction-review-expired-"+verdict+"d", workflows.TransactionWorkflowID(w.held()))
		w.stopAll()
	}
}

func (r recorder) givenBack(t *testing.T) {
	w := newWorld(t, map[string]string{"PAYMENT_DEADLINE": "3s"}).everything()
	for name, card := range map[string]string{
		"hold-answer-lost":    lostHoldCard,
		"capture-answer-lost": lostCaptureCard,
		"capture-unanswered":  unansweredCard,
		"still-held":          unvoidableCard,
	} {
		id := w.post(body(small, card), "Prefer", "wait=60").answer(t).TransactionID
		r.keep(t, "process-transaction-"+name, workflows.TransactionWorkflowID(id))
	}
}

func (r recorder) ledgerAway(t *testing.T) {
	server := startPostgres(t)
	address := fmt.Sprintf("127.0.0.1:%d", server.Port())
	url := server.URL("orders", "orders")
	w := newWorld(t, map[string]string{"LEDGER_URL": url})
	// It is away for the worker alone: the API takes no transaction while it cannot keep the audit trail.
	way := startProxy(t, address)
	w.startWith(worker, map[string]string{"LEDGER_URL": strings.Replace(url, address, way.Listen, 1)})
	w.start(fraudPolice, alertman, apiProcess)
	way.Stop()
	id := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	require.NoError(t, way.Start())
	r.keep(t, "process-transaction-ledger-away", workflows.TransactionWorkflowID(id))
}

func (r recorder) lateAlert(t *testing.T) {
	w := newWorld(t, map[string]string{"RABBITMQ_CONFIRM_TIMEOUT": "200ms"})
	broker := startProxy(t, brokerAddress())
	broker.Stop()
	w.env["RABBITMQ_PUBLISHER_URL"] = through(broker, shared.rabbitmq.URL("orders", "orders"))
	w.everything()
	id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	w.reaches(id, transaction.AlertError)
	require.NoError(t, broker.Start())
	r.keep(t, "process-transaction-alert-late", workflows.TransactionWorkflowID(id))
	r.keep(t, "deliver-alert-told", alertWorkflowOf(id))

	broker.Stop()
	id = w.held()
	eventually(t, func() error {
		answer, err := shared.client.DescribeWorkflowExecution(t.Context(), workflows.TransactionWorkflowID(id), "")
		if err == nil && (len(answer.GetPendingActivities()) == 0 || answer.GetPendingActivities()[0].GetAttempt() < 3) {
			err = errors.New("the request to review it has not failed twice")
		}
		return err
	})
	_, err := w.reviewBy("ada", id, "decline", "Prefer", "wait=60")
	require.NoError(t, err)
	w.reaches(id, transaction.AlertError)
	require.NoError(t, broker.Start())
	r.keep(t, "process-transaction-review-declined-alert-late", workflows.TransactionWorkflowID(id))
}

func (r recorder) deliveries(t *testing.T) {
	w := newWorld(t, nil).everything()
	// Each answer decides whether the next alert is sent within a workflow task.
	for _, c := range []struct {
		name    string
		refusal error
	}{
		{"deliver-alert-told-later", &smtp.SMTPError{Code: 451, Message: "try again later"}},
		{"deliver-alert-now", nil},
		{"deliver-alert-now-later", &smtp.SMTPError{Code: 451, Message: "try again later"}},
		{"deliver-alert-now-refused", &smtp.SMTPError{Code: 550, Message: "no such mailbox"}},
		{"deliver-alert-refused", &smtp.SMTPError{Code: 550, Message: "no such mailbox"}},
	} {
		tries := 0
		hook := func() error {
			if tries++; tries > 1 {
				return nil
			}
			return c.refusal
		}
		shared.onData.Store(&hook)
		id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
		w.reaches(id, transaction.AlertDone)
		r.keep(t, c.name, alertWorkflowOf(id))
		shared.onData.Store(nil)
	}
}

func (r recorder) cancelled(t *testing.T) {
	w := newWorld(t, nil).start(worker, apiProcess)
	pending := func(id string, want int) {
		eventually(t, func() error {
			answer, err := shared.client.DescribeWorkflowExecution(t.Context(), id, "")
			if got := len(answer.GetPendingActivities()); err == nil && got != want {
				err = fmt.Errorf("%d activities are scheduled, not %d", got, want)
			}
			return err
		})
	}
	post := func(amount string) string {
		id := workflows.TransactionWorkflowID(w.post(body(amount, goodCard), "Prefer", "respond-async").answer(t).TransactionID)
		pending(id, 1)
		return id
	}
	cancel := func(id string) { require.NoError(t, shared.client.CancelWorkflow(t.Context(), id, "")) }
	id := post(small)
	cancel(id)
	r.keep(t, "process-transaction-cancelled", id)

	// The worker hears of the verdict and of the cancellation at once.
	ids := map[string]string{"approved": post(small), "reviewed": post(forReview)}
	require.NoError(t, w.processes[worker].Stop(t.Context()))
	w.start(fraudPolice)
	for _, id := range ids {
		pending(id, 0)
		cancel(id)
	}
	w.start(worker)
	for name, id := range ids {
		r.keep(t, "process-transaction-cancelled-"+name, id)
	}
}

// whoWasIt and whereWasIt match the worker's host and process, which must not be published.
var (
	whoWasIt   = regexp.MustCompile(`("identity": )"[^"]*"`)
	whereWasIt = regexp.MustCompile(`("name": ")[^":]+(:[0-9a-f-]{36}")`)
)

// keep waits until the workflow has ended, and writes its history as `temporal workflow show --output json` does.
func (r recorder) keep(t *testing.T, name, workflowID string) {
	t.Helper()
	eventually(t, func() error {
		answer, err := shared.client.DescribeWorkflowExecution(t.Context(), workflowID, "")
		info := answer.GetWorkflowExecutionInfo()
		if err == nil && info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return fmt.Errorf("%s has not ended", workflowID)
		}
		if err == nil {
			t.Logf("%s: %d events, %d bytes, %d state transitions",
				name, info.GetHistoryLength(), info.GetHistorySizeBytes(), info.GetStateTransitionCount())
		}
		return err
	})
	r.write(t, name, workflowID)
}

func (r recorder) write(t *testing.T, name, workflowID string) {
	t.Helper()
	events := &history.History{}
	pages := shared.client.GetWorkflowHistory(t.Context(), workflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		require.NoError(t, err)
		events.Events = append(events.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(events)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(r.dir, 0o750))
	text = whoWasIt.ReplaceAll(text, []byte(`$1"recorded"`))
	text = whereWasIt.ReplaceAll(text, []byte(`${1}recorded$2`))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, name+".json"), append(text, '\n'), 0o600))
}
