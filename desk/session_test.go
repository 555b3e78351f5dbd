package desk_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/desk"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
	"dummyorders/internal/logging"
	"dummyorders/internal/telemetrytest"
)

// A person signs in at the issuer, sees what the roles allow, and signs out.
func TestSignIn(t *testing.T) {
	w := newWorld(t)
	page := w.signIn("ada", "reviewer", "merchant")
	assert.Contains(t, page, "<h1>ada@localhost</h1>")
	assert.Contains(t, page, "decide transactions in review</td><td>all merchants</td>")
	assert.NotContains(t, page, "manage merchants")
	require.Len(t, w.audit.entries, 1)
	in := w.audit.entries[0]
	assert.Equal(t, []any{"signIn", "ada@localhost", identity.Person, "127.0.0.1", "done"}, []any{in.Action, in.Subject, in.Kind, in.Address, in.Result})

	assert.Equal(t, 1, w.kept(59*time.Minute), "it goes on for an hour")

	status, page := w.post("/sign-out", url.Values{})
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "You have signed out")
	assert.Equal(t, "signOut", w.audit.entries[1].Action)
	w.browser.CheckRedirect = stay
	status, _ = w.get("/you")
	assert.Equal(t, http.StatusSeeOther, status)
}

// A sign-in is noted with the address that the proxy names, and counted if it is refused, which is noted too.
func TestSignInRefused(t *testing.T) {
	w := newWorld(t)
	w.from = "203.0.113.9"
	w.signIn("ada", "reviewer")
	w.browser = w.newBrowser()
	w.browser.CheckRedirect = stay
	before := telemetrytest.Value(t, "orders_logins_refused_total", "reason", "sign_in")
	begun, err := w.browser.Get(w.url + "/sign-in")
	require.NoError(t, err)
	require.NoError(t, begun.Body.Close())
	issuer, err := begun.Location()
	require.NoError(t, err)
	status, page := w.get("/callback?" + url.Values{"state": {issuer.Query().Get("state")}, "error": {"access_denied"}}.Encode())
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, page, "The sign-in has failed.")
	assert.InDelta(t, before+1, telemetrytest.Value(t, "orders_logins_refused_total", "reason", "sign_in"), 0)
	require.Len(t, w.audit.entries, 2)
	for i, want := range [][]any{{"signIn", "ada@localhost", "203.0.113.9", "done"}, {"signIn", "", "203.0.113.9", "403"}} {
		e := w.audit.entries[i]
		assert.Equal(t, want, []any{e.Action, e.Subject, e.Address, e.Result})
	}
}

// A session lasts longer than a role: what its person may do follows from OIDC_ROLES as the desk has it now. The session of another
// issuer does not count.
func TestRolesChange(t *testing.T) {
	w := newWorld(t)
	require.Contains(t, w.signIn("ada", "reviewer", "auditor"), "decide transactions in review")
	w.restart(func(o *desk.Options) {
		o.Groups = map[string][]identity.Grant{"auditor": {{Scopes: []identity.Scope{identity.Audit}, Merchants: identity.OnlyMerchants("acme")}}}
	})
	status, page := w.get("/you")
	require.Equal(t, http.StatusOK, status)
	assert.NotContains(t, page, "decide transactions in review")
	assert.NotContains(t, page, "all merchants")
	assert.Contains(t, page, "<td>acme</td>")
	assert.Equal(t, []string{"auditor"}, w.api.last().by.Groups)
	w.restart(func(o *desk.Options) { o.IssuerURL = "https://login.example.com" })
	w.browser.CheckRedirect = stay
	status, _ = w.get("/you")
	assert.Equal(t, http.StatusSeeOther, status)
}

// A person who signs in after another one in the same browser is not shown what that one has written. The same person, who signs in again, is.
func TestNextPerson(t *testing.T) {
	w := newWorld(t)
	again := func(name string) string {
		t.Helper()
		_, _ = w.post("/alerts/mutes", url.Values{"page": {"/alerts/mutes"}, "hours": {"many"}, "reason": {"what ada wrote"}})
		page, err := w.issuer.SignIn(t.Context(), w.browser, w.url+"/sign-in?to=/alerts/mutes", name, "operator")
		require.NoError(t, err)
		return page
	}
	w.api.say("GET /mutes", http.StatusOK, map[string]any{"mutes": []any{}})
	for name, sees := range map[string]bool{"ada": true, "bob": false} {
		w.browser = w.newBrowser()
		w.signIn("ada", "operator")
		w.audit.entries = nil
		w.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == "/alerts/mutes" && r.Response.Request.Method == http.MethodPost { // which would show the form
				return http.ErrUseLastResponse
			}
			return nil
		}
		assert.Equal(t, sees, strings.Contains(again(name), "what ada wrote"), name)
		var done []string
		for _, e := range w.audit.entries {
			done = append(done, e.Action+" "+e.Subject)
		}
		want := []string{"signIn ada@localhost"}
		if !sees {
			want = []string{"signOut ada@localhost", "signIn bob@localhost"}
		}
		assert.Equal(t, want, done)
	}
}

