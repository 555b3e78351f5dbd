package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// held posts a transaction that needs a review, and returns its id.
func (w *world) held() string {
	w.t.Helper()
	got := w.post(body(forReview, goodCard), "Prefer", "wait=60")
	answer := got.answer(w.t)
	if got.status != 202 || answer.TransactionStatus.Code != transaction.InReview || answer.Review == nil ||
		got.header.Get("Location") != "/transactions/"+answer.TransactionID || got.header.Get("Retry-After") == "" {
		w.t.Fatalf("for review: %d %v %s", got.status, got.header, got.body)
	}
	return answer.TransactionID
}

// read returns a transaction as GET /transactions/{id} shows it.
func (w *world) read(id string) ledger.Record {
	w.t.Helper()
	var r ledger.Record
	w.decode(w.get("/transactions/"+id), &r)
	return r
}

func (w *world) decode(got reply, into any) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal(got.body, into), "%s", got.body)
	require.Equal(w.t, 200, got.status, "%s", got.body)
}

// ends waits until a transaction has ended, and returns its record as the API shows it.
func (w *world) ends(id string) ledger.Record {
	w.t.Helper()
	var r ledger.Record
	eventually(w.t, func() error {
		r = w.read(id)
		if r.EndTime == nil {
			return fmt.Errorf("transaction %s has not ended: %s", id, r.TransactionStatus.Status)
		}
		return workflowEnded(w.t.Context(), id) // by then the ledger has its last entry
	})
	return r
}

func codes(r ledger.Record) string {
	all := make([]transaction.Status, len(r.Steps))
	for i, step := range r.Steps {
		all[i] = step.Code
	}
	return stepCodes(all)
}

// A review survives a restart of everything and is decided over HTTP.
func TestReviewSurvivesRestart(t *testing.T) {
	w := newWorld(t, nil).everything()
	approved, declined := w.held(), w.held()
	for name := range w.processes {
		w.kill(name)
	}
	require.NoError(t, shared.temporal.Stop(context.WithoutCancel(t.Context())))
	require.NoError(t, shared.temporal.Start(context.WithoutCancel(t.Context())))
	w.everything()

	got, err := w.reviewBy("ada", approved, "approve", "Prefer", "wait=60")
	require.NoError(t, err)
	a := got.answer(t)
	assert.Equal(t, 200, got.status, "%s", got.body)
	assert.Equal(t, "Transaction Successful", a.Message, "%s", got.body)
	assert.Equal(t, "ada", a.Review.Reviewer, "%s", got.body)
	got, err = w.reviewBy("grace", declined, "decline", "Prefer", "wait=60")
	require.NoError(t, err)
	if a := got.answer(t); got.status != 200 || a.Message != "Transaction Fraudulent" || !a.TransactionStatus.FraudStatus {
		t.Errorf("declined: %d %s", got.status, got.body)
	}
	r := w.ends(approved)
	assert.Equal(t, "[11 16 19 18]", codes(r), "%+v", r.Payment)
	assert.NotEmpty(t, r.Payment.CaptureID, "%+v", r.Payment)
	assert.Nil(t, r.Payment.VoidedAt, "%+v", r.Payment)
	if r := w.ends(declined); codes(r) != "[11 16 19 12 13 15]" || r.Payment.CaptureID != "" || r.Payment.VoidedAt == nil {
		t.Errorf("declined: %s %+v", codes(r), r.Payment)
	}
	w.alertsDelivered(declined, "fraud.review_requested", "fraud.detected")
	// The new worker has replayed both reviews: it counts how they ended, and not again how they began.
	shown := w.metrics(worker)
	for _, status := range []string{"TRANSACTION_PAYMENT_COMPLETE", "TRANSACTION_ALERT_DONE"} {
		assert.Regexp(t, `orders_transactions_total\{.*status="`+status+`"\} 1\.0\n`, shown)
	}
	assert.NotContains(t, shown, "orders_transaction_answer_seconds_count")
}

