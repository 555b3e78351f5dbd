package desk_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// sayPeople has the API know one merchant, and one live key of a client of it.
func (w *world) sayPeople() identity.Key {
	_, key := identity.NewKey("acme", "shop", []identity.Scope{identity.Read}, w.clock.now(), time.Time{})
	w.api.say("GET /merchants", 200, map[string]any{"merchants": []any{identity.Merchant{Name: "acme", AddedAt: w.clock.now()}.Shown()}})
	w.api.say("GET /keys", 200, map[string]any{"keys": []any{key.Shown(w.clock.now())}})
	w.api.say("GET /sessions", 200, map[string]any{"sessions": []any{identity.Session{ID: "s-1", Person: "ada@localhost", Own: true}}})
	return key
}

func TestPeople(t *testing.T) {
	w := newWorld(t)
	key := w.sayPeople()
	w.signIn("ada", "admin")
	status, page := w.get("/people")
	assert.Equal(t, http.StatusOK, status)
	for _, shown := range []string{
		key.Name, "<td>shop</td>", ">live</span>", `<th scope="row">acme</th>`, "ada@localhost", "this one",
		`<tr><th scope="row">merchant</th><td>merchant</td><td>acme</td></tr>`, `<tr><th scope="row">auditor</th><td>auditor</td><td>all merchants</td></tr>`,
	} {
		assert.Contains(t, page, shown)
	}
}

// A new key is shown in the answer itself and in no later page, and a refusal leads back to the form with what was written.
func TestKeyIsShownOnce(t *testing.T) {
	w := newWorld(t)
	w.sayPeople()
	w.signIn("ada", "admin")
	secret, key := identity.NewKey("acme", "till", []identity.Scope{identity.Read, identity.Transact}, w.clock.now(), time.Time{})
	w.api.say("POST /keys", 201, identity.MadeKey{Secret: secret.Reveal(), ShownKey: key.Shown(w.clock.now())})
	form := url.Values{"page": {"/people"}, "merchant": {"acme"}, "client": {"till"}, "expires": {""}, "scope": {"read", "transact"}}
	status, page := w.post("/people/keys", form)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, secret.Reveal())
	assert.JSONEq(t, `{"merchant": "acme", "client": "till", "scopes": ["read", "transact"]}`, w.api.last().body)
	_, page = w.get("/people")
	assert.NotContains(t, page, secret.Reveal())

	w.api.say("POST /keys", 409, map[string]any{"status": 409, "detail": "it has two live keys already"})
	_, page = w.post("/people/keys", form)
	assert.Contains(t, page, "it has two live keys already")
	assert.Contains(t, page, `value="till"`)
	assert.Contains(t, page, `value="read" checked`)
	assert.Contains(t, page, `value="transact" checked`)
	assert.NotContains(t, page, `value="review" checked`)
}

// What was written into a form of many on the page is in that form again, if it was refused.
func TestRefusedFormOfMany(t *testing.T) {
	w := newWorld(t)
	key := w.sayPeople()
	w.signIn("ada", "admin")
	code, detail := said(http.StatusConflict, "not so")
	w.api.say("POST /keys/"+key.Name+"/roll", code, detail)
	w.api.say("POST /merchants", code, detail)
	_, page := w.post("/people/keys/"+key.Name+"/roll", url.Values{"page": {"/people"}, "overlap": {"48h"}})
	assert.Contains(t, page, `name="overlap" value="48h"`)
	assert.Contains(t, page, "<details open><summary>Roll or revoke")
	_, page = w.post("/people/merchants", url.Values{"page": {"/people"}, "merchant": {"acme"}})
	assert.Contains(t, page, `autocomplete="off" value="acme"`)
	assert.NotContains(t, page, "selected", "another form has a field of this name")
	assert.NotContains(t, page, "<details open>")
	assert.Contains(t, page, `name="overlap" value="24h"`)
}

func TestKeysAndMerchantsAreChanged(t *testing.T) {
	w := newWorld(t)
	w.sayPeople()
	w.signIn("ada", "admin")
	for path, c := range map[string]struct{ asked, body, says string }{
		"/people/keys/abc/revoke":        {"POST /keys/abc/revoke", "", "Key abc is revoked"},
		"/people/merchants/acme/disable": {"POST /merchants/acme/disable", "", "Merchant acme is disabled"},
		"/people/merchants/acme/enable":  {"POST /merchants/acme/enable", "", "Merchant acme is enabled"},
		"/people/merchants":              {"POST /merchants", `{"merchant":"beta"}`, "Merchant beta is added"},
	} {
		w.api.say(c.asked, 200, map[string]any{})
		_, page := w.post(path, url.Values{"page": {"/people"}, "merchant": {"beta"}, "sure": {"yes"}})
		assert.Contains(t, page, c.says)
		w.api.mu.Lock()
		sent := w.api.asked[len(w.api.asked)-4] // before the page that follows
		w.api.mu.Unlock()
		assert.Equal(t, []string{c.asked, c.body, "ada@localhost"}, []string{sent.what, sent.body, sent.by.Name})
	}
}

