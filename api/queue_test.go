package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// inReview returns a transaction of a merchant that is decided without a person so many minutes after start.
func inReview(merchant string, minutes int) ledger.Entry {
	e := entry(minutes)
	e.Record.Merchant, e.Transaction.Merchant = merchant, merchant
	e.Record.Decide(fraud.Decision{Outcome: fraud.Review, Score: 60, Reasons: []fraud.Reason{}, RiskLevel: fraud.ElevatedRisk, Source: fraud.AutomatedRule})
	e.Record.Review = &review.Review{RequestedAt: start, Deadline: start.Add(time.Duration(minutes) * time.Minute), OnExpiry: review.Decline}
	e.Record.Move(transaction.InReview, start)
	return e
}

type queued struct {
	Reviews []struct {
		Transaction ledger.Record
		Assignment  *ledger.Assignment
	}
	Next string
}

// orders returns the orders on the pages of a list of reviews.
func (w *desks) orders(path, token string) (all []string) {
	w.t.Helper()
	for next := path; next != ""; {
		page := answered[queued](w.t, w.handler, http.MethodGet, next, "", 200, "Authorization: Bearer "+token)
		for _, r := range page.Reviews {
			all = append(all, r.Transaction.Order.ID)
		}
		if next = ""; page.Next != "" {
			next = path + "&cursor=" + page.Next
		}
	}
	return all
}

// desks is an API with three reviewers: of all merchants, of acme, and one without the scope rules.
type desks struct {
	t       *testing.T
	handler http.Handler
	ledger  *memory
	trail   *trail
}

func newDesks(t *testing.T, entries ...ledger.Entry) *desks {
	t.Helper()
	w := &desks{t: t, ledger: newMemory(entries...), trail: &trail{}}
	reviewer := func(name string, of identity.Merchants, scopes ...identity.Scope) identity.Subject {
		return identity.Subject{Kind: identity.Person, Name: name, Groups: []string{"seniors"}, Grants: []identity.Grant{{Scopes: scopes, Merchants: of}}}
	}
	o := options(nowhere(t), w.ledger)
	o.Audit, o.Detail, o.Queues = w.trail, api.NoDetail, review.Queues{{Who: "seniors", Merchant: "acme"}}
	o.Authenticators = []api.Authenticator{tokens{
		"ada": reviewer("ada", identity.AllMerchants(), identity.Review, identity.Rules), "bob": reviewer("bob", identity.OnlyMerchants("acme"), identity.Review),
		"eve": reviewer("eve", identity.AllMerchants(), identity.Review),
	}}
	w.handler = handlerWith(o)
	return w
}

func (w *desks) ask(method, path, body, token string) (int, string) {
	answer := request(w.t, w.handler, method, path, body, "Authorization: Bearer "+token)
	return answer.Code, answer.Body.String()
}

func TestReviewQueue(t *testing.T) {
	w := newDesks(t, inReview("acme", 30), inReview("acme", 10), inReview("beta", 20), entry(5))
	for path, want := range map[string][]string{
		"/reviews?limit=200": {"10", "20", "30"}, "/reviews?limit=1": {"10", "20", "30"}, "/reviews?merchant=acme&limit=1": {"10", "30"},
		"/reviews?merchant=beta": {"20"}, "/reviews?merchant=other": nil, "/reviews?mine=true": nil, "/reviews?free=true&limit=2": {"10", "20", "30"},
	} {
		assert.Equal(t, want, w.orders(path, "ada"), path)
	}
	assert.Equal(t, []string{"10", "30"}, w.orders("/reviews?limit=200", "bob"))
	assert.Nil(t, w.orders("/reviews?merchant=beta", "bob"))
	assert.Contains(t, strings.Join(w.trail.lines(), "\n"), "person ada | * | listReviews |  | 200 |  > 3 transactions in review, from ")

	w.orders("/reviews?sort=amount&currency=EUR&limit=3", "ada")
	asked := w.ledger.askedReviews
	asked.Now, asked.Merchants, asked.Queues = time.Time{}, identity.Merchants{}, nil
	assert.Empty(t, cmp.Diff(ledger.ReviewQuery{Sort: ledger.ByAmount, Currency: "EUR", Limit: 3}, asked, cmp.AllowUnexported(identity.Merchants{})))

	w.orders("/reviews?queue=mine", "ada")
	asked = w.ledger.askedReviews
	assert.Equal(t, []any{ledger.QueueMine, []string{"seniors", "ada"}, review.Queues{{Who: "seniors", Merchant: "acme"}}}, []any{asked.Queue, asked.Whose, asked.Queues})
	_, answer := w.ask(http.MethodGet, "/reviews?merchant=acme&limit=1", "", "ada")
	assert.Contains(t, answer, `"queue":"seniors"`)
	_, answer = w.ask(http.MethodGet, "/reviews?merchant=beta", "", "ada")
	assert.NotContains(t, answer, `"queue"`)

	status, answer := w.ask(http.MethodGet, "/reviews?sort=score", "", "eve")
	assert.Equal(t, 403, status, "scores are for analysts: %s", answer)
	status, _ = w.ask(http.MethodGet, "/reviews?sort=score", "", "ada")
	assert.Equal(t, 200, status)
	w.ledger.goAway(true)
	status, _ = w.ask(http.MethodGet, "/reviews", "", "ada")
	assert.Equal(t, 503, status)
}

