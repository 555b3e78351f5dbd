package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// TestStatusOverHTTP takes transactions to each status, and reads them there with GET.
func TestStatusOverHTTP(t *testing.T) {
	w := newWorld(t, map[string]string{"RABBITMQ_CONFIRM_TIMEOUT": "200ms"})
	broker := startProxy(t, brokerAddress())
	broker.Stop()
	w.env["RABBITMQ_PUBLISHER_URL"] = through(broker, shared.rabbitmq.URL("orders", "orders"))
	w.start(worker, alertman, apiProcess)

	pending := w.post(body(small, goodCard), "Prefer", "respond-async").answer(t).TransactionID
	w.shows(pending, transaction.Pending)
	w.start(fraudPolice)
	w.shows(pending, transaction.PaymentComplete)

	silent := w.post(body(small, silentCard), "Prefer", "respond-async").answer(t).TransactionID
	w.shows(silent, transaction.PaymentInitiated)

	refused := w.post(body(small, declinedCard), "Prefer", "wait=60").answer(t)
	w.shows(refused.TransactionID, transaction.PaymentError)

	w.shows(w.held(), transaction.InReview)

	fraud := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t)
	assert.Equal(t, transaction.AlertInitiated, fraud.TransactionStatus.Code, fraud.TransactionStatus.Status)
	w.shows(fraud.TransactionID, transaction.AlertError)
	require.NoError(t, broker.Start())
	w.shows(fraud.TransactionID, transaction.AlertDone)
	// These two statuses last only a moment, but their steps remain visible.
	for _, passed := range []transaction.Status{transaction.Fraudulent, transaction.AlertInitiated} {
		assert.Contains(t, codes(w.read(fraud.TransactionID)), fmt.Sprint(int(passed)), "no step of %s is shown", passed)
	}
}

// TestStatusSearch is about an outage of the gateway and of the broker: lists and search show the same
// status as the transaction itself.
func TestStatusSearch(t *testing.T) {
	w := newWorld(t, map[string]string{"RABBITMQ_CONFIRM_TIMEOUT": "200ms", "PAYMENT_DEADLINE": "40s"})
	broker := startProxy(t, brokerAddress())
	broker.Stop()
	w.env["RABBITMQ_PUBLISHER_URL"] = through(broker, shared.rabbitmq.URL("orders", "orders"))
	w.start(worker, fraudPolice, apiProcess)

	waiting := w.post(body(small, silentCard), "Prefer", "wait=5").answer(t)
	assert.Equal(t, transaction.PaymentInitiated, waiting.TransactionStatus.Code, "after the wait: %+v", waiting)
	assert.NotNil(t, waiting.Decision, "after the wait: %+v", waiting)
	reviewed := w.held()
	w.shows(waiting.TransactionID, transaction.PaymentInitiated)

	got, err := w.reviewBy("ada", reviewed, "approve", "Prefer", "wait=60")
	require.NoError(t, err)
	assert.Equal(t, transaction.PaymentComplete, got.answer(t).TransactionStatus.Code, "approved: %d %s", got.status, got.body)
	w.shows(reviewed, transaction.PaymentComplete) // although its request for review cannot be published yet
	r := w.read(reviewed)
	assert.Nil(t, r.EndTime, "it has ended without its alert: %+v", r)
	w.shows(waiting.TransactionID, transaction.PaymentError) // the hold has an unknown outcome, which is being queried
	if r := w.read(waiting.TransactionID); r.EndTime != nil {
		t.Errorf("it has ended without an answer of the gateway: %+v", r)
	}
}

// shows waits until GET shows a transaction at a status, and lists and search find it by that status.
func (w *world) shows(id string, status transaction.Status) {
	w.t.Helper()
	eventually(w.t, func() error {
		if r := w.read(id); r.TransactionStatus.Code != status {
			return fmt.Errorf("transaction %s is shown as %s, want %s", id, r.TransactionStatus.Status, status)
		}
		return nil
	})
	eventually(w.t, func() error {
		if list := w.get("/transactions?limit=100&status=" + status.String()); !strings.Contains(string(list.body), id) {
			return fmt.Errorf("status=%s does not list %s", status, id)
		}
		query := fmt.Sprintf("TransactionStatus = %q AND WorkflowId = %q", status, workflows.TransactionWorkflowID(id))
		found, err := running(w.t.Context(), query)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%s finds %v", query, found)
		}
		return err
	})
}

// Transactions are listed by pages and filters.
func TestTransactionList(t *testing.T) {
	w := newWorld(t, nil).everything()
	var want []string
	for i := range 7 {
		id := w.post(body([]string{small, tooMuch}[i%2], goodCard), "Prefer", "wait=60").answer(t).TransactionID
		w.ends(id)
		want = append([]string{id}, want...)
	}
	var got []string
	for path := "/transactions?limit=3"; path != ""; {
		records, next := w.list(path)
		for _, r := range records {
			got = append(got, r.TransactionID)
		}
		if path = ""; next != "" {
			path = "/transactions?limit=3&cursor=" + next
		}
	}
	assert.True(t, slices.Equal(got, want), "listed %v, want %v", got, want)
	for query, count := range map[string]int{
		"outcome=decline": 3, "outcome=approve": 4, "status=18": 4, "status=TRANSACTION_ALERT_DONE": 3,
		"orderID=order-4242": 7, "orderID=order-0000": 0, "status=18&outcome=decline": 0,
	} {
		records, _ := w.list("/transactions?" + query)
		assert.Len(t, records, count, query)
	}
	bad := w.get("/transactions?status=99")
	assert.Equal(t, 422, bad.status, "%s", bad.body)
}

// list returns a page of the list, and the cursor of the next one.
func (w *world) list(path string) ([]ledger.Record, string) {
	w.t.Helper()
	var page struct {
		Transactions []ledger.Record `json:"transactions"`
		Next         string          `json:"next"`
	}
	got := w.get(path)
	w.decode(got, &page)
	return page.Transactions, page.Next
}
