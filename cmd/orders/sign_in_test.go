package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/gateways/oidc"
	"dummyorders/internal/devissuer"
)

// A person signs in at a real provider with a browser, and the command prints the token.
func TestSignIn(t *testing.T) {
	provider, err := devissuer.Start(devissuer.Options{Groups: []string{"fraud-team"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = provider.Stop(t.Context()) })
	roles, err := oidc.ParseRoles("fraud-team=reviewer@acme")
	require.NoError(t, err)
	issuer := oidc.New(oidc.Config{
		URL: provider.URL(), Audience: devissuer.ClientID, GroupsClaim: devissuer.GroupsClaim, Roles: roles, Log: slog.New(slog.DiscardHandler),
	})
	progress, into := io.Pipe()
	t.Cleanup(func() { _ = progress.Close() })
	var results strings.Builder
	ended := make(chan error, 1)
	go func() {
		ended <- signInCommand{Wait: time.Minute}.signIn(t.Context(), issuer, output{results: &results, progress: into})
	}()
	page := findIn(t, progress, regexp.MustCompile(`http://\S+/authorize\S+`))
	go func() { _, _ = io.Copy(io.Discard, progress) }()

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	get := func(url string) string { return body(t)(browser.Get(url)) }
	asked, err := url.Parse(page)
	require.NoError(t, err)
	back := asked.Query().Get("redirect_uri")
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/callback$`, back)
	assert.Contains(t, get(back+"?code=a&state=b"), "This is not the sign-in that orders waits for", "another page's request does not end it")
	assert.Contains(t, get(page), "Only those who started the service may sign in here")
	get(provider.Link())
	request := regexp.MustCompile(`name="request" value="([^"]+)"`).FindStringSubmatch(get(page))
	require.NotNil(t, request)
	form := url.Values{"request": {request[1]}, "name": {"ada"}, "group": {"fraud-team"}}
	assert.Contains(t, body(t)(browser.PostForm(provider.URL()+"/sign-in", form)), "Signed in: person ada@localhost. You can close this page.")

	require.NoError(t, <-ended)
	person, err := issuer.Authenticate(t.Context(), strings.TrimSuffix(results.String(), "\n"))
	require.NoError(t, err)
	assert.Equal(t, "acme", person.For(identity.Review).String())
}

// The command gives up after a while, and says so if the issuer is away.
func TestSignInEnds(t *testing.T) {
	provider, err := devissuer.Start(devissuer.Options{})
	require.NoError(t, err)
	issuer := func() *oidc.Issuer {
		return oidc.New(oidc.Config{URL: provider.URL(), Audience: devissuer.ClientID, Log: slog.New(slog.DiscardHandler)})
	}
	quiet := output{results: io.Discard, progress: io.Discard}
	assert.EqualError(t, signInCommand{Wait: time.Millisecond * 50}.signIn(t.Context(), issuer(), quiet), "sign in: it was not done within 50ms")
	require.NoError(t, provider.Stop(t.Context()))
	assert.ErrorContains(t, signInCommand{Wait: time.Minute}.signIn(t.Context(), issuer(), quiet), "ask the issuer "+provider.URL())
}

// findIn reads until the text matches, and returns the match.
func findIn(t *testing.T, from io.Reader, what *regexp.Regexp) string {
	t.Helper()
	text, more := "", make([]byte, 4096)
	for {
		n, err := from.Read(more)
		require.NoError(t, err, text)
		text += string(more[:n])
		if found := what.FindString(text); found != "" {
			return found
		}
	}
}

func body(t *testing.T) func(*http.Response, error) string {
	return func(answer *http.Response, err error) string {
		t.Helper()
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(text)
	}
}
