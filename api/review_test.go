package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/grpc/stats"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/telemetrytest"
)

// held posts a transaction that goes to review, and returns its id.
func (w *world) held(t *testing.T, method string) string {
	t.Helper()
	answer := request(t, w.api(), http.MethodPost, "/transact", paidBy(t, method), patient)
	return decoded[ledger.Answer](t, answer, 202).TransactionID
}

func judge(t testing.TB, handler http.Handler, id, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, "/transactions/"+id+"/review", body, headers...)
}

const adaApproves = `{"decision":"approve","reviewer":"ada"}`

// A transaction in review is 202 at once, and its retry is 200 once it is decided.
func TestReviewTransact(t *testing.T) {
	w, key := realWorld(t), freshKey()
	body := paidBy(t, heldForReview)
	answer := request(t, w.api(), http.MethodPost, "/transact", body, key, patient)
	a := decoded[ledger.Answer](t, answer, 202)
	assert.Equal(t, transaction.InReview, a.TransactionStatus.Code, "%v %s", answer.Header(), answer.Body)
	require.NotNil(t, a.Review, "%v %s", answer.Header(), answer.Body)
	assert.Equal(t, "60", answer.Header().Get("Retry-After"), "%v %s", answer.Header(), answer.Body)
	assert.Equal(t, "/transactions/"+a.TransactionID, answer.Header().Get("Location"), "%v %s", answer.Header(), answer.Body)
	again := request(t, w.api(), http.MethodPost, "/transact", body, key, patient)
	mustBeReplayed(t, again, true)
	assert.Empty(t, cmp.Diff(a, decoded[ledger.Answer](t, again, 202)))
	decoded[ledger.Answer](t, judge(t, w.api(), a.TransactionID, adaApproves, patient), 200)
	for _, handler := range []http.Handler{w.api(), handlerWith(options(w.client, newMemory()))} {
		for _, prefer := range []string{patient, "Prefer: respond-async"} {
			decided := request(t, handler, http.MethodPost, "/transact", body, key, prefer)
			mustBeReplayed(t, decided, true)
			assert.Equal(t, transaction.PaymentComplete, decoded[ledger.Answer](t, decided, 200).TransactionStatus.Code)
		}
	}
	w.charged(t, a.TransactionID, 1)
}

// A verdict settles the transaction.
func TestReviewVerdicts(t *testing.T) {
	w := realWorld(t)
	for verdict, want := range map[string]transaction.Status{
		"approve": transaction.PaymentComplete, "decline": transaction.AlertInitiated,
	} {
		id := w.held(t, heldForReview)
		body := fmt.Sprintf(`{"decision":%q,"reviewer":"ada","note":"card 1234-5678-8765-4321"}`, verdict)
		a := decoded[ledger.Answer](t, judge(t, w.api(), id, body, patient), 200)
		assert.Equal(t, want, a.TransactionStatus.Code, "%s comes to %+v", verdict, a)
		assert.Equal(t, "ada", a.Review.Reviewer, "%s comes to %+v", verdict, a)
		assert.Equal(t, "card 123456******4321", a.Review.Note)
	}
}

// An approval against the check has to be confirmed.
func TestReviewConfirm(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldAndWorse)
	p := asProblem(t, judge(t, w.api(), id, adaApproves, patient))
	assert.Equal(t, 409, p.Status, "%+v, want 409 with the new decision", p)
	require.NotNil(t, p.Decision, "%+v, want 409 with the new decision", p)
	assert.Equal(t, fraud.Decline, p.Decision.Outcome, "%+v, want 409 with the new decision", p)
	assert.Equal(t, 99, p.Decision.Score, "%+v, want 409 with the new decision", p)
	assert.Contains(t, p.Detail, "now says decline, score 99")
	assert.Contains(t, p.Detail, `"confirm": true`)
	w.charged(t, id, 0)
	decoded[ledger.Answer](t, judge(t, w.api(), id, `{"decision":"approve","reviewer":"ada","confirm":true}`, patient), 200)
	w.charged(t, id, 1)
}

// Of two reviewers at once, one wins.
func TestReviewTwoAtOnce(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	codes := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, reviewer := range []string{"ada", "grace"} {
		all.Go(func() {
			answer := judge(t, w.api(), id, fmt.Sprintf(`{"decision":"approve","reviewer":%q}`, reviewer), patient)
			mu.Lock()
			defer mu.Unlock()
			codes[answer.Code]++
		})
	}
	all.Wait()
	if codes[200] < 1 || codes[200]+codes[409] != 2 { // the script accepts a second verdict while it carries out the first
		t.Errorf("the answers were %v", codes)
	}
	w.charged(t, id, 1)
}

