package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

// signedIn has an open session kept of each of these persons of example.com, with the person's first name as its id.
func signedIn(t testing.TB, store *ledgerdb.Ledger, names ...string) ledgerdb.Sessions {
	t.Helper()
	sessions := ledgerdb.Sessions{Ledger: store, Of: func(name []byte) identity.Session {
		since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		return identity.Session{ID: string(name), Person: string(name) + "@example.com", From: "192.0.2.7", Since: since, Until: since.Add(10 * time.Hour)}
	}}
	for _, name := range names {
		require.NoError(t, sessions.CommitCtx(t.Context(), "digest of "+name, []byte(name), time.Now().Add(time.Hour)))
	}
	return sessions
}

// asIn makes a call to the API as a subject at the desk.
func asIn(t *testing.T, handler http.Handler, subject identity.Subject, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(api.As(t.Context(), subject), method, path, http.NoBody))
	return answer
}

// sessionsIn returns the ids of the sessions that GET /sessions lists.
func sessionsIn(t *testing.T, answer *httptest.ResponseRecorder) (ids []string) {
	t.Helper()
	for _, s := range decoded[struct{ Sessions []identity.Session }](t, answer, 200).Sessions {
		ids = append(ids, s.ID)
	}
	assert.NotContains(t, answer.Body.String(), "digest")
	return ids
}

// A caller sees its own sessions and can end no other ones, unless it is an admin of all merchants.
func TestSessionsOfCallers(t *testing.T) {
	store, _ := newClients(t)
	o := options(nowhere(t), newMemory())
	sessions := signedIn(t, store, "ada", "bob", "eve")
	o.Sessions, o.Authenticators = sessions, []api.Authenticator{tokens{}}
	handler := handlerWith(o)
	all := []string{"ada", "bob", "eve"}
	ofAll := func(scopes ...identity.Scope) []identity.Grant {
		return []identity.Grant{{Scopes: scopes, Merchants: identity.AllMerchants()}}
	}
	ofAcme := aClient("acme", "shop", identity.Scopes...)
	for name, c := range map[string]struct {
		caller identity.Subject
		sees   []string
	}{
		"person":                         {identity.Subject{Kind: identity.Person, Name: "bob@example.com", Grants: ofAll(identity.Review)}, []string{"bob"}},
		"person without a role":          {identity.Subject{Kind: identity.Person, Name: "eve@example.com"}, []string{"eve"}},
		"person without a session":       {identity.Subject{Kind: identity.Person, Name: "joe@example.com", Grants: ofAll(identity.Audit)}, nil},
		"admin of a merchant":            {aPerson("acme", identity.Admin), []string{"ada"}},
		"admin of all merchants":         {identity.Subject{Kind: identity.Person, Name: "joe@example.com", Grants: ofAll(identity.Admin)}, all},
		"client of a merchant":           {ofAcme, nil},
		"client that is called alike":    {identity.Subject{Kind: identity.Client, Name: "bob@example.com", Grants: ofAcme.Grants}, nil},
		"client that is admin of all":    {identity.Subject{Kind: identity.Client, Name: "ops", Grants: ofAll(identity.Admin)}, all},
		"client of all, without a scope": {identity.Subject{Kind: identity.Client, Name: "ops", Grants: ofAll(identity.Read)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen := sessionsIn(t, asIn(t, handler, c.caller, http.MethodGet, "/sessions"))
			assert.ElementsMatch(t, c.sees, seen)
			for _, id := range all {
				if len(c.sees) < 2 && (len(c.sees) == 0 || c.sees[0] != id) {
					assert.Equal(t, 404, asIn(t, handler, c.caller, http.MethodPost, "/sessions/"+id+"/end").Code, id)
				}
			}
		})
	}
	open, err := sessions.Open(t.Context())
	require.NoError(t, err)
	assert.Len(t, open, 3)
	assert.Equal(t, 401, request(t, handler, http.MethodGet, "/sessions", "").Code)
	assert.Equal(t, 401, request(t, handler, http.MethodPost, "/sessions/bob/end", "").Code)

	for path, item := range contractOf(true).document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			documented := operation.(map[string]any)
			assert.Equal(t, strings.HasPrefix(path, "/sessions"), documented["responses"].(map[string]any)["403"] == nil && documented["security"] != nil, "%s %s", method, path)
		}
	}

	o.Authenticators = nil
	assert.ElementsMatch(t, all, sessionsIn(t, request(t, handlerWith(o), http.MethodGet, "/sessions", "")), "an API without keys is open")
}

