package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetrytest"
)

func reviewLink(id, by string) string {
	return links.Review(id, by, time.Now().Add(time.Hour))
}

// read returns the record of a transaction.
func (w *world) read(t *testing.T, id string) ledger.Record {
	t.Helper()
	return answered[ledger.Record](t, w.api(), http.MethodGet, "/transactions/"+id, "", 200)
}

// verdict returns the form with a button pressed, and more fields in pairs.
func verdict(decision string, more ...string) url.Values {
	values := url.Values{"decision": {decision}}
	for i := 0; i < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return values
}

// has checks that a page holds every text, and does not hold those that begin with "!".
func has(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		without, absent := strings.CutPrefix(text, "!")
		assert.NotEqual(t, absent, strings.Contains(page, without), "want %q in the page:\n%s", text, page)
	}
}

// A person decides by the buttons behind the link.
func TestReviewLinkButtons(t *testing.T) {
	w := realWorld(t)
	for _, c := range []struct {
		decision, other, became, money string
		charges                        int
	}{
		{"approve", "decline", "approved", "The money was taken.", 1},
		{"decline", "approve", "declined", "No money was taken.", 0},
	} {
		t.Run(c.decision, func(t *testing.T) {
			id := w.held(t, heldForReview)
			link := reviewLink(id, "jo@example.com")
			has(t, asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200),
				"waits for your decision", "<dd>1234", "<strong>INR 123.00</strong>", id, "jo@example.com", `<form method="post">`,
				`name="decision" value="approve"`, `name="decision" value="decline"`, "!all the same", "!confirm")
			by := c.became + " by ada (jo@example.com) at 20"
			form := verdict(c.decision, "name", " ada ", "note", "card\r\n1234-5678-8765-4321")
			has(t, asPage(t, press(t, w.linked(), link, form), 200), "<h1>Thank you</h1>", by, c.money, "!<form")
			w.ended(t, id)
			w.charged(t, id, c.charges)
			record := w.read(t, id)
			assert.Equal(t, "card 123456******4321", record.Review.Note, "the review is kept as %+v", record.Review)
			assert.False(t, record.Review.Confirmed, "the review is kept as %+v", record.Review)
			for _, handler := range []http.Handler{w.linked(), handlerWith(withLinks(options(w.forgetful, w.ledger)))} {
				has(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 200), "is decided", by, c.money, "!<form")
				has(t, asPage(t, press(t, handler, link, verdict(c.other, "name", "ada")), 409), by, "!<form")
				has(t, asPage(t, press(t, handler, reviewLink(id, "al@example.com"), form), 409), by, "!<form")
				has(t, asPage(t, press(t, handler, link, form), 200), by, "!<form") // the same once more
			}
			w.charged(t, id, c.charges)
		})
	}
}

// To open a review's link decides nothing.
func TestReviewLinkOpenedOnly(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	for _, query := range []string{"", "&decision=approve"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := request(t, w.linked(), method, reviewLink(id, "jo@example.com")+query, "", "Accept: */*")
			assert.Equal(t, 200, answer.Code, "%s %s", method, answer.Body)
		}
	}
	has(t, asPage(t, press(t, w.linked(), reviewLink(id, "jo@example.com")+"&decision=approve", nil), 422), "Press one of the two buttons", "<form")
	r := w.read(t, id)
	assert.False(t, r.Review.Decided(), "it was decided: %+v", r.Review)
	assert.Equal(t, transaction.InReview, r.Status(), "it was decided: %+v", r.Review)
	w.charged(t, id, 0)
}

// An approval by link against the check has to be confirmed, also where merchants are shown no decision.
func TestReviewLinkConfirm(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldAndWorse)
	link := reviewLink(id, "jo@example.com")
	form := verdict("approve", "name", "ada", "note", "a <b>known</b> buyer")
	for _, detail := range []api.Detail{api.FullDetail, api.NoDetail} {
		o := withLinks(options(w.client, w.ledger))
		o.Detail = detail
		has(t, asPage(t, press(t, handlerWith(o), link, form), 409), "has got worse", "Nothing was decided",
			"The fraud check said approve, score 0", "When it was asked again: decline, score 99",
			`<input type="hidden" name="confirm" value="true">`, "Approve all the same", `value="decline"`,
			`value="ada"`, ">a &lt;b&gt;known&lt;/b&gt; buyer</textarea>")
	}
	w.charged(t, id, 0)
	form.Set("confirm", "true")
	has(t, asPage(t, press(t, w.linked(), link, form), 200), "approved by ada (jo@example.com)", "The money was taken.")
	w.charged(t, id, 1)
}

