package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	sdk "go.temporal.io/sdk/temporal"

	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/workflows"
)

const shopKey = "Authorization: Bearer secret-of-the-shop"

// reviewed returns an API whose workflow answers a review of record, and where it keeps the request.
func reviewed(record *ledger.Record, err error, keyed bool) (http.Handler, *review.Request) {
	temporal, handle, got := undescribed(), &mocks.WorkflowUpdateHandle{}, &review.Request{}
	handle.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		answer, _ := args.Get(1).(*ledger.Answer)
		*answer = record.Standing()
	}).Return(err)
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		options, _ := args.Get(1).(client.UpdateWorkflowOptions)
		*got, _ = options.Args[0].(review.Request)
		sent(args)
	}).Return(handle, nil)
	temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, serviceerror.NewUnavailable(""))
	o := withLinks(options(temporal, newMemory(ledger.Entry{Record: *record})))
	if !keyed {
		o.Authenticators = nil
	}
	return handlerWith(o), got
}

// The reviewer is who calls, where the service knows that, and else who the body names.
func TestReviewerIsCaller(t *testing.T) {
	for name, c := range map[string]struct {
		body, key string
		status    int
		want      review.Request
		fault     string
	}{
		"a key":            {`{"decision":"approve"}`, shopKey, 202, review.Request{Verdict: review.Approve, Reviewer: "shop", Person: "shop"}, ""},
		"its own name":     {`{"decision":"decline","reviewer":"shop"}`, shopKey, 202, review.Request{Verdict: review.Decline, Reviewer: "shop", Person: "shop"}, ""},
		"null":             {`{"decision":"decline","reviewer":null}`, shopKey, 202, review.Request{Verdict: review.Decline, Reviewer: "shop", Person: "shop"}, ""},
		"another's name":   {adaApproves, shopKey, 422, review.Request{}, `must be "shop", as which you are signed in, or be left out`},
		"no key":           {adaApproves, "", 202, review.Request{Verdict: review.Approve, Reviewer: "ada"}, ""},
		"no key, no name":  {`{"decision":"approve"}`, "", 422, review.Request{}, "is required"},
		"no key, a person": {`{"decision":"approve","reviewer":"ada","person":"grace"}`, "", 422, review.Request{}, "is not a known field"},
	} {
		t.Run(name, func(t *testing.T) {
			record := waiting()
			handler, got := reviewed(record, nil, c.key != "")
			answer := judge(t, handler, record.TransactionID, c.body, "X: y", c.key)
			require.Equal(t, c.status, answer.Code, "%s", answer.Body)
			assert.Equal(t, c.want, *got)
			assert.Contains(t, answer.Body.String(), jsonText(c.fault))
		})
	}
}

// jsonText returns a text as it stands within JSON.
func jsonText(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted[1 : len(quoted)-1])
}

// The first of two approvals is answered with what it waits for.
func TestReviewFirstApproval(t *testing.T) {
	record := waiting()
	record.Review.NeedsSecond = true
	link := reviewLink(record.TransactionID, "jo@example.com")
	handler, _ := reviewed(record, nil, true)
	has(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 200), "An approval needs a second person", "<form")

	record.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada", Person: "ada@example.com"}, start.Add(time.Hour))
	handler, got := reviewed(record, nil, true)
	answer := judge(t, handler, record.TransactionID, `{"decision":"approve"}`, shopKey)
	a := decoded[ledger.Answer](t, answer, 202)
	assert.Equal(t, "Transaction In Review, A Second Person Has To Agree", a.Message)
	assert.Equal(t, "ada", a.Review.First.Reviewer)
	assert.Equal(t, "60", answer.Header().Get("Retry-After"))
	assert.Equal(t, "/transactions/"+record.TransactionID, answer.Header().Get("Location"))

	said := "approved by ada at " + start.Add(time.Hour).UTC().Format(time.RFC3339) + ", to which a second person has to agree"
	has(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 200), said, "<form")
	has(t, asPage(t, press(t, handler, link, verdict("approve", "name", "bob")), 202), "Thank you", said, "!<form")
	assert.Equal(t, review.Request{Verdict: review.Approve, Reviewer: "bob (jo@example.com)", Person: "jo@example.com"}, *got)
}

// A client that approves what it posted is refused, and so is a request in which the workflow finds a fault.
func TestReviewRefused(t *testing.T) {
	for kind, c := range map[string]struct {
		status int
		detail string
	}{
		workflows.ReviewByPoster: {403, "shop posted the transaction"},
		workflows.RequestInvalid: {422, "the request is not valid: shop posted the transaction"},
	} {
		record := waiting()
		handler, _ := reviewed(record, sdk.NewNonRetryableApplicationError("shop posted the transaction", kind, nil), true)
		p := asProblem(t, judge(t, handler, record.TransactionID, `{"decision":"approve"}`, shopKey))
		assert.Equal(t, c.status, p.Status, "%+v", p)
		assert.Equal(t, c.detail, p.Detail)
	}
}