// A review is decided by the link in its mail.
func TestReviewLink(t *testing.T) {
	w := newWorld(t, map[string]string{"ALERT_LINK_KEY": "a key for links, which is long enough"})
	w.env["API_URL"] = w.api
	w.alertsTo(`
version: 1
receivers: [{name: reviewers, channels: [mail: reviewers@example.com], group: none}]
routes: [{name: all, tell: [reviewers]}]
`)
	w.everything()
	id := w.held()
	link := linkIn(t, mailTo(t, "reviewers@example.com", workflows.EventID(workflows.TransactionWorkflowID(id), 1)))
	page := fetch(t, http.MethodGet, link, "")
	for _, want := range []string{id, "INR " + forReview, "Approve", "Decline"} {
		assert.Equal(t, http.StatusOK, page.status)
		assert.Contains(t, string(page.body), want)
	}
	r := w.read(id)
	require.False(t, r.Review.Decided(), "to look at the link decides: %+v", r.Review)
	acknowledging := strings.Replace(strings.Replace(link, "/transactions/", "/alerts/", 1), "/review?", "/acknowledge?", 1)
	got := fetch(t, http.MethodPost, acknowledging, "name=eve")
	assert.Equal(t, http.StatusForbidden, got.status, "%s", got.body)
	if got := fetch(t, http.MethodPost, link, "decision=approve&name=ada"); got.status != http.StatusOK {
		t.Fatalf("approve: %d %s", got.status, got.body)
	}
	if r := w.ends(id); codes(r) != "[11 16 19 18]" || r.Payment.CaptureID == "" || r.Review.Reviewer != "ada (reviewers@example.com)" {
		t.Errorf("approved: %s %+v %+v", codes(r), r.Payment, r.Review)
	}
	for method, status := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusConflict} {
		got := fetch(t, method, link, map[string]string{http.MethodPost: "decision=decline"}[method])
		assert.Equal(t, status, got.status, method)
		assert.Contains(t, string(got.body), "approved by ada (reviewers@example.com)", method)
	}
}

// Of two reviewers, one wins and the other is answered who did.
func TestReviewTwoAtOnce(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.held()
	var all sync.WaitGroup
	replies := make([]reply, 2)
	for i, verdict := range []string{"approve", "decline"} {
		all.Go(func() {
			got, err := w.reviewBy([]string{"ada", "grace"}[i], id, verdict, "Prefer", "wait=60")
			assert.NoError(t, err)
			replies[i] = got
		})
	}
	all.Wait()
	if replies[0].status == 200 {
		replies[0], replies[1] = replies[1], replies[0]
	}
	lost, won := replies[0], replies[1]
	assert.Equal(t, 200, won.status, "%s", won.body)
	assert.Equal(t, 409, lost.status, "%s", won.body)
	assert.Contains(t, string(lost.body), "by "+won.answer(t).Review.Reviewer, "%s", won.body)
	w.ends(id)
	late, err := w.reviewBy("late", id, "approve")
	require.NoError(t, err)
	assert.Equal(t, 409, late.status)
	assert.Contains(t, string(late.body), "by "+won.answer(t).Review.Reviewer)
	repeated, err := w.reviewBy(won.answer(t).Review.Reviewer, id, string(won.answer(t).Review.Verdict))
	require.NoError(t, err)
	assert.Equal(t, 200, repeated.status, "%s", repeated.body)
}

// A reviewer has to confirm if the check got worse.
func TestReviewRecheckWorse(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.held()
	w.getsStricter()
	worse, err := w.reviewBy("ada", id, "approve", "Prefer", "wait=60")
	require.NoError(t, err)
	require.Equal(t, 409, worse.status)
	require.Contains(t, string(worse.body), "confirm")
	require.Contains(t, string(worse.body), `"decline"`)
	r := w.read(id)
	assert.Equal(t, transaction.InReview, r.TransactionStatus.Code, "it has not stayed in review: %+v", r.Answer)
	assert.Equal(t, fraud.Decline, r.Review.Recheck.Outcome, "it has not stayed in review: %+v", r.Answer)
	confirmed, err := w.sendTo("/transactions/"+id+"/review", `{"decision":"approve","reviewer":"ada","confirm":true}`, "Prefer", "wait=60")
	require.NoError(t, err)
	assert.Equal(t, 200, confirmed.status, "%s", confirmed.body)
	assert.Equal(t, transaction.PaymentComplete, confirmed.answer(t).TransactionStatus.Code, "%s", confirmed.body)
}

