package posting_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
	"dummyorders/internal/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// Retry-After holds seconds or a date; at most an hour counts.
func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 7 ": 7 * time.Second, "0": time.Second, "3601": time.Hour,
		"7.5": 8 * time.Second, "64.57": 65 * time.Second, "292.05": 293 * time.Second, "7.0": 7 * time.Second, "7.": 7 * time.Second,
		"0.376": time.Second, ".5": time.Second, "1.000001": 2 * time.Second, "3599.5": time.Hour, "3600.5": time.Hour,
		strings.Repeat("9", 400) + ".9":   time.Hour,
		"2026-11-23T09:31:30Z":            90 * time.Second,
		"Mon, 23 Nov 2026 15:01:30 +0530": 90 * time.Second,
		"99999999999999999999999":         time.Hour,
		"Mon, 23 Nov 2026 09:31:30 GMT":   90 * time.Second,
		"Monday, 23-Nov-26 09:31:30 GMT":  90 * time.Second,
		"Mon Nov 23 09:31:30 2026":        90 * time.Second,
		"Mon, 23 Nov 2026 08:00:00 GMT":   time.Second,
		"Tue, 24 Nov 2026 09:30:00 GMT":   time.Hour,
	} {
		after, ok := posting.RetryAfter(header, now)
		assert.True(t, ok, header)
		assert.Equal(t, want, after, header)
	}
	for _, header := range []string{"", "soon", "-7", "-0.5", ".", "7.5.1", "7,5", "1e3", "Inf", "NaN", "7s", "0x7", "+7", "1_0"} {
		_, ok := posting.RetryAfter(header, now)
		assert.False(t, ok, header)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7")
	f.Add("Mon, 23 Nov 2026 09:31:30 GMT")
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add("99999999999999999999999")
	f.Fuzz(func(t *testing.T, header string) {
		after, ok := posting.RetryAfter(header, now)
		if ok && (after < time.Second || after > time.Hour) || !ok && after != 0 {
			t.Errorf("%q: %s, %v", header, after, ok)
		}
	})
}

const secretURL = "https://user:canary-password@hooks.example.com/services/T0/canary-token?key=canary+query"

func post(t testing.TB, status int, header http.Header, body string) posting.Answer {
	t.Helper()
	answer, err := posting.NewClient(channeltest.Answering(status, header, body)).
		Post(t.Context(), posting.Request{Name: "chat a/b", URL: secretURL, Secrets: []string{"canary-secret"}})
	require.NoError(t, err)
	return answer
}

// An answer is reported in short, on one line and without secrets.
func TestAnswerText(t *testing.T) {
	for body, want := range map[string]string{
		"":                                   "500 Internal Server Error",
		" a\r\n\tb\x00\u2028\u202ec ":        "500 Internal Server Error: a b c",
		"ü 𝄞 \xff":                           "500 Internal Server Error: ü 𝄞 �",
		"/services/T0/canary-token is wrong": "500 Internal Server Error: [hidden] is wrong",
		`"\/services\/T0\/canary-token"`:     `500 Internal Server Error: "\/[hidden]\/T0\/[hidden]"`,
		"canary-token canary query canary+query canary-password canary-secret": "500 Internal Server Error: " +
			"[hidden] [hidden] [hidden] [hidden] [hidden]",
		strings.Repeat("ü", 300): "500 Internal Server Error: " + strings.Repeat("ü", 199) + "…",
	} {
		assert.Equal(t, want, post(t, 500, nil, body).String(), "%q", body)
	}
}

// repeating is a transport whose other side repeats the login that it was sent.
type repeating struct{}

func (repeating) RoundTrip(r *http.Request) (*http.Response, error) {
	user, password, _ := r.BasicAuth()
	said := strings.Join([]string{r.Header.Get("Authorization"), "of", user, "by", password}, " ")
	return channeltest.Answering(401, nil, said).Transport.RoundTrip(r)
}

