package devissuer_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
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
		require.ErrorContains(t, err, "must be a loopback address", address)
	}
	i := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.Link(), http.NoBody)
	require.NoError(t, err)
	r.Host = "attacker.example.com"
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
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
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.URL()+"/authorize?"+good().Encode(), http.NoBody)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return i.URL() + response.Header.Get("Location")
	}
	post := func(client *http.Client, page, name, group string) (int, string) {
		t.Helper()
		id, err := url.Parse(page)
		require.NoError(t, err)
		return fetch(t, client, i.URL()+"/sign-in", url.Values{"request": {id.Query().Get("request")}, "name": {name}, "group": {group}})
	}

	_, text := fetch(t, stranger, page(stranger), nil)
	assert.Contains(t, text, "paste the token")
	status, _ := post(stranger, page(stranger), "ada", "reviewer")
	assert.Equal(t, http.StatusForbidden, status, "without the token")
	_, text = fetch(t, browser, strings.Replace(i.Link(), "token=", "token=a", 1), nil)
	assert.Contains(t, text, "paste the token")
	_, text = fetch(t, browser, i.Link(), nil)
	assert.Contains(t, text, "This browser may sign in now")

	asked := page(browser)
	_, text = fetch(t, browser, asked, nil)
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
	for name, wrong := range map[string][2]string{
		"another client":  {"client_id", "other"},
		"another machine": {"redirect_uri", "https://attacker.example.com/callback"},
		"another path":    {"redirect_uri", "http://127.0.0.1:1/other"},
		"no PKCE":         {"code_challenge", ""},
		"plain PKCE":      {"code_challenge_method", "plain"},
		"a token at once": {"response_type", "id_token"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := good()
			asked.Set(wrong[0], wrong[1])
			var hops []string
			client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
				hops = append(hops, r.URL.String())
				return http.ErrUseLastResponse
			}}
			_, text := fetch(t, client, i.URL()+"/authorize?"+asked.Encode(), nil)
			assert.NotRegexp(t, `/sign-in|attacker`, strings.Join(hops, " "), text)
		})
	}
	status, _ := fetch(t, http.DefaultClient, i.URL()+"/userinfo", nil)
	assert.Equal(t, http.StatusNotFound, status, "it has no more than signing in needs")
}

// good returns what a client asks for.
func good() url.Values {
	return url.Values{
		"client_id": {devissuer.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {"http://127.0.0.1:1/callback"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}

func start(t *testing.T) *devissuer.Issuer {
	t.Helper()
	i, err := devissuer.Start(devissuer.Options{Groups: []string{"reviewer", "admin"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = i.Stop(t.Context()) })
	return i
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// fetch gets a page, or posts a form, and returns the answer.
func fetch(t *testing.T, client *http.Client, page string, form url.Values) (status int, text string) {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(read)
}