// A wrong link opens nothing.
func TestReviewLinkRefused(t *testing.T) {
	id := uuid.NewString()
	as := func(path, link string) string {
		_, query, _ := strings.Cut(link, "?")
		return path + "?" + query
	}
	reviewed, acknowledgement := "/transactions/"+id+"/review", "/alerts/"+id+"/acknowledge"
	strange := alert.NewLinks("", []byte("another key for tests, which is long enough"))
	const none, late = "not from this service", "deadline is over"
	for name, c := range map[string]struct{ link, detail string }{
		"of another transaction":    {as(reviewed, reviewLink(uuid.NewString(), "jo@example.com")), none},
		"that acknowledges":         {as(reviewed, linkFor(id, "jo@example.com")), none},
		"that reviews, for another": {as(acknowledgement, reviewLink(id, "jo@example.com")), none},
		"for somebody else":         {strings.Replace(reviewLink(id, "jo@example.com"), "by=jo", "by=al", 1), none},
		"made to last":              {strings.Replace(reviewLink(id, "jo"), "until=", "until=9", 1), none},
		"without a mark":            {reviewed + "?signature=", none},
		"under another key":         {strange.Review(id, "jo@example.com", time.Now().Add(time.Hour)), none},
		"after the deadline":        {links.Review(id, "jo@example.com", time.Now().Add(-time.Second)), late},
		"late, and changed":         {strings.Replace(links.Review(id, "jo", time.Now().Add(-time.Second)), "by=jo", "by=al", 1), none},
	} {
		t.Run(name, func(t *testing.T) {
			reason := map[string]string{none: "bad_link", late: "expired_link"}[c.detail]
			counted := telemetrytest.Gained(t, "orders_logins_refused_total", "reason", reason)
			handler := handlerWith(withLinks(options(nowhere(t), newMemory())))
			has(t, asPage(t, request(t, handler, http.MethodGet, c.link, ""), 403), c.detail, "!<form")
			has(t, asPage(t, press(t, handler, c.link, verdict("approve")), 403), c.detail, "!<form")
			p := asProblem(t, request(t, handler, http.MethodPost, c.link, adaApproves))
			assert.Equal(t, 403, p.Status, "%+v", p)
			assert.Contains(t, p.Detail, c.detail, "%+v", p)
			assert.InDelta(t, 3, counted(), 0, reason)
		})
	}
}

// Without a link an API key is needed.
func TestReviewNeedsLinkOrAPIKey(t *testing.T) {
	id := uuid.NewString()
	path, handler := "/transactions/"+id+"/review", handlerWith(withLinks(options(nowhere(t), newMemory())))
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"JSON":                 judge(t, handler, id, adaApproves),
		"the form":             press(t, handler, path, verdict("approve")),
		"a link and a bad key": request(t, handler, http.MethodPost, reviewLink(id, "jo"), adaApproves, "Authorization: Bearer guess"),
	} {
		p := asProblem(t, answer)
		assert.Equal(t, 401, p.Status, "%s: %+v", name, p)
	}
	has(t, asPage(t, request(t, handler, http.MethodGet, path, ""), 403), "!<form")
	good := request(t, handler, http.MethodPost, reviewLink(id, "jo"), `{"decision": "approve"}`, "Authorization: Bearer secret-of-the-shop")
	p := asProblem(t, good)
	assert.Equal(t, 503, p.Status, "with the key and JSON: %+v", p)
}

// waiting returns a transaction in review as the ledger has it.
func waiting() *ledger.Record {
	r := ledger.Open(transaction.Transaction{ID: uuid.NewString(), Order: transaction.Order{ID: "A-<1>", Name: "tea & <b>cups</b>"}}, start)
	r.Decide(fraud.Decision{
		Outcome: fraud.Review, Score: 45, RiskLevel: fraud.NormalRisk, Source: fraud.AutomatedRule,
		Reasons: []fraud.Reason{{Code: "CARD_VELOCITY", Message: "the card was used 12 times within an hour"}},
	})
	r.Review = &review.Review{RequestedAt: start, Deadline: start.Add(24 * time.Hour), OnExpiry: review.Decline}
	r.Move(transaction.InReview, start)
	return r
}

