package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetrytest"
	"dummyorders/workflows"
)

// A hundred requests at once with one key are one transaction.
func TestReplayConcurrently(t *testing.T) {
	w, key := realWorld(t), freshKey()
	handlers := []http.Handler{w.api(), w.api()}
	answers := make([]*httptest.ResponseRecorder, 100)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = request(t, handlers[i%2], http.MethodPost, "/transact", api.SeedExample, key, patient)
		})
	}
	all.Wait()
	first, accepted := decoded[ledger.Answer](t, answers[0], 200), 0
	for _, answer := range answers {
		assert.Empty(t, cmp.Diff(first, decoded[ledger.Answer](t, answer, 200)), "two answers differ")
		if answer.Header().Get("Idempotent-Replayed") == "" {
			accepted++
		}
	}
	assert.Equal(t, 1, accepted)
	w.charged(t, first.TransactionID, 1)
}

// The same key and body are the same transaction at any time.
func TestReplay(t *testing.T) {
	w, key := realWorld(t), freshKey()
	body := paidBy(t, paysOnSignal)
	first := request(t, w.api(), http.MethodPost, "/transact", body, key, "Prefer: respond-async")
	mustBeReplayed(t, first, false)
	id := decoded[ledger.Answer](t, first, 202).TransactionID

	running := request(t, w.api(), http.MethodPost, "/transact", body, key, "Prefer: wait=1")
	mustBeReplayed(t, running, true)
	a := decoded[ledger.Answer](t, running, 202)
	assert.Equal(t, id, a.TransactionID, "while it runs the answer is %+v, want where it stands", a)
	assert.Equal(t, transaction.PaymentInitiated, a.TransactionStatus.Code, "while it runs the answer is %+v, want where it stands", a)
	at := running.Header().Get("Location")
	assert.Equal(t, "/transactions/"+id, at, "202 with %v", running.Header())
	assert.NotEmpty(t, running.Header().Get("Retry-After"), "202 with %v", running.Header())
	async := request(t, w.api(), http.MethodPost, "/transact", body, key, "Prefer: respond-async")
	mustBeReplayed(t, async, true)
	decoded[ledger.Answer](t, async, 202)

	w.letPay(t, id)
	settled := request(t, w.api(), http.MethodPost, "/transact", body, key, patient)
	mustBeReplayed(t, settled, true)
	want := decoded[ledger.Answer](t, settled, 200)
	w.ended(t, id)
	for what, handler := range map[string]http.Handler{
		"after its end":                       w.api(),
		"while the ledger knows nothing":      handlerWith(options(w.client, newMemory())),
		"without Temporal, by the ledger":     handlerWith(options(nowhere(t), w.ledger)),
		"with another order of its members":   w.api(),
		"after its end, and without the wait": w.api(),
	} {
		sent, prefer := body, patient
		if strings.Contains(what, "order of its members") {
			sent = reordered(t, body)
		}
		if strings.Contains(what, "without the wait") {
			prefer = "Prefer: respond-async"
		}
		again := request(t, handler, http.MethodPost, "/transact", sent, key, prefer)
		mustBeReplayed(t, again, true)
		assert.Empty(t, cmp.Diff(want, decoded[ledger.Answer](t, again, 200)), "%s", what)
	}
	w.charged(t, id, 1)
}

// An answer outlives its history.
func TestReplayWithoutHistory(t *testing.T) {
	w, key := realWorld(t), freshKey()
	want := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, key, patient), 200)
	w.ended(t, want.TransactionID)
	again := request(t, w.later(), http.MethodPost, "/transact", api.SeedExample, key, patient)
	mustBeReplayed(t, again, true)
	assert.Empty(t, cmp.Diff(want, decoded[ledger.Answer](t, again, 200)))
	mustBeUsed(t, request(t, w.later(), http.MethodPost, "/transact", with(t, "order.id", "2"), key, patient))
	read := request(t, w.later(), http.MethodGet, "/transactions/"+want.TransactionID, "")
	assert.Equal(t, 200, read.Code, "%s", read.Body)
	w.charged(t, want.TransactionID, 1)
}

