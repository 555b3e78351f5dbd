package desk_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/internal/ledgertest"
)

const entriesOf = " /rules/lists/blocked/entries"

// A list's entries are shown, added and removed; a refusal leads back to the form with what was written.
func TestList(t *testing.T) {
	w := rulesWorld(t)
	entry := ruleset.ListEntry{Number: 4, Value: "c-<66>", Reason: "chargeback", By: "bob", At: w.clock.now()}
	gone := ruleset.ListEntry{Number: 2, Value: "c-1", RemovedIn: 3, RemovedBy: "eve", RemovedReason: "a mistake"}
	over := ruleset.ListEntry{Number: 1, Value: "c-2", Expires: w.clock.now().Add(-time.Hour)}
	w.api.say("GET"+entriesOf, 200, map[string]any{
		"list": ruleset.List{Name: "blocked", Of: "customer.id", Effect: fraud.ActBlock, Entries: 1}, "entries": []any{entry, gone, over}, "next": "2",
	})
	_, page := w.get("/rules")
	assert.Contains(t, page, `href="/rules/lists/blocked"`)
	status, page := w.get("/rules/lists/blocked?search=c-&removed=true")
	assert.Equal(t, http.StatusOK, status)
	for _, want := range []string{
		"c-&lt;66&gt;", "chargeback", "by bob", "removed by eve", "a mistake", "<td>expired <time", `action="/rules/lists/blocked/4/remove"`, `value="c-"`, "checked",
		"/rules/lists/blocked?cursor=2&amp;removed=true&amp;search=c-",
	} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, "/2/remove")

	form := url.Values{"page": {"/rules/lists/blocked"}, "value": {" c-67 "}, "reason": {"a ring"}, "expires": {""}, "transaction": {""}}
	w.api.say("POST"+entriesOf, 409, map[string]any{"status": 409, "detail": "the value is on the list already"})
	_, page = w.post("/rules/lists/blocked", form)
	assert.Contains(t, page, "the value is on the list already")
	assert.Contains(t, page, `value="a ring"`)
	w.api.say("POST"+entriesOf, 201, entry)
	_, page = w.post("/rules/lists/blocked", form)
	assert.Contains(t, page, "Added: it counts within five seconds.")
	assert.JSONEq(t, `{"value": "c-67", "reason": "a ring"}`, w.api.sent("POST" + entriesOf)[1])

	w.api.say("DELETE"+entriesOf+"/4", 503, map[string]any{"status": 503, "detail": "the lists do not answer"})
	_, page = w.post("/rules/lists/blocked/4/remove", url.Values{"page": {"/rules/lists/blocked"}, "why": {"a mistake of mine"}})
	assert.Contains(t, page, `value="a mistake of mine"`)
	assert.Equal(t, 1, strings.Count(page, "<details open>"))
	w.api.say("DELETE"+entriesOf+"/4", 200, gone)
	_, page = w.post("/rules/lists/blocked/4/remove", url.Values{"page": {"/rules/lists/blocked"}, "why": {"a mistake"}})
	assert.Contains(t, page, "Removed")
	assert.Equal(t, "reason=a+mistake", w.api.asked[len(w.api.asked)-2].query) // before the page that follows
}

// A file's entries are only shown, and reviewers, who may not publish, are offered no change.
func TestListShown(t *testing.T) {
	w := rulesWorld(t)
	list := ruleset.List{Name: "blocked", Of: "customer.id", File: "lists/a.txt", Entries: 1}
	say := func() {
		w.api.say("GET"+entriesOf, 200, map[string]any{"list": list, "entries": []any{ruleset.ListEntry{Number: 4, Value: "c-66"}}})
	}
	say()
	_, page := w.get("/rules/lists/blocked")
	assert.Contains(t, page, "c-66")
	assert.Contains(t, page, "lists/a.txt")
	assert.NotContains(t, page, `method="post" action="/rules`)
	list.File = ""
	say()
	w.browser = w.newBrowser()
	w.signIn("eve", "reviewer")
	_, page = w.get("/rules/lists/blocked")
	assert.Contains(t, page, "c-66")
	assert.NotContains(t, page, `method="post" action="/rules`)
}

// A transaction's page puts its card, customer or address on a list in the database, and says by which entries it was on lists.
func TestListTransaction(t *testing.T) {
	w := rulesWorld(t)
	used := inUse
	used.Deciding.Lists = append(slices.Clone(used.Deciding.Lists), ruleset.List{Name: "in_a_file", Of: "ip.address", File: "lists/a.txt"})
	w.api.say("GET /rules", 200, used)
	r := ledgertest.Whole().Record
	r.Explanation = &fraud.Explanation{Lists: &fraud.ListsUsed{Change: 9, Hits: []fraud.ListHit{{List: "blocked", Entry: 7}}}}
	path := "/transactions/" + r.TransactionID
	w.api.say("GET "+path, 200, r)
	_, page := w.get(path)
	assert.Contains(t, page, `<a href="/rules/lists/blocked?removed=true">blocked</a> by entry 7`)
	assert.Contains(t, page, `href="`+path+`/lists"`)
	assert.Empty(t, w.api.sent("GET /rules"), "the rules are not read for each transaction")
	_, page = w.get(path + "/lists")
	assert.Contains(t, page, `<option value="blocked">`)
	assert.NotContains(t, page, `<option value="in_a_file">`)
	w.api.say("POST"+entriesOf, 409, map[string]any{"status": 409, "detail": "it is on the list already"})
	_, page = w.post(path+"/lists", url.Values{"page": {path + "/lists"}, "list": {"blocked"}, "reason": {"a ring"}})
	assert.Contains(t, page, "it is on the list already")
	assert.Contains(t, page, `value="a ring"`)
	w.api.say("POST"+entriesOf, 201, ruleset.ListEntry{Number: 8})
	_, page = w.post(path+"/lists", url.Values{"page": {path + "/lists"}, "list": {"blocked"}, "reason": {"a ring"}})
	assert.Contains(t, page, "On the list blocked: it counts within five seconds.")
	assert.JSONEq(t, `{"transaction": "`+r.TransactionID+`", "reason": "a ring"}`, w.api.sent("POST" + entriesOf)[1])

	w.browser = w.newBrowser()
	w.signIn("eve", "reviewer")
	_, page = w.get(path)
	assert.NotContains(t, page, "on a list</a>")
}