// An ended session is read no more, and the audit trail has who ended it.
func TestSessionIsEnded(t *testing.T) {
	store, _ := newClients(t)
	o, kept := options(nowhere(t), newMemory()), &trail{}
	sessions := signedIn(t, store, "ada", "bob")
	o.Sessions, o.Audit, o.Authenticators = sessions, kept, []api.Authenticator{tokens{}}
	handler := handlerWith(o)
	bob := identity.Subject{Kind: identity.Person, Name: "bob@example.com", Session: "bob"}
	ada := identity.Subject{
		Kind: identity.Person, Name: "ada@example.com", Session: "ada",
		Grants: []identity.Grant{{Scopes: []identity.Scope{identity.Admin}, Merchants: identity.AllMerchants()}},
	}
	for _, s := range decoded[struct{ Sessions []identity.Session }](t, asIn(t, handler, ada, http.MethodGet, "/sessions"), 200).Sessions {
		assert.Equal(t, s.ID == "ada", s.Own, s.ID)
	}
	ended := decoded[identity.Session](t, asIn(t, handler, ada, http.MethodPost, "/sessions/bob/end"), 200)
	assert.Equal(t, "bob@example.com", ended.Person)
	assert.False(t, ended.Own)
	_, found, err := sessions.FindCtx(t.Context(), "digest of bob")
	require.NoError(t, err)
	assert.False(t, found)
	assert.Equal(t, 404, asIn(t, handler, ada, http.MethodPost, "/sessions/bob/end").Code, "it has ended")
	assert.Empty(t, sessionsIn(t, asIn(t, handler, bob, http.MethodGet, "/sessions")))
	assert.True(t, decoded[identity.Session](t, asIn(t, handler, ada, http.MethodPost, "/sessions/ada/end"), 200).Own, "one's own, as by signing out")

	const bobs = "person ada@example.com |  | endSession | session of bob@example.com from 192.0.2.7 since 2026-01-02T03:04:05Z | "
	lines := kept.lines()
	assert.Equal(t, "person ada@example.com |  | listSessions |  | 200 |  > 2 sessions", lines[0])
	assert.Equal(t, []string{bobs + "begun", bobs + "200 | ends 2"}, lines[1:3])
}

// stuck sessions can be read and not ended.
type stuck struct{ ledgerdb.Sessions }

func (stuck) End(ctx context.Context, _ string) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return nil
	}
	return errors.New("the ledger is away")
}

// While the ledger is away, the answer says whether the session may have been ended.
func TestSessionsAway(t *testing.T) {
	store, _ := newClients(t)
	o, kept := options(nowhere(t), newMemory()), &trail{}
	sessions := signedIn(t, store, "bob")
	o.Sessions, o.Audit = stuck{sessions}, kept
	answer := request(t, handlerWith(o), http.MethodPost, "/sessions/bob/end", "")
	require.Equal(t, 503, answer.Code)
	assert.Contains(t, asProblem(t, answer).Detail, "it is not known whether")
	lines := kept.lines()
	assert.Contains(t, lines[len(lines)-1], "| 503 | ends 1")

	o.Sessions = sessions
	require.NoError(t, store.Close())
	for method, path := range map[string]string{http.MethodGet: "/sessions", http.MethodPost: "/sessions/bob/end"} {
		answer := request(t, handlerWith(o), method, path, "")
		require.Equal(t, 503, answer.Code)
		assert.Contains(t, asProblem(t, answer).Detail, "no session was ended")
	}
}