// slowLedger does not answer before the caller gives up.
type slowLedger struct{ wholeLedger }

func (slowLedger) Find(ctx context.Context, _ identity.Merchants, _ string) (ledger.Entry, error) {
	<-ctx.Done()
	return ledger.Entry{}, ctx.Err()
}

// lostAnswers is a connection that carries every call, but loses the answers that are waited for.
type lostAnswers struct{ client.Client }

func (l lostAnswers) UpdateWithStartWorkflow(ctx context.Context, o client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	o.UpdateOptions.WaitForStage = client.WorkflowUpdateStageAccepted
	_, err := l.Client.UpdateWithStartWorkflow(ctx, o)
	return nil, errors.Join(errAway, err)
}

// After a wait, the answer is the present state.
func TestAnswerAfterWait(t *testing.T) {
	w := realWorld(t)
	for name, handler := range map[string]http.Handler{
		"its deadline":             w.api(),
		"while the ledger hangs":   handlerWith(options(w.client, slowLedger{w.ledger})),
		"the end of the process":   nil,
		"a lost answer":            handlerWith(options(lostAnswers{w.client}, w.ledger)),
		"a lost answer, no ledger": handlerWith(options(lostAnswers{w.client}, slowLedger{w.ledger})),
	} {
		for _, key := range []string{"", freshKey()} {
			if key != "" && strings.Contains(name, "ledger") {
				continue // without the ledger, no key counts as new
			}
			t.Run(fmt.Sprintf("%s, with a key %v", name, key != ""), func(t *testing.T) {
				body := paidBy(t, paysOnSignal)
				headers := []string{"Prefer: wait=1"}
				if key != "" {
					headers = append(headers, key)
				}
				handler := handler
				if handler == nil {
					ending, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					handler, headers[0] = handlerIn(ending, options(w.client, w.ledger)), patient
				}
				answer := request(t, handler, http.MethodPost, "/transact", body, headers...)
				a := decoded[ledger.Answer](t, answer, 202)
				assert.Equal(t, transaction.PaymentInitiated, a.TransactionStatus.Code, "%s", answer.Body)
				assert.NotNil(t, a.Decision, "%s", answer.Body)
			})
		}
	}
}

// reordered returns the same body with its members in another order, and white space.
func reordered(t *testing.T, body string) string {
	t.Helper()
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &members))
	return fmt.Sprintf("{ \"payment\" : %s,\n \"paymentMethod\": %s, \"order\": %s }",
		members["payment"], members["paymentMethod"], members["order"])
}

// Another body under a key is refused at any time.
func TestReplayOtherBody(t *testing.T) {
	w, key := realWorld(t), freshKey()
	body := paidBy(t, paysOnSignal)
	id := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", body, key, "Prefer: respond-async"), 202).TransactionID
	for _, prefer := range []string{"Prefer: wait=1", "Prefer: respond-async"} {
		mustBeUsed(t, request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, key, prefer))
	}
	w.letPay(t, id)
	w.ended(t, id)
	forgetful := handlerWith(options(w.client, newMemory()))
	for _, handler := range []http.Handler{w.api(), forgetful, handlerWith(options(nowhere(t), w.ledger))} {
		for _, prefer := range []string{patient, "Prefer: respond-async"} {
			answer := request(t, handler, http.MethodPost, "/transact", strings.Replace(body, "123.00", "123.01", 1), key, prefer)
			mustBeUsed(t, answer)
		}
	}
	w.charged(t, id, 1)
}

// digestOf returns the digest by which a retry of the body is recognized.
func digestOf(t *testing.T, body string) string {
	t.Helper()
	return startedWith(t, unchanged, body, freshKey()).transaction.Receipt.BodyDigest
}