// The same verdict of the same reviewer gets the same answer again.
func TestReviewAgain(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	want := decoded[ledger.Answer](t, judge(t, w.api(), id, adaApproves, patient), 200)
	w.ended(t, id)
	for _, handler := range []http.Handler{w.api(), w.later(), handlerWith(options(w.client, newMemory()))} {
		assert.Empty(t, cmp.Diff(want, decoded[ledger.Answer](t, judge(t, handler, id, adaApproves, patient), 200)))
		for _, other := range []string{`{"decision":"decline","reviewer":"ada"}`, `{"decision":"approve","reviewer":"grace"}`} {
			p := asProblem(t, judge(t, handler, id, other, patient))
			assert.Equal(t, 409, p.Status, "%s is told %+v", other, p)
			assert.Contains(t, p.Detail, "approved by ada at 20", "%s is told %+v", other, p)
			assert.Equal(t, transaction.PaymentComplete, p.TransactionStatus.Code, "%s is told %+v", other, p)
		}
	}
	w.charged(t, id, 1)
}

// A verdict is taken also if the caller does not wait.
func TestReviewRespondAsync(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	answer := judge(t, w.api(), id, adaApproves, "Prefer: respond-async")
	h := answer.Header()
	if answer.Code == 202 && (h.Get("Location") != "/transactions/"+id || h.Get("Retry-After") != "1") {
		t.Errorf("202 with %v", h)
	}
	assert.Less(t, answer.Code, 300, "%v %s", h, answer.Body)
	assert.Equal(t, "respond-async", h.Get("Preference-Applied"), "%v %s", h, answer.Body)
	w.ended(t, id)
	w.charged(t, id, 1)
}

// There is nothing to decide about a transaction that is not in review.
func TestReviewNotInReview(t *testing.T) {
	w := realWorld(t)
	running := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", paidBy(t, paysOnSignal), "Prefer: wait=1"), 202)
	p := asProblem(t, judge(t, w.api(), running.TransactionID, adaApproves, patient))
	assert.Equal(t, 409, p.Status, "while it is paid: %+v", p)
	require.NotNil(t, p.TransactionStatus, "while it is paid: %+v", p)
	assert.Equal(t, transaction.PaymentInitiated, p.TransactionStatus.Code, "while it is paid: %+v", p)
	w.letPay(t, running.TransactionID)
	w.ended(t, running.TransactionID)
	for _, handler := range []http.Handler{w.api(), w.later()} {
		p = asProblem(t, judge(t, handler, running.TransactionID, adaApproves, patient))
		assert.Equal(t, 409, p.Status, "after its end: %+v", p)
		assert.Equal(t, transaction.PaymentComplete, p.TransactionStatus.Code, "after its end: %+v", p)
		assert.Equal(t, "the transaction is not in review: it is TRANSACTION_PAYMENT_COMPLETE", p.Detail, "after its end: %+v", p)
	}
	for _, id := range []string{uuid.NewString(), "42"} {
		if p := asProblem(t, judge(t, w.api(), id, adaApproves, patient)); p.Status != 404 {
			t.Errorf("an unknown one: %+v", p)
		}
	}
}

// The answer says how the review ended without a reviewer.
func TestReviewEndedWithoutReviewer(t *testing.T) {
	w := realWorld(t)
	expired, cancelled := &review.Review{RequestedAt: start}, &review.Review{RequestedAt: start}
	expired.Expire(review.Approve, start)
	for detail, c := range map[string]struct {
		review *review.Review
		status transaction.Status
	}{
		"approved by its deadline":              {expired, transaction.PaymentComplete},
		"not in review: it is TRANSACTION_PAYM": {cancelled, transaction.PaymentError},
		"ended by force":                        {cancelled, transaction.InReview},
	} {
		r := ledger.Open(transaction.Transaction{ID: uuid.NewString()}, start)
		r.Review = c.review
		r.Move(c.status, start)
		handler := handlerWith(options(w.client, newMemory(ledger.Entry{Record: *r})))
		p := asProblem(t, judge(t, handler, r.TransactionID, adaApproves))
		assert.Equal(t, 409, p.Status, "%+v", p)
		assert.Contains(t, p.Detail, detail, "%+v", p)
		assert.Equal(t, c.status, p.TransactionStatus.Code, "%+v", p)
	}
}

// The answer says whether the verdict may have been taken.
func TestReviewErrors(t *testing.T) {
	id := uuid.NewString()
	p := asProblem(t, judge(t, unreachable(t), id, adaApproves))
	assert.Equal(t, 503, p.Status, "without Temporal: %+v", p)
	assert.Contains(t, p.Detail, "nothing was decided", "without Temporal: %+v", p)
	assert.Empty(t, p.TransactionID, "without Temporal: %+v", p)
	for name, c := range map[string]struct {
		err    error
		status int
		detail string
	}{
		"no answer": {client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), 503, "it is not known"},
		"too many":  {serviceerror.NewResourceExhausted(0, ""), 429, "nothing was decided"},
	} {
		temporal, limited := &mocks.Client{}, telemetrytest.Gained(t, "orders_http_limited_total", "limit", "temporal")
		temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(nil, c.err)
		answer := judge(t, handlerOn(temporal), id, adaApproves)
		p := asProblem(t, answer)
		assert.Equal(t, c.status, p.Status, "%s: %v %+v", name, answer.Header(), p)
		assert.Contains(t, p.Detail, c.detail, "%s: %v %+v", name, answer.Header(), p)
		assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%s: %v %+v", name, answer.Header(), p)
		assert.Equal(t, c.status == 503, p.TransactionID == id, "%s: %v %+v", name, answer.Header(), p)
		assert.Equal(t, c.status == 429, limited() == 1, name)
	}
}

