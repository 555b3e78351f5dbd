package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

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
	if err := json.Unmarshal(got.body, into); err != nil || got.status != 200 {
		w.t.Fatalf("%v: %d %s", err, got.status, got.body)
	}
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
	must(t, shared.temporal.Stop(context.WithoutCancel(t.Context())))
	must(t, shared.temporal.Start(context.WithoutCancel(t.Context())))
	w.everything()

	got, err := w.reviewBy("ada", approved, "approve", "Prefer", "wait=60")
	must(t, err)
	if a := got.answer(t); got.status != 200 || a.Message != "Transaction Successful" || a.Review.Reviewer != "ada" {
		t.Errorf("approved: %d %s", got.status, got.body)
	}
	got, err = w.reviewBy("grace", declined, "decline", "Prefer", "wait=60")
	must(t, err)
	if a := got.answer(t); got.status != 200 || a.Message != "Transaction Fraudulent" || !a.TransactionStatus.FraudStatus {
		t.Errorf("declined: %d %s", got.status, got.body)
	}
	if r := w.ends(approved); codes(r) != "[11 16 19 18]" || r.Payment.CaptureID == "" || r.Payment.VoidedAt != nil {
		t.Errorf("approved: %s %+v", codes(r), r.Payment)
	}
	if r := w.ends(declined); codes(r) != "[11 16 19 12 13 15]" || r.Payment.CaptureID != "" || r.Payment.VoidedAt == nil {
		t.Errorf("declined: %s %+v", codes(r), r.Payment)
	}
	w.alertsDelivered(declined, "fraud.review_requested", "fraud.detected")
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
		if page.status != http.StatusOK || !strings.Contains(string(page.body), want) {
			t.Errorf("the page lacks %q: %d %s", want, page.status, page.body)
		}
	}
	if r := w.read(id); r.Review.Decided() {
		t.Fatalf("to look at the link decides: %+v", r.Review)
	}
	acknowledging := strings.Replace(strings.Replace(link, "/transactions/", "/alerts/", 1), "/review?", "/acknowledge?", 1)
	if got := fetch(t, http.MethodPost, acknowledging, "name=eve"); got.status != http.StatusForbidden {
		t.Errorf("the link acknowledges: %d %s", got.status, got.body)
	}
	if got := fetch(t, http.MethodPost, link, "decision=approve&name=ada"); got.status != http.StatusOK {
		t.Fatalf("approve: %d %s", got.status, got.body)
	}
	if r := w.ends(id); codes(r) != "[11 16 19 18]" || r.Payment.CaptureID == "" || r.Review.Reviewer != "ada (reviewers@example.com)" {
		t.Errorf("approved: %s %+v %+v", codes(r), r.Payment, r.Review)
	}
	for method, status := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusConflict} {
		got := fetch(t, method, link, map[string]string{http.MethodPost: "decision=decline"}[method])
		if got.status != status || !strings.Contains(string(got.body), "approved by ada (reviewers@example.com)") {
			t.Errorf("%s once it is decided: %d %s", method, got.status, got.body)
		}
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
			if err != nil {
				t.Error(err)
			}
			replies[i] = got
		})
	}
	all.Wait()
	if replies[0].status == 200 {
		replies[0], replies[1] = replies[1], replies[0]
	}
	lost, won := replies[0], replies[1]
	if won.status != 200 || lost.status != 409 || !strings.Contains(string(lost.body), "by "+won.answer(t).Review.Reviewer) {
		t.Errorf("won: %d %s; lost: %d %s", won.status, won.body, lost.status, lost.body)
	}
	w.ends(id)
	late, err := w.reviewBy("late", id, "approve")
	must(t, err)
	if late.status != 409 || !strings.Contains(string(late.body), "by "+won.answer(t).Review.Reviewer) {
		t.Errorf("after the end: %d %s", late.status, late.body)
	}
	repeated, err := w.reviewBy(won.answer(t).Review.Reviewer, id, string(won.answer(t).Review.Verdict))
	must(t, err)
	if repeated.status != 200 {
		t.Errorf("the same again: %d %s", repeated.status, repeated.body)
	}
}