// A body is the same however it is written.
func TestBodyDigestSpellings(t *testing.T) {
	const body = `{"order": {"id": 1234, "name": "Ada's", "cost": 12.50, "currency": "EUR", "items": [{"id": "1", "cost": 12.5}]}, "paymentMethod": "card",
		"payment": {"card": "4242 4242 4242 4242", "type": "credit", "amount": 12.50, "currency": "EUR"},
		"customer": {"id": "c-1", "createdAt": "2024-05-17T08:30:00Z"}, "ip": "8.8.8.8", "billing": {"country": "IN"}, "metadata": {"a": "b"}}`
	want := digestOf(t, body)
	for _, same := range [][2]string{
		{"12.50", "12.5"},
		{"12.50", "12.500"},
		{"12.50", "1250e-2"},
		{"12.50", `"12.5"`},
		{"12.50", "0.125E2"},
		{": 12.5}", ": 12.50}"},
		{"1234", `"1234"`},
		{"1234", "1234.0"},
		{"4242 4242 4242 4242", "4242424242424242"},
		{`"4242 4242 4242 4242"`, "4242424242424242"},
		{"Ada's", `Ada\u0027s`},
		{"order", `\u006frder`},
		{"8.8.8.8", "::ffff:8.8.8.8"},
		{"8.8.8.8", " 8.8.8.8:80"},
		{`"IN"`, `"ind"`},
		{`"cost": 12.5}`, `"cost": 12.5, "quantity": 1, "discount": 0.00, "name": null}`},
		{`"ip"`, `"shipping": null, "ip"`},
		{"2024-05-17T08:30:00Z", "2024-05-17T14:00:00+05:30"},
		{`"b"}`, `"b", "c": null}`},
	} {
		other := strings.Replace(body, same[0], same[1], 1)
		if other == body || digestOf(t, other) != want {
			t.Errorf("with %s in place of %s it is another body", same[1], same[0])
		}
	}
	for _, different := range [][2]string{
		{`"amount": 12.50`, `"amount": 12.51`},
		{`"type": "credit"`, `"type": "debit"`},
		{"4242 4242 4242 4242", "4242 4242 4242 4243"},
		{"1234", "12340"},
		{"Ada's", "ada's"},
		{"IN", "SG"},
		{`"b"`, `"c"`},
		{"2024-05-17", "2024-05-18"},
		{`"amount": 12.50, "currency": "EUR"`, `"amount": 12.50, "currency": "USD"`},
	} {
		other := strings.Replace(body, different[0], different[1], 1)
		if other == body || digestOf(t, other) == want {
			t.Errorf("with %s in place of %s it is the same body", different[1], different[0])
		}
	}
}

// Digests are kept in histories and in the ledger: if they changed, every retry after an update would be refused because
// its key is used.
func TestBodyDigestStays(t *testing.T) {
	const want, before = "cb5e537f7eb23de74cf9e44316aef10e54b739320da4a109f114594b05d366d8", "5f8f56350dfd49632ca48120c9f47c274d307f0ebe26cf589926bc6b9a325d5f"
	assert.Equal(t, want, digestOf(t, api.SeedExample))
	key := freshKey()
	posted := startedWith(t, unchanged, api.SeedExample, key).transaction
	posted.Receipt.BodyDigest = before // as it was kept when digests were made from the text
	record := ledger.Open(posted, start)
	handler := handlerWith(options(nowhere(t), newMemory(ledger.Entry{Record: *record, Transaction: posted})))
	mustBeReplayed(t, request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, patient), true)
	mustBeUsed(t, request(t, handler, http.MethodPost, "/transact", with(t, "order.id", "2"), key, patient))
}