func TestReviewQueueFaults(t *testing.T) {
	w := newDesks(t, inReview("acme", 1), inReview("acme", 2))
	page := answered[queued](t, w.handler, http.MethodGet, "/reviews?limit=1", "", 200, "Authorization: Bearer ada")
	require.NotEmpty(t, page.Next)
	for query, parameter := range map[string]string{
		"sort=age": "sort", "currency=EURO": "currency", "currency=eur": "currency", "mine=yes": "mine", "free=1": "free", "queue=ada": "queue", "limit=0": "limit",
		"cursor=nonsense": "cursor", "sort=amount&cursor=" + page.Next: "cursor", "status=19": "status", "merchant=": "merchant", "merchant=a,b": "merchant",
	} {
		answer := request(t, w.handler, http.MethodGet, "/reviews?"+query, "", "Authorization: Bearer ada")
		require.Equal(t, 422, answer.Code, query)
		assert.Equal(t, parameter, asProblem(t, answer).Errors[0].Parameter, query)
	}
	anonymous := handlerWith(options(nowhere(t), w.ledger))
	for query, status := range map[string]int{"mine=true": 422, "queue=mine": 422, "queue=others": 422, "queue=none": 200} {
		assert.Equal(t, status, request(t, anonymous, http.MethodGet, "/reviews?"+query, "").Code, query)
	}
}

// One person works on a transaction at a time; others see who it is.
func TestTakeReview(t *testing.T) {
	held, decided, taking := inReview("acme", 30), entry(5), inReview("acme", 40)
	taking.Record.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "eve"}, start)
	w := newDesks(t, held, decided, taking, inReview("beta", 20))
	path := "/transactions/" + held.Record.TransactionID + "/assignment"
	status, answer := w.ask(http.MethodPut, path, `{}`, "ada")
	require.Equal(t, 200, status, answer)
	var a ledger.Assignment
	require.NoError(t, json.Unmarshal([]byte(answer), &a))
	assert.Equal(t, "ada", a.Person)
	assert.WithinDuration(t, time.Now().Add(15*time.Minute), a.Until, time.Minute)
	lines := w.trail.lines()
	assert.Contains(t, lines[len(lines)-1], "person ada | acme | takeReview | "+held.Record.TransactionID+" | 200 |  > ada until ")

	status, answer = w.ask(http.MethodPut, path, `{}`, "bob")
	assert.Equal(t, 409, status)
	assert.Contains(t, answer, `"assignment":{"person":"ada"`)
	status, _ = w.ask(http.MethodDelete, path, "", "bob")
	assert.Equal(t, 409, status)
	status, answer = w.ask(http.MethodPut, path, `{"reviewer": "bob"}`, "ada")
	assert.Equal(t, 422, status, "she takes it for another: %s", answer)
	status, _ = w.ask(http.MethodPut, path, `{}`, "ada")
	assert.Equal(t, 200, status, "again")
	assert.Equal(t, []string{"30"}, w.orders("/reviews?mine=true", "ada"))
	assert.Equal(t, []string{"20"}, w.orders("/reviews?free=true", "ada"))

	status, _ = w.ask(http.MethodDelete, path, "", "ada")
	assert.Equal(t, 204, status)
	status, _ = w.ask(http.MethodPut, path, `{}`, "bob")
	assert.Equal(t, 200, status)

	status, answer = w.ask(http.MethodPut, "/transactions/"+decided.Record.TransactionID+"/assignment", `{}`, "ada")
	assert.Equal(t, 409, status)
	assert.Contains(t, answer, "it is TRANSACTION_PENDING")
	status, answer = w.ask(http.MethodPut, "/transactions/"+taking.Record.TransactionID+"/assignment", `{}`, "ada")
	assert.Equal(t, 409, status)
	assert.Contains(t, answer, "the transaction was approved by eve at ")
	w.trail.err = errAway
	status, _ = w.ask(http.MethodDelete, path, "", "bob")
	assert.Equal(t, 503, status, "nothing is done that the audit trail does not keep")
}