// A login in the URL is hidden, also in the form in which it is sent.
func TestAnswerHidesLogin(t *testing.T) {
	for login, want := range map[string]string{
		"":                                   "401 Unauthorized: of by",
		"orders:canary-p%40ss@":              "401 Unauthorized: Basic [hidden] of orders by [hidden]",
		"canary-token@":                      "401 Unauthorized: Basic [hidden] of [hidden] by",
		"canary-token:x@":                    "401 Unauthorized: Basic [hidden] of [hidden] by x",
		"canary-token:x-oauth-basic@":        "401 Unauthorized: Basic [hidden] of [hidden] by [hidden]",
		"canary-user%2Fx:canary-user%2Fxyz@": "401 Unauthorized: Basic [hidden] of [hidden] by [hidden]",
	} {
		answer, err := posting.NewClient(&http.Client{Transport: repeating{}}).
			Post(t.Context(), posting.Request{Name: "chat a/b", URL: "https://" + login + "hooks.example.com/hook"})
		require.NoError(t, err)
		assert.Equal(t, want, answer.String(), login)
	}
}

func TestAnswerBodyIsBounded(t *testing.T) {
	assert.Len(t, post(t, 500, nil, strings.Repeat("x", 1<<20)).Body, 64<<10)
}

func TestAnswerOfAnyStatus(t *testing.T) {
	retryAfter := http.Header{"Retry-After": {"7"}}
	for status := 100; status < 700; status++ {
		answer := post(t, status, retryAfter, "")
		if answer.Taken() {
			assert.Equal(t, 2, status/100)
			continue
		}
		err := answer.Failure(answer.String())
		later := alert.Later(err) > 0
		assert.Equal(t, status == 429 || status >= 500, later, "%d: %v", status, err)
		final := status/100 == 3 || status/100 == 4 && status != 408 && status != 425 && status != 429
		assert.Equal(t, final, alert.IsRefused(err), "%d: %v", status, err)
		assert.NotContains(t, err.Error(), "canary")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(410, "7", "channel_is_archived")
	f.Add(503, "Mon, 23 Nov 2026 09:31:30 GMT", "canary-canary-token")
	f.Add(200, "", "\xff\x00\n𝄞")
	f.Fuzz(func(t *testing.T, status int, retryAfter, body string) {
		answer := post(t, status, http.Header{"Retry-After": {retryAfter}}, body)
		words := answer.Failure(answer.String()).Error()
		assert.True(t, utf8.ValidString(words), "%d %q", status, body)
		assert.False(t, strings.ContainsAny(words, "\r\n\x00\x1b"), "%d %q", status, body)
		assert.LessOrEqual(t, utf8.RuneCountInString(words), 500, "%d %q", status, body)
		for _, secret := range []string{"canary-token", "canary-password", "canary-secret"} {
			assert.NotContains(t, words, secret, "%d %q", status, body)
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("aü𝄞…", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 1 || !utf8.ValidString(text) {
			t.Skip()
		}
		cut := posting.Cut(text, most)
		require.LessOrEqual(t, len(utf16.Encode([]rune(cut))), most, text)
		assert.True(t, utf8.ValidString(cut), text)
		if cut != text && (len(utf16.Encode([]rune(text))) <= most || !strings.HasPrefix(text, strings.TrimSuffix(cut, "…"))) {
			t.Errorf("%q cut to %d is %q", text, most, cut)
		}
	})
}

// failing is a transport that never reaches the other side.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// No error in the chain holds a secret.
func TestErrorChainHidesSecrets(t *testing.T) {
	client := posting.NewClient(&http.Client{Transport: failing{errors.New("malformed: /services/T0/canary-token")}})
	_, err := client.Post(t.Context(), posting.Request{Name: "chat a/b", URL: secretURL})
	require.EqualError(t, err, "post to chat a/b at hooks.example.com: malformed: [hidden]")
	for ; err != nil; err = errors.Unwrap(err) {
		assert.NotContains(t, err.Error(), "canary")
	}
}

// silent is a transport whose other side never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A provider that does not answer is tried again after half a minute.
func TestPostTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		client := posting.NewClient(&http.Client{Transport: silent{}})
		_, err := client.Post(t.Context(), posting.Request{Name: "chat a/b", URL: secretURL})
		require.ErrorContains(t, err, "post to chat a/b at hooks.example.com: no answer within 30s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, alert.IsRefused(err))
		assert.Equal(t, 30*time.Second, time.Since(begun))
	})
}

// The given client stays as it is.
func TestNewClientCopies(t *testing.T) {
	base := &http.Client{}
	posting.NewClient(base)
	assert.Nil(t, base.CheckRedirect)
	posting.NewClient(nil)
	assert.Nil(t, http.DefaultClient.CheckRedirect)
}