func TestKeysBelongToClient(t *testing.T) {
	w, key := realWorld(t), freshKey()
	o := options(w.client, w.ledger)
	o.Authenticators = clients(map[string]string{"shop": "the key of the shop", "mobile": "the key of the app"})
	handler := handlerWith(o)
	shop := request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, patient, "Authorization: Bearer the key of the shop")
	mobile := request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, patient, "Authorization: bearer the key of the app")
	one, other := decoded[ledger.Answer](t, shop, 200), decoded[ledger.Answer](t, mobile, 200)
	mustBeReplayed(t, mobile, false)
	assert.NotEqual(t, other.TransactionID, one.TransactionID, "two clients share a transaction by their key")
	e, err := w.ledger.Find(t.Context(), identity.AllMerchants(), one.TransactionID)
	require.NoError(t, err)
	assert.Equal(t, "shop", e.Transaction.Receipt.Client)
}

// A transaction that was ended by force is never charged again.
func TestReplayTerminated(t *testing.T) {
	w, key := realWorld(t), freshKey()
	body := paidBy(t, heldForReview) // the ledger knows that it is in review
	first := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", body, key, patient), 202)
	eventually(t, func() error {
		_, err := w.ledger.Find(t.Context(), identity.AllMerchants(), first.TransactionID)
		return err
	})
	require.NoError(t, w.client.TerminateWorkflow(t.Context(), workflows.TransactionWorkflowID(first.TransactionID), "", "a test"))
	for _, handler := range []http.Handler{w.api(), w.later(), handlerWith(options(nowhere(t), w.ledger))} {
		for _, prefer := range []string{patient, "Prefer: respond-async"} {
			again := request(t, handler, http.MethodPost, "/transact", body, key, prefer)
			mustBeReplayed(t, again, true)
			assert.Empty(t, cmp.Diff(first, decoded[ledger.Answer](t, again, 202)))
		}
	}
	_, err := w.forgetful.DescribeWorkflowExecution(t.Context(), workflows.TransactionWorkflowID(first.TransactionID), "")
	assert.Error(t, err, "it was started again")
}

// A transaction that was ended by force before the ledger knew it is answered with its last state.
func TestReplayTerminatedNotInLedger(t *testing.T) {
	w, key := realWorld(t), freshKey()
	body := paidBy(t, paysOnSignal)
	first := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", body, key, "Prefer: wait=1"), 202)
	require.NoError(t, w.client.TerminateWorkflow(t.Context(), workflows.TransactionWorkflowID(first.TransactionID), "", "a test"))
	for _, prefer := range []string{patient, "Prefer: respond-async"} {
		again := request(t, w.api(), http.MethodPost, "/transact", body, key, prefer)
		mustBeReplayed(t, again, true)
		a := decoded[ledger.Answer](t, again, 202)
		assert.Equal(t, transaction.PaymentInitiated, a.TransactionStatus.Code, "it stands at %+v", a.TransactionStatus)
		mustBeUsed(t, request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, key, prefer))
	}
	w.charged(t, first.TransactionID, 0)
}

// Without the ledger no key is taken for new.
func TestReplayWithoutLedger(t *testing.T) {
	w, key := realWorld(t), freshKey()
	away := newMemory()
	away.goAway(true)
	handler := handlerWith(options(w.client, away))
	for _, prefer := range []string{patient, "Prefer: respond-async"} {
		answer := request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, prefer)
		p := asProblem(t, answer)
		assert.Equal(t, 503, p.Status, "%d %s", answer.Code, answer.Body)
		assert.Contains(t, p.Detail, "nothing was accepted", "%d %s", answer.Code, answer.Body)
		assert.Empty(t, p.TransactionID, "%d %s", answer.Code, answer.Body)
		assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%d %s", answer.Code, answer.Body)
	}
	first := request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, key, patient)
	mustBeReplayed(t, first, false) // so the 503 was right

	again := request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, patient)
	mustBeReplayed(t, again, true)
	assert.Empty(t, cmp.Diff(decoded[ledger.Answer](t, first, 200), decoded[ledger.Answer](t, again, 200)))
	mustBeUsed(t, request(t, handler, http.MethodPost, "/transact", with(t, "order.id", "2"), key, patient))
	without := request(t, handler, http.MethodPost, "/transact", api.SeedExample, patient)
	assert.Equal(t, 200, without.Code, "%s", without.Body)
}

