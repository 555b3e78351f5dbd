package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
)

// anAlert returns an alert as the API shows it, which asks to be acknowledged.
func (w *world) anAlert(id string) map[string]any {
	until := w.clock.now().Add(time.Hour)
	return map[string]any{
		"id": id, "state": "delivered", "type": alert.FraudDetected, "orderID": "1234", "transactionID": "t-1", "merchants": []string{"default"},
		"time": w.clock.now(), "chains": []any{map[string]any{"receiver": "fraud-team", "route": "frauds", "steps": []any{map[string]any{
			"receiver": "fraud-team", "at": w.clock.now(), "askedUntil": until, "deliveries": []any{map[string]any{
				"target": "mail jo@example.com", "state": "delivered", "attempts": []any{map[string]any{"number": 1, "at": w.clock.now(), "answer": "250 ok"}},
			}},
		}}}},
	}
}

// The list shows what is not acknowledged first; a chosen list shows what was asked for, and leads to its next page.
func TestAlerts(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	w.api.say("GET /alerts", http.StatusOK, map[string]any{"alerts": []any{w.anAlert("e-1")}, "next": "c2"})
	_, page := w.get("/alerts")
	for _, text := range []string{"Not acknowledged", `<a href="/alerts/e-1">Fraud stopped</a>`, "fraud-team", "mail jo@example.com: delivered, 250 ok", "delivered, not acknowledged yet", `href="/alerts?cursor=c2"`} {
		assert.Contains(t, page, text)
	}
	assert.NotContains(t, page, "Dead letters", "a reviewer may not see them")
	_, page = w.get("/alerts?state=undelivered&type=&merchant=&since=2026-01-02")
	asked, err := url.ParseQuery(w.api.last().query)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"state": {"undelivered"}, "since": {"2026-01-02T00:00:00Z"}}, asked)
	assert.Contains(t, page, `value="2026-01-02"`)
	assert.NotContains(t, page, "<h2>Not acknowledged")
}

// An alert is acknowledged with a note, which is kept if that fails.
func TestAcknowledgeAlert(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	w.api.say("GET /alerts/e-1", http.StatusOK, w.anAlert("e-1"))
	_, page := w.get("/alerts/e-1")
	assert.Contains(t, page, "250 ok")
	assert.Contains(t, page, `<span class="state warn">delivered, not acknowledged yet</span>`)
	form := url.Values{"page": {"/alerts/e-1"}, "note": {"calling the buyer"}}
	w.api.say("POST /alerts/e-1/acknowledge", http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "no alertman answers"})
	_, page = w.post("/alerts/e-1/acknowledge", form)
	assert.Contains(t, page, "no alertman answers")
	assert.Contains(t, page, "calling the buyer</textarea>")
	w.api.say("POST /alerts/e-1/acknowledge", http.StatusOK, alert.Acknowledgement{By: "ada@localhost"})
	_, page = w.post("/alerts/e-1/acknowledge", form)
	assert.Contains(t, page, "You have acknowledged this alert")
	w.api.say("POST /alerts/e-1/acknowledge", http.StatusOK, alert.Acknowledgement{By: "bob"})
	_, page = w.post("/alerts/e-1/acknowledge", form)
	assert.Contains(t, page, "bob had acknowledged this alert before.")

	w.clock.at = w.clock.at.Add(2 * time.Hour)
	w.signIn("ada", "reviewer")
	_, page = w.get("/alerts/e-1")
	assert.NotContains(t, page, "<form method=\"post\" action=\"/alerts", "it is not asked for any more")
}

