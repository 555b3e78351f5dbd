package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/gateways/oidc"
)

// Only an unchanged token counts that the issuer has given to this service and that is valid now.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	at := func(d time.Duration) int64 { return w.now().Add(d).Unix() }
	for name, c := range map[string]struct {
		changed map[string]any
		says    string // "" for a good token
	}{
		"good":              {nil, ""},
		"several audiences": {map[string]any{"aud": []string{"orders", "other"}, "azp": "orders"}, ""},
		"ended just now":    {map[string]any{"exp": at(-10 * time.Second)}, ""},
		"begins just now":   {map[string]any{"nbf": at(10 * time.Second), "iat": at(10 * time.Second)}, ""},
		"expired":           {map[string]any{"exp": at(-time.Minute)}, "the token has expired: sign in again"},
		"no end":            {map[string]any{"exp": nil}, "the token has expired: sign in again"},
		"not yet valid":     {map[string]any{"nbf": at(time.Minute)}, "not valid here"},
		"issued later":      {map[string]any{"iat": at(time.Minute)}, "not valid here"},
		"other issuer":      {map[string]any{"iss": "https://login.example.com"}, "not valid here"},
		"slash":             {map[string]any{"iss": w.provider.URL() + "/"}, "not valid here"},
		"other audience":    {map[string]any{"aud": "other"}, "not valid here"},
		"no audience":       {map[string]any{"aud": nil}, "not valid here"},
		"for other client":  {map[string]any{"aud": []string{"orders", "other"}, "azp": "other"}, "not valid here"},
		"groups malformed":  {map[string]any{"groups": map[string]any{"a": 1}}, "not valid here"},
		"no sub":            {map[string]any{"sub": nil}, "not valid here"},
		"sub malformed":     {map[string]any{"sub": 7}, "not valid here"},
	} {
		t.Run(name, func(t *testing.T) {
			person, err := w.issuer.Authenticate(t.Context(), w.token(t, c.changed))
			if c.says == "" {
				require.NoError(t, err)
				assert.Equal(t, "ada@example.com", person.Name)
				return
			}
			requireRefused(t, err, c.says)
			assert.Empty(t, person.Grants)
		})
	}
}

// Signatures that anybody can make do not count.
func TestSignatures(t *testing.T) {
	w := newWorld(t)
	good := w.token(t, nil)
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	public, keyID := publicKey(t, w)
	sign := func(algorithm jose.SignatureAlgorithm, key any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", keyID))
		require.NoError(t, err)
		signed, err := signer.Sign(w.claims(nil))
		require.NoError(t, err)
		token, err := signed.CompactSerialize()
		require.NoError(t, err)
		return token
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	none := encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	for name, token := range map[string]string{
		"none":                 none,
		"none with signature":  none + parts[2],
		"none in capitals":     encode([]byte(`{"alg":"NONE"}`)) + "." + parts[1] + ".",
		"HS256, public key":    sign(jose.HS256, der),
		"own key, their id":    sign(jose.ES256, own),
		"other claims":         parts[0] + "." + encode(w.claims(map[string]any{"groups": []string{"auditor"}})) + "." + parts[2],
		"no signature":         parts[0] + "." + parts[1] + ".",
		"not a token":          "a.b.c",
		"empty parts":          "..",
		"other token's header": encode([]byte(`{"alg":"RS256","kid":"`+keyID+`"}`)) + "." + parts[1] + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.issuer.Authenticate(t.Context(), token)
			requireRefused(t, err, "the token is not valid here: sign in again")
		})
	}
	for _, key := range []string{"", "a-key", "a.key", "a.b.c.d", "ok_shop_0123"} {
		_, err := w.issuer.Authenticate(t.Context(), key)
		require.ErrorIs(t, err, identity.ErrUnknown, "%q is no token, but may be a key", key)
	}
	_, err = w.issuer.Authenticate(t.Context(), good)
	assert.NoError(t, err)
}