// A reviewer has to confirm if the check got worse.
func TestReviewRecheckWorse(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.held()
	w.getsStricter()
	worse, err := w.reviewBy("ada", id, "approve", "Prefer", "wait=60")
	must(t, err)
	if worse.status != 409 || !strings.Contains(string(worse.body), "confirm") || !strings.Contains(string(worse.body), `"decline"`) {
		t.Fatalf("%d %s", worse.status, worse.body)
	}
	if r := w.read(id); r.TransactionStatus.Code != transaction.InReview || r.Review.Recheck.Outcome != fraud.Decline {
		t.Errorf("it has not stayed in review: %+v", r.Answer)
	}
	confirmed, err := w.sendTo("/transactions/"+id+"/review", `{"decision":"approve","reviewer":"ada","confirm":true}`, "Prefer", "wait=60")
	must(t, err)
	if confirmed.status != 200 || confirmed.answer(t).TransactionStatus.Code != transaction.PaymentComplete {
		t.Errorf("%d %s", confirmed.status, confirmed.body)
	}
}

// getsStricter makes the fraud check decline from now on what it sent to review before.
func (w *world) getsStricter() {
	w.t.Helper()
	must(w.t, w.processes[fraudPolice].Stop(w.t.Context()))
	address := freeAddress(w.t)
	p := w.startWith(fraudPolice, map[string]string{"FRAUD_LIMIT_DECLINE": "INR:120000", "HEALTH_ADDRESS": address})
	must(w.t, p.WaitHealthy(w.t.Context(), "http://"+address+"/readyz"))
}

// A review that is not decided reminds and expires.
func TestReviewExpires(t *testing.T) {
	w := newWorld(t, map[string]string{"REVIEW_DEADLINE": "6s"}).everything()
	id := w.held()
	r := w.ends(id)
	if codes(r) != "[11 16 19 12 13 15]" || r.TransactionStatus.FraudStatus || !r.Review.Expired || r.Payment.VoidedAt == nil {
		t.Errorf("%s %+v %+v", codes(r), r.Answer, r.Payment)
	}
	w.alertsDelivered(id, "fraud.review_requested", "fraud.review_reminder", "fraud.review_expired")
}

// A transaction that no process checks goes to review and is not called a fraud.
func TestReviewWithoutCheck(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_CHECK_DEADLINE": "2s"}).start(worker, alertman, apiProcess)
	got := w.post(body(small, goodCard), "Prefer", "wait=60")
	answer := got.answer(t)
	if got.status != 202 || answer.Decision.Outcome != fraud.NotEvaluated || answer.TransactionStatus.FraudStatus ||
		answer.TransactionStatus.Code != transaction.InReview {
		t.Fatalf("%d %s", got.status, got.body)
	}
	w.isMailed(answer.TransactionID, 1)
	w.start(fraudPolice)
	approved, err := w.reviewBy("ada", answer.TransactionID, "approve", "Prefer", "wait=60")
	must(t, err)
	if approved.status != 200 || approved.answer(t).TransactionStatus.Code != transaction.PaymentComplete {
		t.Errorf("%d %s", approved.status, approved.body)
	}
}

// A cancelled review releases its hold.
func TestReviewCancelled(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.held()
	must(t, shared.client.CancelWorkflow(t.Context(), workflows.TransactionWorkflowID(id), ""))
	if r := w.ends(id); codes(r) != "[11 16 19 17]" || r.Payment.VoidedAt == nil || r.Payment.Error != "cancelled" {
		t.Errorf("%s %+v", codes(r), r.Payment)
	}
}

// alertsDelivered waits until a transaction's alerts were delivered, in the order of their events, once each.
func (w *world) alertsDelivered(id string, routingKeys ...string) {
	w.t.Helper()
	for i := range routingKeys {
		eventually(w.t, func() error { return deliveredNumber(w.t.Context(), id, i+1) })
	}
	if got := len(mails(w.t)[id]); got != len(routingKeys) {
		w.t.Errorf("%d mails about transaction %s, want %d", got, id, len(routingKeys))
	}
	for i, key := range routingKeys {
		if got := eventTypeOf(w.t, id, i+1); !strings.Contains(got, key) {
			w.t.Errorf("alert %d of transaction %s is %s, want %s", i+1, id, got, key)
		}
	}
}
