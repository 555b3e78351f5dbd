package e2e_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// TestPaymentFaults relies on an attempt being given up after ten seconds, so that
// the deadline leaves time for a second one.
func TestPaymentFaults(t *testing.T) {
	w := newWorld(t, map[string]string{"PAYMENT_DEADLINE": "30s"}).everything()
	tests := map[string]struct {
		card  string
		steps string
		// What the record says about the money.
		taken, voided, refunded bool
	}{
		"declined at once":           {declinedCard, "[11 16 17]", false, false, false},
		"declined at the capture":    {uncapturableCard, "[11 16 17]", false, true, false},
		"the hold's answer lost":     {lostHoldCard, "[11 16 18]", true, false, false},
		"the capture's answer lost":  {lostCaptureCard, "[11 16 18]", true, false, false},
		"taken, and never answered":  {unansweredCard, "[11 16 17]", false, false, true},
		"held, then never answered":  {silentCaptureCard, "[11 16 17]", false, true, false},
		"refuses to release as well": {unvoidableCard, "[11 16 17]", false, false, false},
	}
	ids := map[string]string{}
	for name, test := range tests {
		ids[name] = w.post(body(small, test.card), "Prefer", "respond-async").answer(t).TransactionID
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.ends(ids[name])
			assert.Equal(t, test.steps, codes(r), "%+v", r.Payment)
			assert.Equal(t, test.taken, r.Payment.CaptureID != "", "%+v", r.Payment)
			assert.Equal(t, test.voided, r.Payment.VoidedAt != nil, "%+v", r.Payment)
			assert.Equal(t, test.refunded, r.Payment.RefundID != "", "%+v", r.Payment)
		})
	}
	stuck := ids["refuses to release as well"]
	w.alertsDelivered(stuck, "payment.compensation_failed")
	r := w.read(stuck)
	assert.Contains(t, r.Payment.StillHeld, "void_not_allowed", "the record does not say what is still held: %+v", r.Payment)
	answer, err := shared.client.DescribeWorkflowExecution(t.Context(), workflows.TransactionWorkflowID(stuck), "")
	require.NoError(t, err)
	assert.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_FAILED, answer.GetWorkflowExecutionInfo().GetStatus())
	w.verify(len(tests))
}

func TestCallerHangsUp(t *testing.T) {
	w := newWorld(t, nil).start(worker, apiProcess) // without fraud_police there is no check, so the caller waits
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	answered := make(chan error, 1)
	go func() {
		_, err := call(ctx, http.MethodPost, w.api+"/transact", body(small, goodCard), "Prefer", "wait=60")
		answered <- err
	}()
	id := w.onlyRunning()
	hangUp()
	require.ErrorIs(t, <-answered, context.Canceled, "the caller was answered")
	w.start(fraudPolice)
	w.shows(id, transaction.PaymentComplete)
}
