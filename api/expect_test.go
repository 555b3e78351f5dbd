package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	"dummyorders/domain/ledger"
	"dummyorders/workflows"
)

// patient waits longer than anything here takes.
const patient = "Prefer: wait=60"

// paidBy returns the seed's body with a payment method that the script knows.
func paidBy(t *testing.T, method string) string {
	t.Helper()
	return with(t, "paymentMethod", fmt.Sprintf("%q", method))
}

// freshKey returns the header with an unused key.
func freshKey() string {
	return "Idempotency-Key: " + uuid.NewString()
}

func asAnswer(t *testing.T, answer *httptest.ResponseRecorder, status int) ledger.Answer {
	t.Helper()
	if answer.Code != status {
		t.Fatalf("%d, want %d: %s", answer.Code, status, answer.Body)
	}
	var a ledger.Answer
	must(t, json.Unmarshal(answer.Body.Bytes(), &a))
	return a
}

func mustBeReplayed(t *testing.T, answer *httptest.ResponseRecorder, want bool) {
	t.Helper()
	if got := answer.Header().Get("Idempotent-Replayed") == "true"; got != want {
		t.Errorf("replayed is %v, want %v: %d %s", got, want, answer.Code, answer.Body)
	}
}

func mustBeUsed(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if p := asProblem(t, answer); p.Status != 422 || p.Title != "Idempotency-Key is already used" || len(p.Errors) > 0 {
		t.Errorf("%d %s, want the 422 of a used key", answer.Code, answer.Body)
	}
}

// charged checks how often a transaction was charged.
func (w *world) charged(t *testing.T, id string, times int) {
	t.Helper()
	if got := w.till.of(id); got != times {
		t.Errorf("%s was charged %d times, want %d", id, got, times)
	}
}

// letPay lets a paysOnSignal transaction go on.
func (w *world) letPay(t *testing.T, id string) {
	t.Helper()
	must(t, w.client.SignalWorkflow(t.Context(), workflows.TransactionWorkflowID(id), "", "go", nil))
}

// ended waits until the ledger has the end of a transaction.
func (w *world) ended(t *testing.T, id string) {
	t.Helper()
	eventually(t, func() error {
		e, err := w.ledger.Find(t.Context(), id)
		if err == nil && e.Record.EndTime == nil {
			return fmt.Errorf("it stands at %s", e.Record.Status())
		}
		return err
	})
	must(t, w.client.GetWorkflow(t.Context(), workflows.TransactionWorkflowID(id), "").Get(t.Context(), nil))
}

// later returns the API as it is after Temporal's retention, when only the ledger has the transactions.
func (w *world) later() http.Handler {
	return handlerWith(options(w.forgetful, w.ledger))
}