// Where callers need not say who they are, they say a name.
func TestTakeReviewAnonymously(t *testing.T) {
	held := inReview(identity.DefaultMerchant, 30)
	handler := handlerWith(options(nowhere(t), newMemory(held)))
	path := "/transactions/" + held.Record.TransactionID + "/assignment"
	assert.Equal(t, 422, request(t, handler, http.MethodPut, path, `{}`).Code)
	assert.Equal(t, 200, request(t, handler, http.MethodPut, path, `{"reviewer": "ada"}`).Code)
	assert.Equal(t, 409, request(t, handler, http.MethodPut, path, `{"reviewer": "bob"}`).Code)
	assert.Equal(t, 204, request(t, handler, http.MethodDelete, path, "").Code)
	assert.Equal(t, 200, request(t, handler, http.MethodPut, path, `{"reviewer": "bob"}`).Code)
}

func TestGetReview(t *testing.T) {
	e := inReview("acme", 30)
	e.Transaction.IP, e.Transaction.BillingCountry = "192.0.2.1", "DE"
	e.Transaction.Customer = &transaction.Customer{ID: "c-1", Email: "ada@example.com", CreatedAt: start}
	e.Transaction.Order.Items = []transaction.Item{{ID: "i-1", Quantity: 2}}
	w := newDesks(t, e)
	status, answer := w.ask(http.MethodGet, "/reviews/"+e.Record.TransactionID, "", "bob")
	require.Equal(t, 200, status, answer)
	for _, part := range []string{`"ip":"192.0.2.1"`, `"billingCountry":"DE"`, `"customerSince":"2026-01-02T03:04:05`, `"quantity":2`} {
		assert.Contains(t, answer, part)
	}
	assert.NotContains(t, answer, "ada@example.com")
	assert.NotContains(t, answer, "score", "which bob is not shown")
}

func TestReviewers(t *testing.T) {
	decided := func(minutes int, verdict review.Verdict, by string, labels ...string) ledger.Entry {
		e := inReview("acme", 30)
		at := time.Now().Add(-time.Hour)
		e.Record.Review.RequestedAt = at.Add(-time.Duration(minutes) * time.Minute)
		if by == "" {
			e.Record.Review.Expire(verdict, at)
		} else {
			e.Record.Review.Decide(review.Request{Verdict: verdict, Reviewer: by}, at)
		}
		e.Record.Move(transaction.PaymentComplete, at)
		for _, label := range labels {
			e.Record.Labels = append(e.Record.Labels, ledger.Label{Label: label, Source: ledger.ByDispute})
		}
		return e
	}
	all := []ledger.Entry{
		decided(1, review.Approve, "ada", ledger.Fraudulent), decided(3, review.Approve, "ada", ledger.Legitimate), decided(60, review.Decline, "ada", ledger.Fraudulent),
		decided(2, review.Decline, "bob", ledger.Legitimate), decided(2, review.Decline, "bob", ledger.Legitimate, ledger.Fraudulent), decided(5, review.Decline, ""),
		inReview("acme", 30), inReview("beta", 10),
	}
	w := newDesks(t, all...)
	for _, e := range all {
		w.ledger.labels[e.Record.TransactionID] = e.Record.Labels
	}
	status, answer := w.ask(http.MethodGet, "/reviewers", "", "ada")
	require.Equal(t, 200, status, answer)
	assert.Contains(t, answer, `"waiting":2,"nextDeadline":"2026-01-02T03:14:05`)
	assert.Contains(t, answer, `"expired":1,"reviewers":[{"reviewer":"ada","approved":2,"declined":1,"medianSeconds":180,"agreed":2,"disagreed":1},`+
		`{"reviewer":"bob","approved":0,"declined":2,"medianSeconds":120,"agreed":1,"disagreed":1}]`)
	_, answer = w.ask(http.MethodGet, "/reviewers?since="+time.Now().UTC().Format(time.RFC3339), "", "bob")
	assert.Contains(t, answer, `"expired":0,"reviewers":[]`)
	status, _ = w.ask(http.MethodGet, "/reviewers?since=2026-01-02T03:04:05Z", "", "ada")
	assert.Equal(t, 422, status)
}