// getsStricter makes the fraud check decline from now on what it sent to review before.
func (w *world) getsStricter() {
	w.t.Helper()
	require.NoError(w.t, w.processes[fraudPolice].Stop(w.t.Context()))
	address := freeAddress(w.t)
	p := w.startWith(fraudPolice, map[string]string{"FRAUD_LIMIT_DECLINE": "INR:120000", "HEALTH_ADDRESS": address})
	require.NoError(w.t, p.WaitHealthy(w.t.Context(), "http://"+address+"/readyz"))
}

// A review that is not decided reminds and expires.
func TestReviewExpires(t *testing.T) {
	w := newWorld(t, map[string]string{"REVIEW_DEADLINE": "6s"}).everything()
	id := w.held()
	r := w.ends(id)
	assert.Equal(t, "[11 16 19 12 13 15]", codes(r), "%+v %+v", r.Answer, r.Payment)
	assert.False(t, r.TransactionStatus.FraudStatus, "%+v %+v", r.Answer, r.Payment)
	assert.True(t, r.Review.Expired, "%+v %+v", r.Answer, r.Payment)
	assert.NotNil(t, r.Payment.VoidedAt, "%+v %+v", r.Answer, r.Payment)
	w.alertsDelivered(id, "fraud.review_requested", "fraud.review_reminder", "fraud.review_expired")
}

// A transaction that no process checks goes to review and is not called a fraud.
func TestReviewWithoutCheck(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_CHECK_DEADLINE": "2s"}).start(worker, alertman, apiProcess)
	got := w.post(body(small, goodCard), "Prefer", "wait=60")
	answer := got.answer(t)
	require.Equal(t, 202, got.status, "%s", got.body)
	require.Equal(t, fraud.NotEvaluated, answer.Decision.Outcome, "%s", got.body)
	require.False(t, answer.TransactionStatus.FraudStatus, "%s", got.body)
	require.Equal(t, transaction.InReview, answer.TransactionStatus.Code, "%s", got.body)
	w.isMailed(answer.TransactionID, 1)
	w.start(fraudPolice)
	approved, err := w.reviewBy("ada", answer.TransactionID, "approve", "Prefer", "wait=60")
	require.NoError(t, err)
	assert.Equal(t, 200, approved.status, "%s", approved.body)
	assert.Equal(t, transaction.PaymentComplete, approved.answer(t).TransactionStatus.Code, "%s", approved.body)
}

// A cancelled review releases its hold.
func TestReviewCancelled(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.held()
	require.NoError(t, shared.client.CancelWorkflow(t.Context(), workflows.TransactionWorkflowID(id), ""))
	r := w.ends(id)
	assert.Equal(t, "[11 16 19 17]", codes(r), "%+v", r.Payment)
	require.NotNil(t, r.Payment.VoidedAt, "%+v", r.Payment)
	assert.Equal(t, "cancelled", r.Payment.Error, "%+v", r.Payment)
}

// alertsDelivered waits until a transaction's alerts were delivered, in the order of their events, once each.
func (w *world) alertsDelivered(id string, routingKeys ...string) {
	w.t.Helper()
	for i := range routingKeys {
		eventually(w.t, func() error { return deliveredNumber(w.t.Context(), id, i+1) })
	}
	assert.Len(w.t, mails(w.t)[id], len(routingKeys), id)
	for i, key := range routingKeys {
		assert.Contains(w.t, eventTypeOf(w.t, id, i+1), key, "alert %d of transaction %s", i+1, id)
	}
}