// No two persons have the same name, whatever they call themselves.
func TestNames(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		changed map[string]any
		want    string // "" if the token is refused
	}{
		"mail":                {map[string]any{"preferred_username": "ada"}, "ada@example.com"},
		"mail, text verified": {map[string]any{"email_verified": "true"}, "ada@example.com"},
		"mail not verified":   {map[string]any{"email_verified": false}, "0123"},
		"verified unknown":    {map[string]any{"email_verified": nil}, "0123"},
		"user name":           {map[string]any{"email": nil, "preferred_username": "ada"}, "ada#0123"},
		"user name like mail": {map[string]any{"email": nil, "preferred_username": "ada@example.com"}, "0123"},
		"user name with sub":  {map[string]any{"email": nil, "preferred_username": "ada#9"}, "0123"},
		"user name too long":  {map[string]any{"email": nil, "preferred_username": strings.Repeat("a", 60)}, "0123"},
		"user name hidden":    {map[string]any{"email": nil, "preferred_username": "ad\u202ea"}, "0123"},
		"mail with a space":   {map[string]any{"email": "a b@example.com"}, "0123"},
		"nothing fits":        {map[string]any{"email": nil, "sub": strings.Repeat("a", 65)}, ""},
		"like a card number":  {map[string]any{"email": nil, "sub": "4242424242424242"}, ""},
		"nothing":             {map[string]any{"email": nil, "sub": nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			person, err := w.issuer.Authenticate(t.Context(), w.token(t, c.changed))
			assert.Equal(t, c.want, person.Name)
			assert.Equal(t, c.want == "", err != nil, err)
		})
	}
}

// Groups become grants. A person without any of them is known, and may do nothing.
func TestGroups(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		groups      any
		read, label string
	}{
		"one":           {[]string{"staff"}, "acme", "acme"},
		"two":           {[]string{"staff", "auditor"}, "acme,beta", "acme"},
		"a text":        {"auditor", "acme,beta", ""},
		"for all":       {[]string{"auditor", "reviewer"}, "*", "*"},
		"others too":    {[]string{"lunch", "staff"}, "acme", "acme"},
		"only others":   {[]string{"lunch", "Staff", "staff "}, "", ""},
		"none":          {[]string{}, "", ""},
		"no such claim": {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			person, err := w.issuer.Authenticate(t.Context(), w.token(t, map[string]any{"groups": c.groups}))
			require.NoError(t, err)
			assert.Equal(t, identity.Person, person.Kind)
			assert.Equal(t, c.read, person.For(identity.Read).String())
			assert.Equal(t, c.label, person.For(identity.Label).String())
		})
	}
}

// The issuer may change its key, and withdraw one.
func TestKeyRotation(t *testing.T) {
	w := newWorld(t)
	first := w.token(t, map[string]any{"exp": w.now().Add(24 * time.Hour).Unix()})
	// For a moment after it has read the keys, go-oidc still answers with them instead of asking for newer ones.
	accepted := func(token string) {
		t.Helper()
		assert.EventuallyWithT(t, func(c *assert.CollectT) {
			_, err := w.issuer.Authenticate(t.Context(), token)
			assert.NoError(c, err)
		}, 10*time.Second, time.Millisecond)
	}
	accepted(first)
	w.provider.Rotate()
	second := w.token(t, map[string]any{"exp": w.now().Add(24 * time.Hour).Unix()})
	_, err := w.issuer.Authenticate(t.Context(), second)
	requireRefused(t, err, "not valid here") // the issuer was asked just now
	w.wait(6 * time.Second)
	accepted(second)
	accepted(first)
	w.provider.Rotate() // it does not publish the first key any more
	w.wait(2 * time.Hour)
	accepted(second)
	_, err = w.issuer.Authenticate(t.Context(), first)
	requireRefused(t, err, "not valid here")
}

// Without its issuer the service starts, and says that it cannot know the caller. Once it has the keys, the issuer may be
// away.
func TestIssuerAway(t *testing.T) {
	w := newWorld(t)
	token := w.token(t, map[string]any{"exp": w.now().Add(24 * time.Hour).Unix()})
	require.NoError(t, w.provider.Stop(t.Context()))
	for range 2 {
		_, err := w.issuer.Authenticate(t.Context(), token)
		_, refused := errors.AsType[*identity.RefusedError](err)
		require.ErrorContains(t, err, "ask the issuer "+w.provider.URL())
		assert.False(t, refused || errors.Is(err, identity.ErrUnknown), "the token may be good: %v", err)
	}
	_, err := w.issuer.SignIn(t.Context(), back)
	require.ErrorContains(t, err, "ask the issuer")
	require.NoError(t, w.provider.Start())
	w.wait(6 * time.Second)
	_, err = w.issuer.Authenticate(t.Context(), token)
	require.NoError(t, err)
	require.NoError(t, w.provider.Stop(t.Context()))
	for range 3 {
		w.wait(time.Hour)
		_, err = w.issuer.Authenticate(t.Context(), token)
		require.NoError(t, err)
	}
	_, err = w.issuer.Authenticate(t.Context(), w.token(t, map[string]any{"aud": "other"}))
	requireRefused(t, err, "not valid here")
}