// The page shows what there is to decide.
func TestReviewPage(t *testing.T) {
	r := waiting()
	r.Review.Recheck = &fraud.Decision{Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk}
	handler := handlerWith(withLinks(options(nowhere(t), newMemory(ledger.Entry{Record: *r}))))
	link := reviewLink(r.TransactionID, "jo@example.com")
	has(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 200),
		"A-&lt;1&gt; (tea &amp; &lt;b&gt;cups&lt;/b&gt;)", "review, score 45 (normal risk)", "the card was used 12 times within an hour", "CARD_VELOCITY",
		"When it was asked again: decline, score 90", "<dt>Decide by</dt><dd>"+r.Review.Deadline.Format("2 January 2006, 15:04:05 UTC"),
		"declined, and the money is given back", "<form", "!all the same")
	has(t, asPage(t, press(t, handler, link, verdict("approve")), 503), "nothing was decided", "!<form")
	r.Review.Expire(review.Decline, start)
	handler = handlerWith(withLinks(options(nowhere(t), newMemory(ledger.Entry{Record: *r}))))
	has(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 200), "declined by its deadline", "When it was asked again: decline, score 90", "!<form")
}

// The page says why there is nothing to decide.
func TestReviewPageOtherStates(t *testing.T) {
	w := realWorld(t)
	expired, refused, unreviewed := waiting(), waiting(), waiting()
	expired.Review.Expire(review.Decline, start)
	expired.Move(transaction.AlertInitiated, start)
	refused.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "grace"}, start)
	refused.Move(transaction.PaymentError, start)
	unreviewed.Review = nil
	unreviewed.Move(transaction.PaymentComplete, start)
	kept := newMemory(ledger.Entry{Record: *expired}, ledger.Entry{Record: *refused}, ledger.Entry{Record: *unreviewed})
	full := withLinks(options(w.client, kept))
	full.MaxInFlight = 0
	busy, unknown := undescribed(), undescribed()
	for c, err := range map[*mocks.Client]error{
		busy: serviceerror.NewResourceExhausted(0, ""), unknown: client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded),
	} {
		c.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(sent).Return(nil, err)
		c.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(nil, err)
	}
	linked := func(c client.Client) http.Handler { return handlerWith(withLinks(options(c, kept))) }
	for name, c := range map[string]struct {
		handler   http.Handler
		id        string
		get, post int
		text      string
	}{
		"nobody decided in time":   {linked(w.client), expired.TransactionID, 200, 409, "declined by its deadline at 20"},
		"the payment failed":       {linked(w.client), refused.TransactionID, 200, 409, "approved by grace at 20"},
		"it is not in review":      {linked(w.client), unreviewed.TransactionID, 200, 409, "not in review: it is TRANSACTION_PAYMENT_COMPLETE"},
		"it is unknown":            {linked(w.client), uuid.NewString(), 404, 404, "no such transaction"},
		"it is no transaction":     {linked(w.client), "event-1", 404, 404, "no such transaction"},
		"Temporal cannot be found": {linked(nowhere(t)), uuid.NewString(), 503, 503, ""},
		"too many at once":         {handlerWith(full), expired.TransactionID, 429, 429, "too many"},
		"Temporal is busy":         {linked(busy), uuid.NewString(), 503, 429, ""},
		"the answer does not come": {linked(unknown), uuid.NewString(), 503, 503, "now"},
	} {
		t.Run(name, func(t *testing.T) {
			link := reviewLink(c.id, "jo@example.com")
			for answer, status := range map[*httptest.ResponseRecorder]int{
				request(t, c.handler, http.MethodGet, link, ""): c.get, press(t, c.handler, link, verdict("approve")): c.post,
			} {
				has(t, strings.ToLower(asPage(t, answer, status)), strings.ToLower(c.text), "!<form")
				assert.Equal(t, status == 429 || status == 503, answer.Header().Get("Retry-After") != "", "%d with %v", status, answer.Header())
			}
		})
	}
}

