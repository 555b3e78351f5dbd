package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
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

func mustBeReplayed(t *testing.T, answer *httptest.ResponseRecorder, want bool) {
	t.Helper()
	assert.Equal(t, want, answer.Header().Get("Idempotent-Replayed") == "true", "%d %s", answer.Code, answer.Body)
}

func mustBeUsed(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	p := asProblem(t, answer)
	assert.Equal(t, 422, p.Status, "%d %s, want the 422 of a used key", answer.Code, answer.Body)
	assert.Equal(t, "Idempotency-Key is already used", p.Title, "%d %s, want the 422 of a used key", answer.Code, answer.Body)
	assert.Empty(t, p.Errors, "%d %s, want the 422 of a used key", answer.Code, answer.Body)
}

// charged checks how often a transaction was charged.
func (w *world) charged(t *testing.T, id string, times int) {
	t.Helper()
	assert.Equal(t, times, w.till.of(id), id)
}

// letPay lets a paysOnSignal transaction go on.
func (w *world) letPay(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, w.client.SignalWorkflow(t.Context(), workflows.TransactionWorkflowID(id), "", "go", nil))
}

// ended waits until the ledger has the end of a transaction.
func (w *world) ended(t *testing.T, id string) {
	t.Helper()
	eventually(t, func() error {
		e, err := w.ledger.Find(t.Context(), identity.AllMerchants(), id)
		if err == nil && e.Record.EndTime == nil {
			return fmt.Errorf("it stands at %s", e.Record.Status())
		}
		return err
	})
	require.NoError(t, w.client.GetWorkflow(t.Context(), workflows.TransactionWorkflowID(id), "").Get(t.Context(), nil))
}

// later returns the API as it is after Temporal's retention, when only the ledger has the transactions.
func (w *world) later() http.Handler {
	return handlerWith(options(w.forgetful, w.ledger))
}