// What the issuer says last counts only if it is its settings or keys: a proxy before it may answer 200 with anything.
func TestIssuerOdd(t *testing.T) {
	w := newWorld(t)
	odd := ""
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if odd != "" {
			_, _ = io.WriteString(answer, odd)
			return
		}
		there, err := http.Get(w.provider.URL() + r.URL.Path)
		if !assert.NoError(t, err) {
			return
		}
		text, err := io.ReadAll(there.Body)
		if assert.NoError(t, errors.Join(err, there.Body.Close())) {
			_, _ = io.WriteString(answer, strings.ReplaceAll(string(text), w.provider.URL(), server.URL))
		}
	}))
	t.Cleanup(server.Close)
	issuer := oidc.New(oidc.Config{URL: server.URL, Audience: "orders", Log: slog.New(slog.DiscardHandler), Now: w.now})
	token := w.token(t, map[string]any{"iss": server.URL, "exp": w.now().Add(24 * time.Hour).Unix()})
	_, err := issuer.Authenticate(t.Context(), token)
	require.NoError(t, err)
	for _, odd = range []string{"<html>Be back soon</html>", `{"keys": [`, `{}`, `{"error": "later"}`, `null`} {
		w.wait(time.Hour)
		_, err = issuer.Authenticate(t.Context(), token)
		require.NoError(t, err, odd)
	}
}

// A token is not wrong because the issuer's keys cannot be read.
func TestIssuerKeysAway(t *testing.T) {
	w := newWorld(t)
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			http.Error(answer, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(answer, `{"issuer": %q, "jwks_uri": "%s/keys"}`, server.URL, server.URL)
	}))
	t.Cleanup(server.Close)
	issuer := oidc.New(oidc.Config{URL: server.URL, Audience: "orders", Log: slog.New(slog.DiscardHandler)})
	_, err := issuer.Authenticate(t.Context(), w.token(t, map[string]any{"iss": server.URL}))
	_, refused := errors.AsType[*identity.RefusedError](err)
	require.ErrorContains(t, err, "503")
	assert.False(t, refused, err)
}

// Those who wait while the issuer is slow share what it answers.
func TestIssuerSlow(t *testing.T) {
	w := newWorld(t)
	token, asked, release := w.token(t, nil), make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		http.Error(answer, "later", http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	issuer := oidc.New(oidc.Config{URL: server.URL, Audience: "orders", Log: slog.New(slog.DiscardHandler), Now: w.now})
	errs := make(chan error)
	for range 5 {
		go func() {
			_, err := issuer.Authenticate(t.Context(), token)
			errs <- err
		}()
	}
	<-asked
	w.wait(6 * time.Second)
	close(release)
	for range 5 {
		require.ErrorContains(t, <-errs, "503")
	}
	assert.Empty(t, asked)
}

// An issuer is named by an HTTPS URL. Plain HTTP is for development, to this machine alone.
func TestIssuerURL(t *testing.T) {
	for _, right := range []string{"https://login.example.com", "https://login.example.com/realms/staff/", "http://127.0.0.1:9005", "http://localhost:9005"} {
		require.NoError(t, oidc.CheckURL(right), right)
	}
	for _, wrong := range []string{
		"", "login.example.com", "http://login.example.com", "http://10.0.0.1:9005", "http://localhost.example.com", "https://", "https://a@b.example",
		"https://login.example.com?a=b", "https://login.example.com#a", "ftp://127.0.0.1", "https://login.example.com:x",
	} {
		require.ErrorContains(t, oidc.CheckURL(wrong), "an https:// URL without a query", wrong)
	}
	for url, development := range map[string]bool{
		"http://127.0.0.1:9005": true, "http://localhost": true, "http://[::1]:9005": true,
		"https://127.0.0.1:9005": false, "http://127.0.0.1.example.com": false, "http://login.example.com": false,
	} {
		assert.Equal(t, development, oidc.IsDevelopment(url), url)
	}
}

func requireRefused(t *testing.T, err error, says string) {
	t.Helper()
	refused, is := errors.AsType[*identity.RefusedError](err)
	require.True(t, is, "%v", err)
	assert.Contains(t, refused.Why, says)
	assert.Equal(t, map[bool]string{true: "expired_token", false: "bad_token"}[strings.Contains(says, "expired")], refused.Reason)
}

// publicKey returns the provider's key and its id.
func publicKey(t *testing.T, w *world) (any, string) {
	t.Helper()
	answer, err := http.Get(w.provider.URL() + "/keys")
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(text, &set))
	require.Len(t, set.Keys, 1)
	return set.Keys[0].Key, set.Keys[0].KeyID
}
