package desk_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/ledgertest"
)

// records returns so many transactions, the newest first.
func records(count int) []ledger.Record {
	all := make([]ledger.Record, count)
	for i := range all {
		all[i] = ledgertest.Ended(count-i, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)).Record
	}
	return all
}

// The form's fields are asked of the API as it names them, and empty ones are not.
func TestTransactionsSearch(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	w.api.say("GET /transactions", 200, map[string]any{"transactions": records(2), "next": "abc"})
	status, page := w.get("/transactions?orderID=&customerID=+c-1+&since=2026-01-02T03:04&until=2026-01-03T00:00:00Z&metadata=channel&metadataValue=web&column=id&column=labels")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, url.Values{
		"customerID": {"c-1"}, "since": {"2026-01-02T03:04:00Z"}, "until": {"2026-01-03T00:00:00Z"}, "metadata.channel": {"web"},
	}.Encode(), w.api.last().query)
	assert.Contains(t, page, `value="2026-01-03T00:00:00"`)
	assert.Contains(t, page, `<a href="/transactions/`+records(2)[0].TransactionID+`">`)
	assert.Contains(t, page, `<th scope="col">Labels</th>`)
	assert.NotContains(t, page, `<th scope="col">Customer</th>`)
	assert.Contains(t, page, `cursor=abc&amp;customerID=`, "the next page")

	w.api.say("GET /transactions", 422, map[string]any{"status": 422, "detail": "not so", "errors": []any{map[string]any{"parameter": "rule", "detail": "would look through it all"}}})
	status, page = w.get("/transactions?rule=card_velocity")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, `<li><code>rule</code> would look through it all</li>`)
	assert.Contains(t, page, `value="card_velocity"`, "the form keeps what was written")

	w.api.say("GET /transactions", 200, map[string]any{"transactions": []any{}})
	_, page = w.get("/transactions")
	assert.Contains(t, page, "No transaction is like that")
	w.api.say("GET /transactions", 200, map[string]any{"transactions": []any{}, "next": "abc", "searchedTo": "2026-01-02T03:04:05Z"})
	_, page = w.get("/transactions?currency=INR")
	assert.Contains(t, page, `Looked back to <time datetime="2026-01-02T03:04:05Z">2026-01-02 03:04:05 UTC</time>: nothing so far. <a href="/transactions.csv?currency=INR">CSV</a> of what all pages find`)
	assert.Contains(t, page, `href="/transactions?currency=INR&amp;cursor=abc" data-key="n">Look further`)
	assert.NotContains(t, page, "No transaction is like that")
	w.api.say("GET /transactions", 200, map[string]any{"transactions": records(1), "next": "abc", "searchedTo": "2026-01-02T03:04:05Z"})
	_, page = w.get("/transactions?currency=INR")
	assert.Contains(t, page, "03:04:05 UTC</time>.")
	w.api.say("GET /transactions", 503, map[string]any{"status": 503, "detail": "the ledger cannot be read now"})
	status, page = w.get("/transactions")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, page, "the ledger cannot be read now")
}

// An id leads to what has it.
func TestTransactionsFind(t *testing.T) {
	one := records(1)[0]
	for name, c := range map[string]struct {
		id, leads string
		say       func(*fakeAPI)
	}{
		"a transaction": {one.TransactionID, "/transactions/" + one.TransactionID, func(a *fakeAPI) { a.say("GET /transactions/"+one.TransactionID, 200, one) }},
		"an alert": {"0199aaaa-0000-7000-8000-000000000001", "/transactions/" + one.TransactionID, func(a *fakeAPI) {
			a.say("GET /alerts/0199aaaa-0000-7000-8000-000000000001", 200, alert.Log{TransactionID: one.TransactionID})
		}},
		"an alert about no transaction": {"0199aaaa-0000-7000-8000-000000000001", "/alerts/0199aaaa-0000-7000-8000-000000000001", func(a *fakeAPI) {
			a.say("GET /alerts/0199aaaa-0000-7000-8000-000000000001", 200, alert.Log{Type: alert.AlarmFiring})
		}},
		"an order whose id is a UUID": {"0199aaaa-0000-7000-8000-000000000003", "/transactions/" + one.TransactionID, func(a *fakeAPI) {
			a.say("GET /transactions", 200, map[string]any{"transactions": records(1)})
		}},
		"nothing":            {"0199aaaa-0000-7000-8000-000000000002", "/transactions", func(*fakeAPI) {}},
		"the only of its id": {"o 1", "/transactions/" + one.TransactionID, func(a *fakeAPI) { a.say("GET /transactions", 200, map[string]any{"transactions": records(1)}) }},
		"one of several":     {"o 1", "/transactions?orderID=o+1", func(a *fakeAPI) { a.say("GET /transactions", 200, map[string]any{"transactions": records(2)}) }},
		"an address":         {"192.0.2.1", "/transactions?ip=192.0.2.1", func(a *fakeAPI) { a.say("GET /transactions", 200, map[string]any{"transactions": records(2)}) }},
		"nothing like it":    {"0042", "/transactions", func(a *fakeAPI) { a.say("GET /transactions", 200, map[string]any{"transactions": []any{}}) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn("ada", "reviewer")
			w.api.say("GET /transactions", 200, map[string]any{"transactions": []any{}})
			c.say(w.api)
			w.browser.CheckRedirect = stay
			response, err := w.browser.Get(w.url + "/transactions/find?id=" + url.QueryEscape(c.id))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, c.leads, response.Header.Get("Location"))
		})
	}
}

