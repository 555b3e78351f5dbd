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
	token, issuer := signsIn(t, signInCommand{Wait: time.Minute})
	person, err := issuer.Authenticate(t.Context(), strings.TrimSuffix(token, "\n"))
	require.NoError(t, err)
	assert.Equal(t, "acme", person.For(identity.Review).String())
}

// signsIn has ada sign in, and returns what the command prints.
func signsIn(t *testing.T, c signInCommand) (printed string, issuer *oidc.Issuer) {
	t.Helper()
	provider, err := devissuer.Start(devissuer.Options{Groups: []string{"fraud-team"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = provider.Stop(t.Context()) })
	roles, err := oidc.ParseRoles("fraud-team=reviewer@acme")
	require.NoError(t, err)
	issuer = oidc.New(oidc.Config{
		URL: provider.URL(), Audience: devissuer.ClientID, GroupsClaim: devissuer.GroupsClaim, Roles: roles, Log: slog.New(slog.DiscardHandler),
	})
	progress, into := io.Pipe()
	t.Cleanup(func() { _ = progress.Close() })
	var results strings.Builder
	ended := make(chan error, 1)
	go func() {
		ended <- c.signIn(t.Context(), issuer, output{results: &results, progress: into})
	}()
	page := findIn(t, progress, regexp.MustCompile(`http://\S+/authorize\S+`))
	go func() { _, _ = io.Copy(io.Discard, progress) }()

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	asked, err := url.Parse(page)
	require.NoError(t, err)
	back := asked.Query().Get("redirect_uri")
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/callback$`, back)
	other, err := http.NewRequestWithContext(t.Context(), http.MethodGet, back+"?code=a&state=b", http.NoBody)
	require.NoError(t, err)
	refused, err := browser.Do(other)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	assert.Equal(t, http.StatusBadRequest, refused.StatusCode, "another page's request does not end it")
	text, err := provider.SignIn(t.Context(), browser, page, "ada", "fraud-team")
	require.NoError(t, err)
	assert.Contains(t, text, "You are signed in, and can close this page.")

	require.NoError(t, <-ended)
	return results.String(), issuer
}

// The command gives up after a while, and says so if the issuer is away.
func TestSignInEnds(t *testing.T) {
	provider, err := devissuer.Start(devissuer.Options{})
	require.NoError(t, err)
	issuer := func() *oidc.Issuer {
		return oidc.New(oidc.Config{URL: provider.URL(), Audience: devissuer.ClientID, Log: slog.New(slog.DiscardHandler)})
	}
	quiet := output{results: io.Discard, progress: io.Discard}
	require.EqualError(t, signInCommand{Wait: time.Millisecond * 50}.signIn(t.Context(), issuer(), quiet), "sign in: it was not done within 50ms")
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