// While the issuer is away, visitors learn so, and the log has one line about it, and one with a count.
func TestIssuerAway(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.issuer.Stop(t.Context()))
	for range 3 {
		w.browser = w.newBrowser()
		status, page := w.get("/you")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Contains(t, page, "The issuer that signs persons in does not answer.")
	}
	logging.Flush(w.log)
	logged, err := os.ReadFile(w.logged)
	require.NoError(t, err)
	assert.Regexp(t, `^\S+ level=ERROR .*Issuer cannot sign a person in.*\n\S+ level=ERROR .*Issuer cannot sign a person in.* times=2 .*\n$`, string(logged))
}

// kept returns how many sessions are kept for longer than this, those of sign-ins that are under way among them.
func (w *world) kept(after time.Duration) (count int) {
	w.t.Helper()
	file, err := sql.Open("sqlite", w.file)
	require.NoError(w.t, err)
	defer func() { assert.NoError(w.t, file.Close()) }()
	const query = `SELECT count(*) FROM sessions WHERE expires_at > ? AND length(data) > 0`
	require.NoError(w.t, file.QueryRowContext(w.t.Context(), query, time.Now().Add(after).UnixMicro()).Scan(&count))
	return count
}

// sessionData returns what is kept of all sessions.
func (w *world) sessionData() string {
	w.t.Helper()
	file, err := sql.Open("sqlite", w.file)
	require.NoError(w.t, err)
	defer func() { assert.NoError(w.t, file.Close()) }()
	var data sql.NullString
	require.NoError(w.t, file.QueryRowContext(w.t.Context(), `SELECT group_concat(CAST(data AS TEXT)) FROM sessions`).Scan(&data))
	return data.String
}

// Whatever is written into a form, no session keeps a card number: sessions are in the ledger's database.
func TestSessionsHoldNoCardNumber(t *testing.T) {
	const number, mistyped, mask = "4716190207394368", "4716190207394367", "471619******"
	refusal, said := said(http.StatusUnprocessableEntity, "must not hold a card number, as "+number+" is")
	for name, c := range map[string]struct {
		path string
		form url.Values // nil for a page
		kept string     // what is kept in place of the number
	}{
		"a note":            {"/transactions/1/labels", url.Values{"page": {"/transactions/1"}, "note": {"of " + mistyped}}, "of " + mask},
		"a value":           {"/rules/lists/blocked", url.Values{"page": {"/rules/lists/blocked"}, "value": {number}}, mask},
		"a page":            {"/rules/lists/blocked", url.Values{"page": {"/rules/lists/blocked?search=4716%201902%200739%204368"}}, `"Page":"/"`},
		"an id":             {"/transactions/find?id=" + mistyped, nil, mask},
		"a draft's note":    {"/rules/workbench", url.Values{"file:ruleset.yaml": {"id: other"}, "note": {mistyped}}, mask},
		"a draft's file":    {"/rules/workbench", url.Values{"file:lists/a.txt": {number}}, ""},
		"a draft's other":   {"/rules/workbench", url.Values{"file:ruleset.yaml": {"id: other"}, "add": {"lists/" + number}, "days": {number}}, mask},
		"where one goes on": {"/sign-in?to=" + url.QueryEscape("/transactions?customerID=4716-1902-0739-4368"), nil, "leads"},
	} {
		t.Run(name, func(t *testing.T) {
			w := rulesWorld(t)
			w.api.say("GET /rules/files", 200, map[string]any{"files": ruleset.Files{"ruleset.yaml": "id: mine\n"}})
			w.api.say("GET /transactions", 200, map[string]any{"transactions": []any{}})
			w.api.say("POST /transactions/1/labels", refusal, said)
			w.api.say("POST /rules/lists/blocked/entries", refusal, said)
			w.browser.CheckRedirect = stay
			method := http.MethodPost
			if c.form == nil {
				method = http.MethodGet
			}
			_, page := w.do(method, c.path, c.form, nil)
			data := w.sessionData()
			assert.Contains(t, data, c.kept)
			assert.NotRegexp(t, `4716.{0,3}1902`, data)
			if c.kept == "" {
				assert.Contains(t, page, "lists/a.txt must not hold a card number")
				assert.Contains(t, page, number+"\n</textarea>", "what was written is on the page")
			}
		})
	}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Without a session a page leads to the sign-in, and then to itself; never to another site.
func TestSignInLeadsBack(t *testing.T) {
	w := newWorld(t)
	for page, leads := range map[string]string{
		"/you?a=b": "/you?a=b", "/you?a=\\b": "/you?a=\\b", "//eve.example.com": "/", "https://eve.example.com/": "/", "/\\eve.example.com": "/", "/\\eve.example.com?a": "/", "you": "/",
	} {
		w.browser = w.newBrowser()
		seen := ""
		w.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Scheme+"://"+r.URL.Host == w.url && r.URL.Path != "/callback" {
				seen = r.URL.RequestURI()
				return http.ErrUseLastResponse
			}
			return nil
		}
		_, err := w.issuer.SignIn(t.Context(), w.browser, w.url+"/sign-in?to="+url.QueryEscape(page), "ada", "reviewer")
		require.NoError(t, err)
		assert.Equal(t, leads, seen, page)
	}
}