// An id may hold any character, for other programs may name their events: it stands escaped in addresses.
func TestOddAlertID(t *testing.T) {
	const id, escaped = "a/b?c#d 50%2F", "a%2Fb%3Fc%23d%2050%252F"
	w := newWorld(t)
	w.signIn("ada", "admin")
	w.api.say("GET /alerts", http.StatusOK, map[string]any{"alerts": []any{w.anAlert(id)}})
	a := w.anAlert(id)
	a["digest"] = map[string]any{"members": []any{map[string]any{"eventID": id, "orderID": "7"}}}
	a["resent"] = []any{map[string]any{"id": id}}
	w.api.say("GET /alerts/"+id, http.StatusOK, a)
	_, page := w.get("/alerts")
	assert.Contains(t, page, `<a href="/alerts/`+escaped+`">Fraud stopped</a>`)
	_, page = w.get("/alerts/" + escaped)
	assert.Contains(t, page, `<a href="/alerts/`+escaped+`">order 7</a>`)
	assert.Contains(t, page, `<a href="/alerts/`+escaped+`">its delivery</a>`)
	assert.Contains(t, page, `action="/alerts/`+escaped+`/acknowledge"`)
	assert.Contains(t, page, `name="page" value="/alerts/`+escaped+`"`)
	form := url.Values{"page": {"/alerts/" + escaped}, "note": {"calling"}}
	w.api.say("POST /alerts/"+id+"/acknowledge", http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "no alertman answers"})
	_, page = w.post("/alerts/"+escaped+"/acknowledge", form)
	assert.Contains(t, page, "calling</textarea>")
	w.api.say("POST /alerts/"+id+"/acknowledge", http.StatusOK, alert.Acknowledgement{By: "ada@localhost"})
	_, page = w.post("/alerts/"+escaped+"/acknowledge", form)
	assert.Contains(t, page, "You have acknowledged this alert")

	w.api.say("GET /dead-letters", http.StatusOK, map[string]any{"letters": []any{map[string]any{"id": id}}, "total": 1})
	w.api.say("GET /dead-letters/"+id, http.StatusOK, map[string]any{"id": id, "body": "what it holds"})
	_, page = w.get("/dead-letters")
	assert.Contains(t, page, `<a href="/dead-letters/`+escaped+`">`)
	_, page = w.get("/dead-letters/" + escaped)
	assert.Contains(t, page, "what it holds")
	assert.Contains(t, page, `value="/dead-letters/`+escaped+`"`)
}

// An alert that has ended is sent again, under the number that its page had.
func TestResendAlert(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	a := w.anAlert("e-1")
	a["running"] = true
	w.api.say("GET /alerts/e-1", http.StatusOK, a)
	_, page := w.get("/alerts/e-1")
	assert.NotContains(t, page, "Send again")
	delete(a, "running")
	chains := a["chains"]
	a["chains"] = []any{map[string]any{"receiver": "", "route": "nights", "muted": "muted by nights", "steps": []any{}}}
	w.api.say("GET /alerts/e-1", http.StatusOK, a)
	_, page = w.get("/alerts/e-1")
	assert.NotContains(t, page, "Send again", "it was for no receiver")
	a["chains"] = chains
	a["resent"] = []any{alert.Resending{ID: "e-2", Of: "e-1", Number: 1, To: alert.ToAll, By: "bob", At: w.clock.now()}}
	w.api.say("GET /alerts/e-1", http.StatusOK, a)
	_, page = w.get("/alerts/e-1")
	assert.Contains(t, page, `<a href="/alerts/e-2">its delivery</a>`)
	assert.Contains(t, page, `name="number" value="2"`)
	assert.NotContains(t, page, "did not reach", "it has reached all")
	next := w.anAlert("e-3")
	next["resending"] = alert.Resending{ID: "e-3", Of: "e-1", Number: 2, To: alert.ToMissed, By: "ada@localhost", At: w.clock.now()}
	w.api.say("GET /alerts/e-3", http.StatusOK, next)
	w.api.say("POST /alerts/e-1/resend", http.StatusAccepted, next["resending"])
	_, page = w.post("/alerts/e-1/resend", url.Values{"page": {"/alerts/e-1"}, "to": {"missed"}, "number": {"2"}})
	assert.Contains(t, page, "This is the new delivery.")
	assert.Contains(t, page, `to those whom <a href="/alerts/e-1">the alert</a> had not reached`)
	assert.JSONEq(t, `{"to": "missed", "number": 2}`, w.api.asked[len(w.api.asked)-2].body)
	w.api.say("POST /alerts/e-1/resend", http.StatusAccepted, alert.Resending{ID: "e-3", Of: "e-1", Number: 2, To: alert.ToMissed, By: "bob"})
	_, page = w.post("/alerts/e-1/resend", url.Values{"page": {"/alerts/e-1"}, "to": {"missed"}, "number": {"2"}})
	assert.Contains(t, page, "bob had sent the alert again before")
	w.api.say("POST /alerts/e-1/resend", http.StatusConflict, map[string]any{"status": 409, "detail": "not sent again: it has expired"})
	_, page = w.post("/alerts/e-1/resend", url.Values{"page": {"/alerts/e-1"}, "to": {"all"}, "number": {"2"}})
	assert.Contains(t, page, "it has expired")
}