// A retry gets the answer of the first call. A settled transaction is answered from the ledger alone, with the answer
// that it settled with: the fake Temporal panics if it is asked.
func TestReplaySettledAnswer(t *testing.T) {
	key := freshKey()
	posted := startedWith(t, unchanged, api.SeedExample, key).transaction
	record := ledger.Open(posted, start)
	record.Decide(fraud.Decision{Outcome: fraud.Decline, RiskLevel: fraud.HighestRisk, Source: fraud.AutomatedRule})
	record.Move(transaction.Fraudulent, start)
	record.Move(transaction.AlertInitiated, start)
	want := record.Answer
	record.Move(transaction.AlertDone, start)
	handler := handlerWith(options(&mocks.Client{}, newMemory(ledger.Entry{Record: *record, Transaction: posted})))
	again := request(t, handler, http.MethodPost, "/transact", api.SeedExample, key, patient)
	mustBeReplayed(t, again, true)
	assert.Empty(t, cmp.Diff(want, decoded[ledger.Answer](t, again, 200)), "answer (-the first +the retry's)")
}

// Without a key each request is a new transaction.
func TestNoKey(t *testing.T) {
	w := realWorld(t)
	one := request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, patient)
	other := request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, patient)
	mustBeReplayed(t, other, false)
	assert.NotEqual(t, decoded[ledger.Answer](t, other, 200).TransactionID, decoded[ledger.Answer](t, one, 200).TransactionID, "they are the same")
}

func TestBodyDigestIsNotShown(t *testing.T) {
	w, key := realWorld(t), freshKey()
	posted := request(t, w.api(), http.MethodPost, "/transact", api.SeedExample, key, patient)
	id := decoded[ledger.Answer](t, posted, 200).TransactionID
	w.ended(t, id)
	e, err := w.ledger.Find(t.Context(), identity.AllMerchants(), id)
	require.NoError(t, err)
	receipt := e.Transaction.Receipt
	require.Len(t, receipt.BodyDigest, 64, "the receipt is %+v", receipt)
	require.NotEmpty(t, receipt.Call, "the receipt is %+v", receipt)
	for _, path := range []string{"/transactions/" + id, "/transactions?limit=200"} {
		text := request(t, w.api(), http.MethodGet, path, "").Body.String() + posted.Body.String()
		assert.Contains(t, text, id, path)
		assert.NotContains(t, text, receipt.BodyDigest, path)
		assert.NotContains(t, text, receipt.Call, path)
	}
}

// If the result cannot be known, the request is safe to send again with its key.
func TestUnknownResultMayBeRetried(t *testing.T) {
	for name, c := range map[string]struct {
		describe error
		cause    error
		status   int
		detail   string
	}{
		"nobody answers":   {serviceerror.NewUnavailable(""), serviceerror.NewUnavailable(""), 503, "send it again with the same Idempotency-Key"},
		"too many at once": {serviceerror.NewNotFound(""), serviceerror.NewResourceExhausted(0, ""), 429, "nothing was accepted"},
	} {
		temporal, limited := &mocks.Client{}, telemetrytest.Gained(t, "orders_http_limited_total", "limit", "temporal")
		temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(sent).Return(nil, c.cause)
		temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(nil, c.describe)
		answer := request(t, handlerOn(temporal), http.MethodPost, "/transact", api.SeedExample, freshKey(), "Prefer: respond-async")
		p := asProblem(t, answer)
		assert.Equal(t, c.status, p.Status, "%s: %+v", name, p)
		assert.Contains(t, p.Detail, c.detail, "%s: %+v", name, p)
		assert.Equal(t, c.status == 503, p.TransactionID != "", "%s: %+v", name, p)
		assert.Equal(t, c.status == 429, limited() == 1, name)
	}
}