// The cookie of before the sign-in opens nothing after it, and one that was signed out opens nothing either.
func TestCookie(t *testing.T) {
	w := newWorld(t)
	base, err := url.Parse(w.url)
	require.NoError(t, err)
	w.browser.CheckRedirect = stay
	_, _ = w.get("/sign-in")
	before := w.browser.Jar.Cookies(base)
	require.Len(t, before, 1)
	w.browser.CheckRedirect = nil
	w.signIn("ada", "reviewer")
	after := w.browser.Jar.Cookies(base)
	require.Len(t, after, 1)
	require.NotEqual(t, before[0].Value, after[0].Value)
	_, _ = w.post("/sign-out", url.Values{})
	for _, cookie := range []*http.Cookie{before[0], after[0]} {
		other := w.newBrowser()
		other.CheckRedirect = stay
		other.Jar.SetCookies(base, []*http.Cookie{cookie})
		w.browser = other
		status, _ := w.get("/you")
		assert.Equal(t, http.StatusSeeOther, status)
	}
}

// A sign-in that the audit trail cannot keep does not count.
func TestSignInIsAudited(t *testing.T) {
	w := newWorld(t)
	w.audit.err = errors.New("the disk is full")
	assert.Contains(t, w.signIn("ada", "reviewer"), "you were not signed in")
	w.browser.CheckRedirect = stay
	status, _ := w.get("/you")
	assert.Equal(t, http.StatusSeeOther, status)
}

// A form of another site is refused, and no page can be framed or load what is not the desk's.
func TestForgery(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://eve.example.com"}}} {
		status, _ := w.do(http.MethodPost, "/sign-out", url.Values{}, header)
		assert.Equal(t, http.StatusForbidden, status)
	}
	status, _ := w.get("/you")
	assert.Equal(t, http.StatusOK, status, "the session goes on")
	response, err := w.browser.Head(w.url + "/you")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	policy := response.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe")
}

// A form whose session has ended is shown again with all that was in it, and nothing is done or kept.
func TestFormWithoutSession(t *testing.T) {
	w := newWorld(t)
	status, page := w.post("/reviews/one?a=b", url.Values{"note": {"the buyer <was> called"}, "decision": {"approve"}})
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, page, `action="/reviews/one?a=b"`)
	assert.Contains(t, page, `name="note" value="the buyer &lt;was&gt; called"`)
	assert.Contains(t, page, `name="decision" value="approve"`)
	assert.Empty(t, w.api.last())
	assert.Zero(t, w.kept(0))
}

// Strangers can have only so many sign-ins kept, and none for long. Those of one site leave some to others.
func TestManySignIns(t *testing.T) {
	w := newWorld(t)
	began := 0
	begins := func(from string) bool {
		t.Helper()
		w.browser, w.from = w.newBrowser(), from
		w.browser.CheckRedirect = stay
		status, _ := w.get("/sign-in")
		if status == http.StatusSeeOther {
			began++
		}
		return status != http.StatusTooManyRequests
	}
	for i := range 100 {
		begins(fmt.Sprintf("2001:db8::%x", i))
	}
	assert.Less(t, began, 40, "of one site")
	assert.True(t, begins("192.0.2.1"), "of another one")
	before := began
	for i := range 100 {
		begins(fmt.Sprintf("198.51.100.%d", i))
	}
	assert.Less(t, began-before, 80, "of all")
	assert.Equal(t, began, w.kept(0))
	assert.Zero(t, w.kept(11*time.Minute))
}

// Without its session store the desk says so, and does nothing.
func TestSessionsAway(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	require.NoError(t, w.ledger.Close())
	status, page := w.get("/you")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, page, "Transactions go on without the desk")
}

// Where a session cannot be kept, the desk says so and nothing else; and not that nothing was done, for it may have been.
func TestSessionNotKept(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	file, err := sql.Open("sqlite", w.file)
	require.NoError(t, err)
	defer func() { assert.NoError(t, file.Close()) }()
	_, err = file.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	require.NoError(t, err)
	for _, visit := range []func() (int, string){
		func() (int, string) { return w.get("/you") },
		func() (int, string) { return w.get("/sign-in") },
		func() (int, string) { return w.post("/sessions/one/end", url.Values{"page": {"/you"}}) },
	} {
		status, page := visit()
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Contains(t, page, "see whether it was done")
		assert.NotContains(t, page, "Nothing was done")
		assert.True(t, strings.HasSuffix(strings.TrimSpace(page), "</html>"), page)
		assert.Equal(t, 1, strings.Count(page, "<h1>"))
	}
	assert.Equal(t, "POST /sessions/one/end", w.api.last().what)
}

// Somebody without a role is shown how to get one.
func TestNoRole(t *testing.T) {
	w := newWorld(t)
	assert.Contains(t, w.signIn("eve"), "the issuer put you in no group that has a role")
}

func TestNotFound(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	status, page := w.get("/nothing")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, page, "This page does not exist.")
}