// Without an alertman, the pages say what they lack.
func TestAlertsIncomplete(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	a := w.anAlert("e-1")
	a["incomplete"], a["state"], a["chains"] = true, "failed", []any{map[string]any{"receiver": "fraud-team", "route": "frauds", "steps": []any{}}}
	w.api.say("GET /alerts", http.StatusOK, map[string]any{"alerts": []any{a}})
	w.api.say("GET /alerts/e-1", http.StatusOK, a)
	for _, path := range []string{"/alerts", "/alerts/e-1"} {
		_, page := w.get(path)
		for _, text := range []string{"details of alerts need a running alertman", `<span class="state bad">failed</span>`, "fraud-team"} {
			assert.Contains(t, page, text, path)
		}
		assert.NotContains(t, page, "Send again", path)
	}
}

// Mutes are shown with their reasons, made from what the alert's page proposes, and ended.
func TestMutes(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	now := w.clock.now()
	on := alert.Mute{ID: "m-1", By: "bob", Reason: "load test", Begin: now, Until: now.Add(time.Hour)}
	over := alert.Mute{ID: "m-2", Type: alert.FraudDetected, Merchant: "acme", By: "bob", Reason: "over", Begin: now.Add(-time.Hour), Until: now, EndedBy: "eve"}
	w.api.say("GET /mutes", http.StatusOK, map[string]any{"mutes": []alert.Mute{on, over}})
	w.api.say("GET /alerts", http.StatusOK, map[string]any{"alerts": []any{w.anAlert("e-1")}})
	w.api.say("GET /alerts/e-1", http.StatusOK, w.anAlert("e-1"))
	_, page := w.get("/alerts")
	assert.Contains(t, page, "1 mute is on.")
	_, page = w.get("/alerts/e-1")
	const form = "/alerts/mutes?merchant=default&amp;type=orders.fraud.detected.v1"
	assert.Contains(t, page, form)
	_, page = w.get("/alerts/mutes?merchant=default&type=orders.fraud.detected.v1")
	for _, text := range []string{"All types, urgent ones too", "load test", "Fraud stopped", "by eve", `value="orders.fraud.detected.v1" selected`, `name="merchant" size="12" value="default"`} {
		assert.Contains(t, page, text)
	}
	assert.Equal(t, 1, strings.Count(page, ">End</button>"), "one has ended")
	_, rest, _ := strings.Cut(page, `name="id" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	require.NoError(t, uuid.Validate(id))
	w.api.say("POST /mutes", http.StatusConflict, map[string]any{"status": 409, "detail": "the id is that of another mute"})
	_, page = w.post("/alerts/mutes", url.Values{"page": {"/alerts/mutes"}, "id": {id}, "hours": {"1"}, "reason": {"load test"}})
	assert.Contains(t, page, "the id is that of another mute")
	assert.NotContains(t, page, id, "it could not be sent again")
	w.api.say("POST /mutes", http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "the ledger does not answer"})
	_, page = w.post("/alerts/mutes", url.Values{"page": {"/alerts/mutes"}, "id": {id}, "hours": {"1"}, "reason": {"load test"}})
	assert.Contains(t, page, id, "the mute may have been kept")
	w.api.say("POST /mutes", http.StatusCreated, on)
	_, page = w.post("/alerts/mutes", url.Values{"page": {"/alerts/mutes"}, "id": {id}, "hours": {"1"}, "reason": {"load test"}, "type": {""}, "merchant": {"acme"}, "customerID": {""}})
	assert.Contains(t, page, "Muted until <time datetime")
	assert.JSONEq(t, `{"id": "`+id+`", "hours": 1, "reason": "load test", "merchant": "acme"}`, w.api.asked[len(w.api.asked)-2].body)
	_, page = w.post("/alerts/mutes", url.Values{"page": {"/alerts/mutes"}, "hours": {"many"}, "reason": {"kept"}})
	assert.Contains(t, page, "Say for how many hours.")
	assert.Contains(t, page, `value="kept"`)
	w.api.say("DELETE /mutes/m-1", http.StatusOK, on)
	_, page = w.post("/alerts/mutes/m-1/end", url.Values{"page": {"/alerts/mutes"}})
	assert.Contains(t, page, "The mute has ended")
}

// Dead letters are replayed at once, and purged only after a second question.
func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "operator")
	letter := alert.DeadLetter{ID: "odd one", Reason: "must be JSON", Size: 2}
	w.api.say("GET /dead-letters", http.StatusOK, map[string]any{"letters": []any{letter}, "total": 1})
	w.api.say("GET /dead-letters/odd one", http.StatusOK, map[string]any{"id": "odd one", "reason": "must be JSON", "body": "<b>411111******1111</b>"})
	_, page := w.get("/dead-letters")
	assert.Contains(t, page, `href="/dead-letters/odd%20one"`)
	_, page = w.get("/dead-letters/odd%20one")
	assert.Contains(t, page, "&lt;b&gt;411111******1111")
	w.api.say("GET /dead-letters/a/b/", http.StatusOK, map[string]any{"id": "a/b/", "reason": "it ends in a slash", "body": ""})
	for _, path := range []string{"/dead-letters/a%2Fb%2F", "/dead-letters/a%2Fb%2F/"} {
		_, page = w.get(path)
		assert.Contains(t, page, "it ends in a slash", path)
	}

	form := url.Values{"page": {"/dead-letters"}, "id": {"odd one"}, "do": {"ask"}}
	_, page = w.post("/dead-letters", form)
	assert.Contains(t, page, "Delete 1 for good?")
	assert.Equal(t, "GET /dead-letters", w.api.last().what)
	done := map[string]any{"done": []any{letter}, "left": []any{map[string]any{"id": "two", "why": "no event"}}, "missing": []any{"three"}}
	for do, path := range map[string]string{"purge": "POST /dead-letters/purge", "replay": "POST /dead-letters/replay"} {
		w.api.say(path, http.StatusOK, done)
		form.Set("do", do)
		_, page = w.post("/dead-letters", form)
		assert.Contains(t, page, "two stays: no event. No longer there: three.")
		assert.JSONEq(t, `{"ids":["odd one"]}`, w.api.asked[len(w.api.asked)-2].body)
	}
	_, page = w.post("/dead-letters", url.Values{"page": {"/dead-letters"}, "do": {"replay"}})
	assert.Contains(t, page, "Choose at least one dead letter.")
	code, detail := said(http.StatusServiceUnavailable, "RabbitMQ does not answer")
	w.api.say("POST /dead-letters/replay", code, detail)
	form.Set("do", "replay")
	_, page = w.post("/dead-letters", form)
	assert.Contains(t, page, `aria-label="odd one" checked>`)
}