// The file has every page up to its bound, and no cell that a spreadsheet takes for a formula.
func TestTransactionsCSV(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	page := records(200)
	page[0].Order.ID = "=1+1"
	w.api.say("GET /transactions", 200, map[string]any{"transactions": page, "next": "again"}) // without an end
	status, text := w.get("/transactions.csv?customerID=c-1&column=id")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "cursor=again&customerID=c-1&limit=200", w.api.last().query)
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 10_002)
	assert.Equal(t, []string{"time", "id", "merchant", "order"}, lines[0][:4])
	assert.Equal(t, "'=1+1", lines[1][3])
	assert.Contains(t, lines[10_001][0], "There may be more: this file ends after 10000")

	w.api.say("GET /transactions", 200, map[string]any{"transactions": page[:180], "next": "again"}) // as a search that looks at many
	w.get("/transactions.csv")
	assert.Equal(t, "cursor=again&limit=100", w.api.last().query, "9900 are written")

	w.api.say("GET /transactions", 200, map[string]any{"transactions": []any{}, "next": "again", "searchedTo": "2026-01-02T03:04:05Z"}) // as one that finds nothing
	_, text = w.get("/transactions.csv")
	assert.Contains(t, text, "this file ends after 0. Search until 2026-01-02T03:04:06Z for the rest.")

	w.api.say("GET /transactions", 200, map[string]any{"transactions": page[:3]})
	_, text = w.get("/transactions.csv")
	assert.Equal(t, 4, strings.Count(text, "\n"))
}

// A file whose search takes long ends in time, and says where to go on.
func TestTransactionsCSVInTime(t *testing.T) {
	var w *world
	w = newWorldOver(t, http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		w.clock.mu.Lock()
		defer w.clock.mu.Unlock()
		w.clock.at = w.clock.at.Add(25 * time.Second)
		_, _ = fmt.Fprintf(answer, `{"transactions": [], "next": "again", "searchedTo": %q}`, w.clock.at.Format(time.RFC3339))
	}), as)
	w.signIn("ada", "analyst")
	third := w.clock.now().Add(76 * time.Second).UTC().Format(time.RFC3339)
	_, text := w.get("/transactions.csv")
	assert.Contains(t, text, "this file ends after 0. Search until "+third+" for the rest.")
}

