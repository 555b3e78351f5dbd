package channeltest_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sid     = "AC0123456789abcdef0123456789abcdef"
	alertID = "0199a3c4-0000-5000-8000-000000000001"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of more than 24 bytes"))

// recorder is what all fakes record.
type recorder interface {
	http.Handler
	Accepted() []channeltest.Accepted
	Violations() []string
	Script(func(int, *http.Request) channeltest.Answer)
	OnAccepted(func(channeltest.Accepted))
}

// provider is a fake, with the form of a correct request to it.
type provider struct {
	fake  recorder
	path  string
	body  string
	dress func(r *http.Request, body string)
}

func providers() map[string]provider {
	return map[string]provider{
		"Twilio": {
			fake: channeltest.NewFakeTwilio(sid, "token"), path: "/2010-04-01/Accounts/" + sid + "/Messages.json",
			body: url.Values{"To": {"+4915112345678"}, "From": {"+15017122661"}, "Body": {"see /alerts/" + alertID}}.Encode(),
			dress: func(r *http.Request, _ string) {
				r.SetBasicAuth(sid, "token")
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			},
		},
		"Slack": {
			fake: channeltest.NewFakeSlack(), path: "/services/T0/B0/secret", body: `{"text":"see /alerts/` + alertID + `"}`,
			dress: func(r *http.Request, _ string) { r.Header.Set("Content-Type", "application/json") },
		},
		"webhook": {
			fake: channeltest.NewFakeWebhook(secret), path: "/hook",
			body: `{"type":"a.b","timestamp":"2026-11-23T09:30:00Z","data":{"alertID":"` + alertID + `","text":"see"}}`,
			dress: func(r *http.Request, body string) {
				r.Header.Set("Content-Type", "application/json")
				sign(r, "key-1", time.Now(), body)
			},
		},
	}
}

func sign(r *http.Request, id string, at time.Time, body string) {
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		panic(err)
	}
	signature, err := signer.Sign(id, at, []byte(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
}

// ask sends a correct request that spoil has changed.
func (p provider) ask(t *testing.T, server string, client *http.Client, spoil func(r *http.Request)) (int, string, error) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+p.path, strings.NewReader(p.body))
	require.NoError(t, err)
	p.dress(r, p.body)
	if spoil != nil {
		spoil(r)
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body), nil
}

func withBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		if r.Header.Get("webhook-id") != "" {
			sign(r, "key-1", time.Now(), body)
		}
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func form(field string, values ...string) func(*http.Request) {
	right := url.Values{"To": {"+4915112345678"}, "From": {"+15017122661"}, "Body": {"text"}}
	right[field] = values
	if len(values) == 0 {
		right.Del(field)
	}
	return withBody(right.Encode())
}

// A right request is taken, and answered as the provider does.
func TestFakeAccepts(t *testing.T) {
	for name, want := range map[string]struct {
		status        int
		body, to, key string
	}{
		"Twilio":  {201, `"sid":"SM00000000000000000000000000000001","status":"queued"`, "+4915112345678", ""},
		"Slack":   {200, "ok", "/services/T0/B0/secret", ""},
		"webhook": {204, "", "/hook", "key-1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := providers()[name]
			status, body, err := p.ask(t, channeltest.Start(t, p.fake).URL, channeltest.Client(t), nil)
			require.NoError(t, err)
			assert.Equal(t, want.status, status)
			assert.Contains(t, body, want.body)
			require.Len(t, p.fake.Accepted(), 1)
			got := p.fake.Accepted()[0]
			assert.Equal(t, []string{want.to, want.key, alertID}, []string{got.To, got.Key, got.AlertID})
			assert.Equal(t, p.body, string(got.Body))
			assert.Empty(t, p.fake.Violations())
		})
	}
}

