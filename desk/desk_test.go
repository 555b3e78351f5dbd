package desk_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/desk"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/oidc"
	"dummyorders/internal/devissuer"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/logging"
)

// world is a desk with a real issuer and real sessions, over an API that answers what a test says.
type world struct {
	t       *testing.T
	url     string
	from    string // the address that a proxy names, if there is one
	issuer  *devissuer.Issuer
	browser *http.Client
	ledger  *ledgerdb.Ledger
	file    string // which the ledger is in
	api     *fakeAPI
	audit   *trail
	clock   *clock
	log     *slog.Logger
	logged  string // the file that the log is in
	stop    func() // asks the desk to stop
	restart func(change func(*desk.Options))
}

// roles gives each role to the group of its name, for all merchants.
const roles = "reviewer=reviewer,analyst=analyst,operator=operator,auditor=auditor,admin=admin,merchant=merchant@acme"

func newWorld(t *testing.T) *world {
	t.Helper()
	fake := &fakeAPI{answers: map[string]answer{"GET /sessions": {http.StatusOK, map[string]any{"sessions": []any{}}}}}
	w := newWorldOver(t, fake, as)
	w.api = fake
	return w
}

// newWorldOver returns a desk over an API whose requests as makes those of a person.
func newWorldOver(t *testing.T, handler http.Handler, as func(context.Context, identity.Subject) context.Context) *world {
	t.Helper()
	issuer, err := devissuer.Start(devissuer.Options{Groups: []string{"reviewer", "analyst", "operator", "auditor", "admin", "merchant"}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, issuer.Stop(context.Background())) })
	file := filepath.Join(t.TempDir(), "ledger.db")
	store := ledgertest.Open(t, "sqlite:"+file)
	parsed, err := oidc.ParseRoles(roles)
	require.NoError(t, err)

	logged, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, logged.Close()) })
	log, err := logging.New(logged, "desk", "text", false, slog.LevelInfo, strings.Clone)
	require.NoError(t, err)

	server := httptest.NewUnstartedServer(nil)
	server.Start()
	t.Cleanup(server.Close)
	running, stop := context.WithCancel(t.Context())
	w := &world{t: t, url: server.URL, issuer: issuer, ledger: store, file: file, audit: &trail{}, clock: &clock{at: time.Now()}, log: log, logged: logged.Name(), stop: stop}
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	options := desk.Options{
		API: handler, As: as, Groups: parsed, Audit: w.audit, URL: base, Version: "test", Log: log, Now: w.clock.now, Running: running,
		ReviewNotes: []string{"called the buyer"}, IssuerURL: issuer.URL(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Issuer:   oidc.New(oidc.Config{URL: issuer.URL(), Audience: devissuer.ClientID, GroupsClaim: devissuer.GroupsClaim, Roles: parsed, Log: log}),
		Sessions: ledgerdb.Sessions{Ledger: store, Of: desk.SessionOf, Now: w.clock.now},
	}
	w.restart = func(change func(*desk.Options)) {
		change(&options)
		server.Config.Handler = desk.New(options)
	}
	w.restart(func(*desk.Options) {})
	w.browser = w.newBrowser()
	return w
}

// newBrowser returns a browser without a session.
func (w *world) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &http.Client{Jar: jar, Transport: w}
}

// RoundTrip sends a request as the proxy before the desk does.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.from != "" {
		r.Header.Set("X-Forwarded-For", w.from)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// signIn signs a person of these groups in, and returns the page that follows.
func (w *world) signIn(name string, groups ...string) string {
	w.t.Helper()
	shown, err := w.issuer.SignIn(w.t.Context(), w.browser, w.url+"/you", name, groups...)
	require.NoError(w.t, err)
	return shown
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	return w.do(http.MethodGet, path, nil, nil)
}

func (w *world) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	return w.do(http.MethodPost, path, form, nil)
}

func (w *world) do(method, path string, form url.Values, header http.Header) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(form.Encode()))
	require.NoError(w.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(r.Header, header)
	response, err := w.browser.Do(r)
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	assert.Empty(w.t, rawWords(string(body)), "%s shows them as programs write them", path)
	return response.StatusCode, string(body)
}

type subjectKey struct{}

func as(ctx context.Context, s identity.Subject) context.Context {
	return context.WithValue(ctx, subjectKey{}, s)
}

// fakeAPI answers requests by method and path, and keeps what it was asked.
type fakeAPI struct {
	mu      sync.Mutex
	answers map[string]answer
	asked   []asked
}

type answer struct {
	status int
	body   any
}

type asked struct {
	what, query, body string
	by                identity.Subject
}

// say sets the answer to a request such as "GET /transactions".
func (a *fakeAPI) say(what string, status int, body any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[what] = answer{status, body}
}

// last returns the last request.
func (a *fakeAPI) last() asked {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		return asked{}
	}
	return a.asked[len(a.asked)-1]
}

// ServeHTTP implements http.Handler.
func (a *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	by, _ := r.Context().Value(subjectKey{}).(identity.Subject)
	what := r.Method + " " + r.URL.Path
	a.asked = append(a.asked, asked{what, r.URL.RawQuery, string(body), by})
	said, known := a.answers[what]
	if !known {
		said = answer{http.StatusNotFound, map[string]any{"status": 404, "title": "Not Found", "detail": "nothing is said about " + what}}
	}
	w.WriteHeader(said.status)
	_ = json.NewEncoder(w).Encode(said.body)
}

// trail keeps entries of the audit trail in memory.
type trail struct {
	mu      sync.Mutex
	entries []audit.Entry
	err     error
}

func (t *trail) Append(_ context.Context, e audit.Entry) (audit.Kept, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.entries = append(t.entries, e)
	}
	return audit.Kept{Entry: e}, t.err
}

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}
