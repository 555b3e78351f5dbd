package devissuer_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/devissuer"
)

// It asks for no password, so other machines must not reach it.
func TestOnlyThisMachine(t *testing.T) {
	for _, address := range []string{":9005", "0.0.0.0:9005", "[::]:9005", "192.0.2.5:9005", "login.example.com:9005", "127.0.0.1"} {
		_, err := devissuer.Start(devissuer.Options{Address: address})
		assert.ErrorContains(t, err, "must be a loopback address", address)
	}
	i := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.Link(), http.NoBody)
	require.NoError(t, err)
	r.Host = "attacker.example.com"
	status, text := answer(t)(http.DefaultClient.Do(r))
	assert.Equal(t, http.StatusMisdirectedRequest, status, text)
}

// A browser signs in once it has the token of this run.
func TestSignInPage(t *testing.T) {
	i := start(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	stranger := &http.Client{CheckRedirect: stay}
	browser := &http.Client{Jar: jar, CheckRedirect: stay}
	page := func(client *http.Client) string {
		t.Helper()
		asked := url.Values{
			"client_id": {devissuer.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {"http://127.0.0.1:1/callback"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		}
		response, err := client.Get(i.URL() + "/authorize?" + asked.Encode())
		require.NoError(t, err)
		_ = response.Body.Close()
		return i.URL() + response.Header.Get("Location")
	}
	post := func(client *http.Client, page, name, group string) (int, string) {
		t.Helper()
		id, err := url.Parse(page)
		require.NoError(t, err)
		return answer(t)(client.PostForm(i.URL()+"/sign-in", url.Values{"request": {id.Query().Get("request")}, "name": {name}, "group": {group}}))
	}

	_, text := answer(t)(stranger.Get(page(stranger)))
	assert.Contains(t, text, "paste the token")
	status, _ := post(stranger, page(stranger), "ada", "reviewer")
	assert.Equal(t, http.StatusForbidden, status, "without the token")
	_, text = answer(t)(browser.Get(strings.Replace(i.Link(), "token=", "token=a", 1)))
	assert.Contains(t, text, "paste the token")
	_, text = answer(t)(browser.Get(i.Link()))
	assert.Contains(t, text, "This browser may sign in now")

	asked := page(browser)
	_, text = answer(t)(browser.Get(asked))
	assert.Contains(t, text, `value="reviewer" checked`)
	for _, wrong := range [][2]string{{"", "reviewer"}, {"<b>", "reviewer"}, {"Ada", "reviewer"}, {"ada", "king"}} {
		status, text = post(browser, asked, wrong[0], wrong[1])
		assert.Equal(t, http.StatusBadRequest, status, wrong)
		assert.Contains(t, text, `class="fault"`)
	}
	status, _ = post(browser, asked, "ada", "reviewer")
	assert.Equal(t, http.StatusSeeOther, status)
	status, _ = post(browser, asked, "bob", "reviewer")
	assert.Equal(t, http.StatusNotFound, status, "it counts once")
}

// Only the one client signs people in, at this machine and with PKCE.
func TestAuthorizeRefused(t *testing.T) {
	i := start(t)
	good := url.Values{
		"client_id": {devissuer.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {"http://127.0.0.1:1/callback"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for name, wrong := range map[string][2]string{
		"another client":  {"client_id", "other"},
		"another machine": {"redirect_uri", "https://attacker.example.com/callback"},
		"another path":    {"redirect_uri", "http://127.0.0.1:1/other"},
		"no PKCE":         {"code_challenge", ""},
		"plain PKCE":      {"code_challenge_method", "plain"},
		"a token at once": {"response_type", "id_token"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := url.Values{wrong[0]: {wrong[1]}}
			for key, value := range good {
				if key != wrong[0] {
					asked[key] = value
				}
			}
			response, err := (&http.Client{CheckRedirect: stay}).Get(i.URL() + "/authorize?" + asked.Encode())
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			_ = response.Body.Close()
			assert.NotRegexp(t, regexp.MustCompile(`^/sign-in|attacker`), response.Header.Get("Location"), "%s", text)
		})
	}
	status, _ := answer(t)(http.Get(i.URL() + "/userinfo"))
	assert.Equal(t, http.StatusNotFound, status, "it has no more than signing in needs")
}

func start(t *testing.T) *devissuer.Issuer {
	t.Helper()
	i, err := devissuer.Start(devissuer.Options{Groups: []string{"reviewer", "admin"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = i.Stop(t.Context()) })
	return i
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func answer(t *testing.T) func(*http.Response, error) (int, string) {
	return func(response *http.Response, err error) (int, string) {
		t.Helper()
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}
}
