package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// One key is one transaction and one charge.
func TestIdempotencyOneCharge(t *testing.T) {
	w := newWorld(t, nil).everything()
	key := []string{"Idempotency-Key", `"order-1234"`, "Prefer", "wait=60"}
	first := w.hundredAtOnce(body(small, goodCard), key)
	id := first.answer(t).TransactionID
	same := func(t *testing.T, when string, after func()) {
		t.Helper()
		after()
		again := w.post(body(small, goodCard), key...)
		assert.Equal(t, 200, again.status, "%s %v %s %s", when, again.header, again.body, first.body)
		assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"), "%s %v %s %s", when, again.header, again.body, first.body)
		assert.Empty(t, cmp.Diff(first.answer(t), again.answer(t)), "%s %v %s %s", when, again.header, again.body, first.body)
		other := w.post(body("124.00", goodCard), key...)
		assert.Equal(t, 422, other.status, "%s %s", when, other.body)
	}
	same(t, "after the answer", func() {})
	same(t, "after a restart of everything", w.restartEverything)
	w.ends(id)
	r, err := record(t.Context(), id)
	require.NoError(t, err, "%+v", r.Payment)
	assert.NotEmpty(t, r.Payment.CaptureID, "%+v", r.Payment)
	same(t, "after Temporal has forgotten it", func() { w.forget(id) })
	if _, err := record(t.Context(), id); err == nil {
		t.Error("Temporal has a workflow of it again")
	}
}

// TestLedgerOutlivesTemporal checks that an ended transaction can still be read, and its key is still known, after
// Temporal has forgotten it. The answer is the one that was given first, whatever has happened to the alert since.
func TestLedgerOutlivesTemporal(t *testing.T) {
	w := newWorld(t, nil).everything()
	key := []string{"Idempotency-Key", "fraud", "Prefer", "wait=60"}
	first := w.post(body(tooMuch, goodCard), key...)
	id := first.answer(t).TransactionID
	w.isMailed(id, 1)
	before := w.ends(id)
	for _, forgotten := range []bool{false, true} {
		if forgotten {
			w.forget(id)
		}
		again := w.post(body(tooMuch, goodCard), key...)
		assert.Empty(t, cmp.Diff(first.answer(t), again.answer(t)), "forgotten %t", forgotten)
		assert.Equal(t, 200, again.status, "forgotten %t", forgotten)
		assert.Empty(t, cmp.Diff(before, w.read(id)), "forgotten %t: read (-before +after)", forgotten)
	}
}

// A key is known while its transaction runs.
func TestIdempotencyWhileRunning(t *testing.T) {
	w := newWorld(t, nil).start(worker, apiProcess) // without fraud_police nothing is decided
	key := []string{"Idempotency-Key", "running", "Prefer", "respond-async"}
	first := w.post(body(small, goodCard), key...)
	for _, prefer := range []string{"respond-async", "wait=1"} {
		again := w.post(body(small, goodCard), "Idempotency-Key", "running", "Prefer", prefer)
		assert.Equal(t, 202, again.status, "%s %v %s", prefer, again.header, again.body)
		assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"), "%s %v %s", prefer, again.header, again.body)
		assert.Equal(t, first.answer(t).TransactionID, again.answer(t).TransactionID, "%s %v %s", prefer, again.header, again.body)
		other := w.post(body("124.00", goodCard), "Idempotency-Key", "running", "Prefer", prefer)
		assert.Equal(t, 422, other.status, "%s %s", prefer, other.body)
	}
	w.start(fraudPolice)
	w.reaches(first.answer(t).TransactionID, transaction.PaymentComplete)
}

// A key belongs to its client.
func TestIdempotencyByClient(t *testing.T) {
	w := newWorld(t, map[string]string{"API_KEYS": "shop:the-key-of-the-shop,mobile:the-key-of-the-app"}).everything()
	refused := w.post(body(small, goodCard))
	assert.Equal(t, 401, refused.status, "%s", refused.body)
	assert.NotEmpty(t, refused.header.Get("WWW-Authenticate"), "%s", refused.body)
	ids := map[string]bool{}
	for _, apiKey := range []string{"the-key-of-the-shop", "the-key-of-the-app"} {
		got := w.post(body(small, goodCard), "Authorization", "Bearer "+apiKey, "Idempotency-Key", "same", "Prefer", "wait=60")
		ids[got.answer(t).TransactionID] = true
	}
	assert.Len(t, ids, 2, "two clients' keys are %d transactions, want 2", len(ids))
}

// hundredAtOnce posts a body a hundred times concurrently, and returns the one answer that all of them got.
func (w *world) hundredAtOnce(body string, headers []string) reply {
	w.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	var replies []reply
	for range 100 {
		all.Go(func() {
			got, err := w.send(body, headers...)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.status != 200 {
				w.t.Errorf("%v: %d %s", err, got.status, got.body)
				return
			}
			replies = append(replies, got)
		})
	}
	all.Wait()
	replayed := 0
	for _, r := range replies {
		assert.Empty(w.t, cmp.Diff(replies[0].answer(w.t), r.answer(w.t)), "two answers differ")
		if r.header.Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	require.Len(w.t, replies, 100)
	require.Equal(w.t, 99, replayed)
	return replies[0]
}

// restartEverything stops all processes and Temporal, and starts them again.
func (w *world) restartEverything() {
	w.t.Helper()
	names := make([]string, 0, len(w.processes))
	for name, p := range w.processes {
		require.NoError(w.t, p.Stop(context.WithoutCancel(w.t.Context())))
		names = append(names, name)
	}
	require.NoError(w.t, shared.temporal.Stop(context.WithoutCancel(w.t.Context())))
	require.NoError(w.t, shared.temporal.Start(context.WithoutCancel(w.t.Context())))
	w.start(names...)
}

// forget deletes a transaction's workflow, as Temporal itself does when its retention is over.
func (w *world) forget(id string) {
	w.t.Helper()
	workflowID := workflows.TransactionWorkflowID(id)
	_, err := shared.client.WorkflowService().DeleteWorkflowExecution(w.t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace:         "default",
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: workflowID},
	})
	require.NoError(w.t, err)
	eventually(w.t, func() error {
		_, err := shared.client.DescribeWorkflowExecution(w.t.Context(), workflowID, "")
		if err == nil {
			return errors.New("still there")
		}
		if !strings.Contains(err.Error(), "not found") {
			return fmt.Errorf("not known to be gone: %w", err)
		}
		return nil
	})
}