// A request that breaks the form is refused and kept.
func TestFakeRefuses(t *testing.T) {
	for name, breaches := range map[string]map[string]func(*http.Request){
		"Twilio": {
			"method":             func(r *http.Request) { r.Method = http.MethodPut },
			"no such resource":   func(r *http.Request) { r.URL.Path = "/2010-04-01/Accounts/AC1/Messages.json" },
			"login":              func(r *http.Request) { r.SetBasicAuth(sid, "wrong") },
			"content type":       header("Content-Type", "application/json"),
			"Wrong is unknown":   form("Wrong", "x"),
			"there twice":        form("Body", "a", "b"),
			"field To":           form("To", "015112345678"),
			"one of From and":    form("From"),
			"field From":         form("From", "ACME."),
			"Body must be there": form("Body"),
			"longer than 1600":   form("Body", strings.Repeat("x", 1601)),
		},
		"Slack": {
			"method":            func(r *http.Request) { r.Method = http.MethodGet },
			"no such webhook":   func(r *http.Request) { r.URL.Path = "/hooks" },
			"content type":      header("Content-Type", "text/plain"),
			"invalid character": withBody("text"),
			"something follows": withBody(`{"text":"a"} {}`),
			"unknown field":     withBody(`{"text":"a","colour":"red"}`),
			"must be a text":    withBody(`{"text":" "}`),
			"longer than 40000": withBody(`{"text":"` + strings.Repeat("x", 40_001) + `"}`),
		},
		"webhook": {
			"method":            func(r *http.Request) { r.Method = http.MethodGet },
			"content type":      header("Content-Type", "text/plain"),
			"one webhook-id":    header("webhook-id", ""),
			"not a list":        header("webhook-signature", "v1,short"),
			"no matching":       header("webhook-id", "another"),
			"timestamp too old": func(r *http.Request) { sign(r, "key-1", time.Now().Add(-6*time.Minute), "x") },
			"timestamp too new": func(r *http.Request) { sign(r, "key-1", time.Now().Add(6*time.Minute), "x") },
			"read the JSON":     withBody("text"),
			"must be there":     withBody(`{"type":"a","timestamp":"2026-11-23T09:30:00Z","data":{}}`),
			"unknown field":     withBody(`{"type":"a","timestamp":"2026-11-23T09:30:00Z","data":{},"more":1}`),
		},
	} {
		for want, spoil := range breaches {
			t.Run(name+", "+want, func(t *testing.T) {
				p := providers()[name]
				status, _, err := p.ask(t, channeltest.Start(t, p.fake).URL, channeltest.Client(t), spoil)
				require.NoError(t, err)
				assert.Equal(t, map[bool]int{true: 401, false: 400}[want == "login"], status)
				require.Len(t, p.fake.Violations(), 1)
				assert.Contains(t, p.fake.Violations()[0], want)
				assert.Empty(t, p.fake.Accepted())
			})
		}
	}
}

// A script decides how requests are answered.
func TestFakeScript(t *testing.T) {
	for name, p := range providers() {
		t.Run(name, func(t *testing.T) {
			p.fake.Script(func(n int, _ *http.Request) channeltest.Answer {
				return []channeltest.Answer{
					{Status: 503, Body: "later"},
					{Cut: channeltest.CutBefore},
					{Cut: channeltest.CutAfter},
					{Status: 200, Body: "own", Delay: time.Millisecond},
					{},
				}[n-1]
			})
			server, client := channeltest.Start(t, p.fake).URL, channeltest.Client(t)
			var got []string
			for range 5 {
				status, body, err := p.ask(t, server, client, nil)
				got = append(got, fmt.Sprintf("%d, own %t, cut %t, taken %d", status, body == "own", err != nil, len(p.fake.Accepted())))
			}
			right := map[string]int{"Twilio": 201, "Slack": 200, "webhook": 204}[name]
			assert.Equal(t, []string{
				"503, own false, cut false, taken 0",
				"0, own false, cut true, taken 0",
				"0, own false, cut true, taken 1",
				"200, own true, cut false, taken 2",
				fmt.Sprintf("%d, own false, cut false, taken 3", right),
			}, got)
			if name == "webhook" {
				assert.False(t, p.fake.Accepted()[0].Repeat)
				assert.True(t, p.fake.Accepted()[1].Repeat, "the key came again")
			}
		})
	}
}

// What was taken is kept and announced before it is answered. End-to-end tests kill the sender in the call.
func TestFakeKeepsBeforeAnswer(t *testing.T) {
	for name, p := range providers() {
		t.Run(name, func(t *testing.T) {
			kept := make(chan int, 1)
			p.fake.OnAccepted(func(channeltest.Accepted) {
				kept <- len(p.fake.Accepted())
				panic(http.ErrAbortHandler) // the sender is gone
			})
			_, _, err := p.ask(t, channeltest.Start(t, p.fake).URL, channeltest.Client(t), nil)
			require.Error(t, err)
			assert.Equal(t, 1, <-kept)
		})
	}
}

// A thousand requests at once are counted right.
func TestFakeConcurrently(t *testing.T) {
	const many, askers = 1000, 20
	for name, p := range providers() {
		t.Run(name, func(t *testing.T) {
			server, client := channeltest.Start(t, p.fake).URL, channeltest.Client(t)
			var all sync.WaitGroup
			for range askers {
				all.Go(func() {
					for range many / askers {
						_, _, err := p.ask(t, server, client, nil)
						assert.NoError(t, err)
					}
				})
			}
			all.Wait()
			assert.Len(t, p.fake.Accepted(), many)
			assert.Empty(t, p.fake.Violations())
		})
	}
}