// A verdict by link that is not settled yet is 202.
func TestReviewLinkPending(t *testing.T) {
	temporal, handle := undescribed(), &mocks.WorkflowUpdateHandle{}
	handle.On("Get", mock.Anything, mock.Anything).Return(context.DeadlineExceeded)
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(handle, nil)
	temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, serviceerror.NewUnavailable(""))
	handler := handlerWith(withLinks(options(temporal, newMemory())))
	page := asPage(t, press(t, handler, reviewLink(uuid.NewString(), "jo@example.com"), verdict("approve")), 202)
	has(t, page, "Thank you", "not settled yet", "!<form")
}

// Faults in a form are shown in it.
func TestReviewFormFaults(t *testing.T) {
	r := waiting()
	handler := handlerWith(withLinks(options(nowhere(t), newMemory(ledger.Entry{Record: *r}))))
	link := reviewLink(r.TransactionID, "jo@example.com")
	for name, c := range map[string]struct {
		form url.Values
		text string
	}{
		"no button":       {url.Values{"note": {"mine"}}, "Press one of the two buttons"},
		"another button":  {verdict("confirm", "note", "mine"), "Press one of the two buttons"},
		"too long a name": {verdict("approve", "name", strings.Repeat("x", 65), "note", "mine"), "at most 64 characters"},
		"too long a note": {verdict("approve", "note", "mine</textarea>"+strings.Repeat("x", 500)), "at most 500 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			has(t, asPage(t, press(t, handler, link, c.form), 422), `<p class="fault">`, c.text, ">mine", "!mine</textarea>x", "<form")
		})
	}
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"no form":   {"application/x-www-form-urlencoded", "%zz=", 400},
		"too large": {"application/x-www-form-urlencoded", "decision=approve&note=" + strings.Repeat("x", 64<<10), 413},
		"JSON":      {"application/json", adaApproves, 415},
		"nothing":   {"", "", 422},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(t, handler, http.MethodPost, link, c.kind, strings.NewReader(c.body))
			assert.Equal(t, c.status, answer.Code, "%s", answer.Body)
		})
	}
}

// The reviewer of a verdict by link includes the receiver of the link. The page could never send a verdict that the
// workflow refuses.
func TestReviewLinkReviewer(t *testing.T) {
	long := strings.Repeat("é", 64)
	for name, c := range map[string]struct {
		sentTo string
		form   url.Values
		want   review.Request
	}{
		"no name":         {"jo@example.com", verdict("approve"), review.Request{Verdict: review.Approve, Reviewer: "jo@example.com"}},
		"a name":          {"jo@example.com", verdict("decline", "name", "ada", "note", "no"), review.Request{Verdict: review.Decline, Reviewer: "ada (jo@example.com)", Note: "no"}},
		"a long name":     {"jo@example.com", verdict("approve", "name", long), review.Request{Verdict: review.Approve, Reviewer: strings.Repeat("é", 46) + "… (jo@example.com)"}},
		"a long address":  {long + "é", verdict("approve", "name", "ada"), review.Request{Verdict: review.Approve, Reviewer: strings.Repeat("é", 63) + "…"}},
		"a telephone":     {"+4915112345678", verdict("approve", "name", "12"), review.Request{Verdict: review.Approve, Reviewer: "124915*****5678)", Person: "+491511***5678"}},
		"a card's number": {"jo", verdict("approve", "name", "1234 5678 8765 4321"), review.Request{Verdict: review.Approve, Reviewer: "123456******4321 (jo)"}},
		"confirmed":       {"jo", verdict("approve", "confirm", "true"), review.Request{Verdict: review.Approve, Reviewer: "jo", Confirm: true}},
		"declined then":   {"jo", verdict("decline", "confirm", "true"), review.Request{Verdict: review.Decline, Reviewer: "jo"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got review.Request
			temporal := &mocks.Client{}
			temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
				options, _ := args.Get(1).(client.UpdateWorkflowOptions)
				got, _ = options.Args[0].(review.Request)
				sent(args)
			}).Return(nil, serviceerror.NewResourceExhausted(0, ""))
			asPage(t, press(t, handlerWith(withLinks(options(temporal, newMemory()))), reviewLink(uuid.NewString(), c.sentTo), c.form), 429)
			if c.want.Person == "" {
				c.want.Person = c.sentTo
			}
			assert.Equal(t, c.want, got)
			assert.NoError(t, got.Check())
		})
	}
}
