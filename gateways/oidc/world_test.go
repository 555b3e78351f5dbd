package oidc_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/gateways/oidc"
	"dummyorders/internal/devissuer"
)

// back is where the issuer sends browsers back to. No server is there: the browser stops before it.
const back = "http://127.0.0.1:1/callback"

const roles = "reviewer=reviewer, staff=merchant@acme, auditor=auditor@acme+beta"

// world is a real provider, and what recognizes its persons.
type world struct {
	provider *devissuer.Issuer
	issuer   *oidc.Issuer
	later    atomic.Int64 // how much later than now it is
}

func newWorld(t *testing.T) *world {
	t.Helper()
	provider, err := devissuer.Start(devissuer.Options{Groups: []string{"reviewer", "staff", "auditor"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = provider.Stop(t.Context()) })
	w := &world{provider: provider}
	parsed, err := oidc.ParseRoles(roles)
	require.NoError(t, err)
	w.issuer = oidc.New(oidc.Config{
		URL: provider.URL(), Audience: devissuer.ClientID, GroupsClaim: devissuer.GroupsClaim, Roles: parsed,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.now,
	})
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.later.Load())) }

func (w *world) wait(d time.Duration) { w.later.Add(int64(d)) }

// claims returns the claims of a good token, with some changed. Those that are nil are left out.
func (w *world) claims(changed map[string]any) []byte {
	claims := map[string]any{
		"iss": w.provider.URL(), "aud": devissuer.ClientID, "sub": "0123", "iat": w.now().Unix(), "exp": w.now().Add(time.Hour).Unix(),
		"email": "Ada@example.com", "email_verified": true, "groups": []string{"reviewer"},
	}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	text, _ := json.Marshal(claims)
	return text
}

func (w *world) token(t *testing.T, changed map[string]any) string {
	t.Helper()
	token, err := w.provider.Sign(w.claims(changed))
	require.NoError(t, err)
	return token
}

// signIn opens a page of the provider in a browser, chooses to be ada, and returns the query with which the browser was sent
// back.
func (w *world) signIn(t *testing.T, page string) (query url.Values) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != "127.0.0.1:1" {
			return nil
		}
		query = r.URL.Query()
		return http.ErrUseLastResponse
	}}
	text, err := w.provider.SignIn(t.Context(), browser, page, "ada", "reviewer", "staff")
	require.NoError(t, err)
	require.NotNil(t, query, text)
	return query
}