// What cannot be taken back needs its box ticked, also where the browser does not ask for that.
func TestUnsure(t *testing.T) {
	w := newWorld(t)
	w.sayPeople()
	w.signIn("ada", "admin")
	for _, path := range []string{"/people/keys/abc/revoke", "/people/merchants/acme/disable"} {
		w.api.say("POST "+strings.TrimPrefix(path, "/people"), 200, map[string]any{})
		_, page := w.post(path, url.Values{"page": {"/people"}})
		assert.Contains(t, page, "Nothing was done: tick the box")
	}
	for _, asked := range w.api.asked {
		assert.NotContains(t, asked.what, "POST")
	}
}

var endForm = regexp.MustCompile(`action="(/sessions/[^/]+/end)"`)

// A person ends other sessions of the same name, an admin those of all. The desk refuses an ended session at once.
func TestSessionsAreEnded(t *testing.T) {
	w := newRealWorld(t)
	w.signIn("bob", "reviewer")
	bob := w.browser
	w.browser = w.newBrowser()
	page := w.signIn("eve", "reviewer")
	assert.NotContains(t, page, "bob@localhost")
	eve := w.browser
	w.browser = w.newBrowser()
	page = w.signIn("ada", "admin")
	assert.NotContains(t, page, "bob@localhost", "You shows one's own")
	_, page = w.get("/people")
	assert.Contains(t, page, "this one")
	_, rest, _ := strings.Cut(page, "bob@localhost")
	ends := endForm.FindStringSubmatch(rest)
	require.NotNil(t, ends, page)
	admin := w.browser

	w.browser = eve
	_, page = w.post(ends[1], url.Values{"page": {"/you"}})
	assert.Contains(t, page, "no such session, or it has ended already", "it is not eve's")
	w.browser = bob
	status, _ := w.get("/you")
	assert.Equal(t, http.StatusOK, status)
	w.browser = admin
	_, page = w.post(ends[1], url.Values{"page": {"/people"}})
	assert.Contains(t, page, "A session of bob@localhost is ended.")
	at := slices.IndexFunc(w.audit.entries, func(e audit.Entry) bool { return e.Action == "endSession" && e.Result == "200" })
	require.Positive(t, at)
	assert.Equal(t, "ada@localhost", w.audit.entries[at].Subject)
	assert.Contains(t, w.audit.entries[at].Object, "session of bob@localhost from 127.0.0.1 since ")
	w.browser = bob
	w.browser.CheckRedirect = stay
	status, _ = w.get("/you")
	assert.Equal(t, http.StatusSeeOther, status)

	w.browser = w.newBrowser()
	page = w.signIn("eve", "reviewer")
	ends = endForm.FindStringSubmatch(page)
	require.NotNil(t, ends, "her other session is on the page")
	_, page = w.post(ends[1], url.Values{"page": {"/you"}})
	assert.Contains(t, page, "A session of eve@localhost is ended.")
}

func TestTrailOnTheDesk(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "auditor")
	entry := audit.Link{}.Next(audit.Entry{Time: w.clock.now(), Action: "revokeKey", Object: "key abc", Before: "it was live", After: "it is revoked", Result: "200"})
	w.api.say("GET /audit", 200, map[string]any{"entries": []audit.Kept{entry}, "next": "1"})
	_, page := w.get("/audit?subject=+ada@localhost+&action=&since=2026-01-02T03:04")
	assert.Equal(t, url.Values{"subject": {"ada@localhost"}, "since": {"2026-01-02T03:04:00Z"}}.Encode(), w.api.last().query)
	for _, shown := range []string{"revokeKey", "/audit?object=key%20abc", "it was live", "it is revoked", entry.Digest.String(), "cursor=1"} {
		assert.Contains(t, page, shown)
	}
	w.api.say("GET /audit", 200, map[string]any{"entries": []audit.Kept{entry}})
	_, file := w.get("/audit.jsonl?object=key+abc")
	assert.Contains(t, file, `"action":"revokeKey"`)
	assert.Equal(t, 1, strings.Count(file, "\n"))

	w.api.say("GET /audit", 200, map[string]any{"entries": []audit.Kept{}, "next": "7", "searchedTo": "2026-01-02T03:04:05Z"})
	_, page = w.get("/audit?action=rare")
	for _, shown := range []string{"Looked back to", "nothing so far", "Look further", "cursor=7"} {
		assert.Contains(t, page, shown)
	}
	assert.NotContains(t, page, "No entry is like that")

	w.api.say("GET /audit/verification", 200, audit.Report{Entries: 7})
	_, page = w.get("/audit/verification")
	assert.Contains(t, page, "The trail is whole: 7 entries")
	w.api.say("GET /audit/verification", 200, audit.Report{Broken: &audit.Broken{Number: 3, Day: "2026-01-02", How: audit.Changed}})
	_, page = w.get("/audit/verification")
	assert.Contains(t, page, "entry 3, of 2026-01-02, was changed.")
}