// A transaction's page tells its story, and what else is known of it to those who may see that.
func TestTransaction(t *testing.T) {
	w := newWorld(t)
	r := ledgertest.Whole().Record
	path := "/transactions/" + r.TransactionID
	delivered := r.StartTime.Add(90 * time.Second)
	w.api.say("GET "+path, 200, r)
	w.api.say("GET /alerts", 200, map[string]any{"alerts": []any{map[string]any{
		"id": "e/1", "type": "fraud", "state": "delivered", "chains": []alert.ChainLog{{Receiver: "fraud-team", Steps: []alert.StepLog{{Receiver: "fraud-team", Deliveries: []alert.Delivery{{
			Target: "mail team@example.com", State: alert.Delivered, At: &delivered, Attempts: []alert.Attempt{{Number: 1, Answer: "250 OK"}},
		}}}}}},
	}}})
	w.api.say("GET /audit", 200, map[string]any{"entries": []audit.Entry{{Subject: "bob@localhost", Action: "reviewTransaction", Result: "200"}}})
	w.signIn("ada", "admin")
	status, page := w.get(path)
	assert.Equal(t, http.StatusOK, status)
	last := -1
	for _, told := range []string{
		"Accepted. The fraud check was asked.", "The payment was begun", "The money is held, and a person has to decide.", "ada decided: decline",
		"Labelled fraudulent by dispute.", "The alert “fraud” to fraud-team (mail team@example.com) was delivered.",
	} {
		at := strings.Index(page, told)
		assert.Greater(t, at, last, "%s is not told, or not in its place", told)
		last = at
	}
	assert.Contains(t, page, "1 min 22 s later")
	assert.Contains(t, page, "still held: it has expired")
	assert.Contains(t, page, "250 OK")
	assert.Contains(t, page, `<a href="/alerts/e%2F1">fraud</a>`)
	assert.Contains(t, page, "bob@localhost</td><td>reviewTransaction")
	assert.Contains(t, page, `href="/transactions?sameCardAs=`+r.TransactionID)

	w.browser = w.newBrowser()
	w.signIn("bob", "merchant")
	_, page = w.get(path)
	for _, hidden := range []string{"250 OK", "reviewTransaction", "Its review"} {
		assert.NotContains(t, page, hidden)
	}
}

// What cannot be read leaves a sentence in its place, and the rest of the page.
func TestTransactionInPart(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "admin")
	open, next := ledgertest.Accepted(1).Record, time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)
	open.Retries = []ledger.Retry{{Step: "Capture", Failed: 3, Next: &next, Failure: "the gateway is away."}, {Step: "Save", Failed: 1}}
	w.api.say("GET /transactions/"+open.TransactionID, 200, open)
	w.api.say("GET /alerts", 503, map[string]any{"status": 503, "detail": "no alertman answers"})
	status, page := w.get("/transactions/" + open.TransactionID)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "They cannot be shown now: no alertman answers.")
	assert.Contains(t, page, "and still running")
	assert.Contains(t, page, "It waits for the fraud check")
	assert.Contains(t, page, "Taking the money that is held has failed 3 times, the last time because: the gateway is away. It is tried again at <time")
	assert.Contains(t, page, "Writing to the ledger has failed once. It is being tried again now.")
	open.Review = &review.Review{RequestedAt: next, Deadline: next}
	open.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, next)
	open.Move(transaction.InReview, next)
	w.api.say("GET /transactions/"+open.TransactionID, 200, open)
	_, page = w.get("/transactions/" + open.TransactionID)
	assert.Contains(t, page, "It was decided, and waits for the gateway")
	status, _ = w.get("/transactions/unknown")
	assert.Equal(t, http.StatusNotFound, status)
}

// A label is sent to the API as it was chosen, and one that is refused stays in the form.
func TestTransactionLabel(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	r := ledgertest.Ended(1, time.Now()).Record
	path := "/transactions/" + r.TransactionID
	w.api.say("GET "+path, 200, r)
	w.api.say("POST "+path+"/labels", 201, ledger.Label{})
	form := url.Values{"page": {path}, "label": {"legitimate"}, "source": {"dispute"}, "note": {"won"}}
	_, page := w.post(path+"/labels", form)
	assert.Contains(t, page, "The label is kept.")
	var sent string
	for _, a := range w.api.asked {
		if a.what == "POST "+path+"/labels" {
			sent = a.body
		}
	}
	assert.JSONEq(t, `{"label":"legitimate","source":"dispute","note":"won"}`, sent)
	w.api.say("POST "+path+"/labels", 503, map[string]any{"status": 503, "detail": "the ledger cannot be written now"})
	_, page = w.post(path+"/labels", form)
	assert.Contains(t, page, "the ledger cannot be written now")
	assert.Contains(t, page, `<option selected>legitimate</option>`)
	assert.Contains(t, page, `value="won"`)
}

// Each status has words of its own.
func TestStatusesInWords(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	seen := map[string]string{}
	for i, code := range transaction.Statuses() {
		r := ledgertest.Accepted(i).Record
		r.Steps = r.Steps[:0]
		r.Move(code, r.StartTime)
		w.api.say("GET /transactions/"+r.TransactionID, 200, r)
		_, page := w.get("/transactions/" + r.TransactionID)
		_, told, _ := strings.Cut(page, "<br>")
		told, _, _ = strings.Cut(told, "</li>")
		assert.Empty(t, seen[told], "%s and %s are both told as %q", code, seen[told], told)
		seen[told] = code.String() + strconv.Itoa(i)
	}
}