// Temporal gives a task that a stopped worker has lost to another worker after ten seconds: so long a verdict waits too.
func TestVerdictOutlastsWorker(t *testing.T) {
	var patience time.Duration
	temporal := &mocks.Client{}
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		until, _ := args.Get(0).(context.Context).Deadline()
		patience = time.Until(until)
	}).Return(nil, serviceerror.NewUnavailable(""))
	judge(t, handlerOn(temporal), uuid.NewString(), adaApproves)
	assert.Greater(t, patience, 11*time.Second)
}

// A verdict that was accepted stays so, whatever fails afterwards. The workflow has a verdict once it was handed in,
// even if the wait for the result fails.
func TestReviewErrorAfterAccepted(t *testing.T) {
	r := waiting()
	for name, err := range map[string]error{
		"the wait is over":      context.DeadlineExceeded,
		"the connection breaks": serviceerror.NewUnavailable("connection reset by peer"),
		"Temporal is busy":      serviceerror.NewResourceExhausted(0, ""),
		"something else":        io.ErrUnexpectedEOF,
	} {
		t.Run(name, func(t *testing.T) {
			temporal, handle := undescribed(), &mocks.WorkflowUpdateHandle{}
			handle.On("Get", mock.Anything, mock.Anything).Return(err)
			temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(handle, nil)
			temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, serviceerror.NewUnavailable(""))
			answer := judge(t, handlerWith(options(temporal, newMemory(ledger.Entry{Record: *r}))), r.TransactionID, adaApproves)
			assert.Equal(t, 202, answer.Code, "%s", answer.Body)
			assert.Contains(t, answer.Body.String(), `"code":19`, "%s", answer.Body)
		})
	}
}

// sent notes that a fake's call was sent to Temporal, as a real connection does.
func sent(args mock.Arguments) {
	temporal.SentHandler{}.HandleRPC(args.Get(0).(context.Context), &stats.OutPayload{})
}

// All faults are reported at once.
func TestReviewFaults(t *testing.T) {
	for body, want := range map[string]map[string]string{
		`[]`: {"#": "must be an object"},
		`{}`: {"#/decision": "is required", "#/reviewer": "is required"},
		`{"decision":"maybe","reviewer":"","note":7,"confirm":"true","colour":1}`: {
			"#/decision": "must be approve or decline", "#/reviewer": "must not be empty", "#/note": "must be a string",
			"#/confirm": "must be a boolean", "#/colour": "is not a known field",
		},
		`{"decision":true,"decision":true,"reviewer":"` + strings.Repeat("x", 65) + `","note":"` + strings.Repeat("x", 501) + `"}`: {
			"#/decision": "must be a string", "#/reviewer": "must have at most 64 characters", "#/note": "must have at most 500 characters",
		},
		`{"decision":"approve","reviewer":"a\u0000","4111111111111111":1}`: {
			"#/reviewer": "must not hold control characters", "#/411111******1111": "is not a known field",
		},
	} {
		answer := judge(t, unreachable(t), uuid.NewString(), body)
		assert.Equal(t, 422, answer.Code, body)
		assert.Empty(t, cmp.Diff(want, faultsOf(t, answer)), body)
	}
}

// FuzzReview checks for any body that it is answered, never with a 500, and that no answer repeats a card number.
func FuzzReview(f *testing.F) {
	f.Add(adaApproves)
	f.Add(`{"decision":"decline","reviewer":"4111 1111 1111 1111","note":"","confirm":false}`)
	f.Add(`{"4111111111111111":{"decision":[1e99]}}`)
	f.Add(`[[[[`)
	temporal := undescribed()
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(nil, serviceerror.NewNotFound(""))
	temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, serviceerror.NewNotFound(""))
	handler := handlerOn(temporal)
	f.Fuzz(func(t *testing.T, body string) {
		answer := judge(t, handler, "01990000-0000-7000-8000-000000000001", body, "Content-Type: application/json")
		if answer.Code != 404 && answer.Code != 400 && answer.Code != 413 && answer.Code != 422 {
			t.Fatalf("%d for %q: %s", answer.Code, body, answer.Body)
		}
		require.NotContains(t, answer.Body.String(), "4111111111111111", "the answer repeats a card number: %s", answer.Body)
	})
}
