package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/domain/alert"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/channeltest"
	"dummyorders/internal/goldentest"
)

const (
	name = "fraud-team/hook"
	path = "/hooks/canary-path-91b0"

	// login is in the URL of some endpoints.
	login = "canary-user-3c1d:canary-password-77aa"
)

var (
	newSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("canary: the secret that signs now"))
	oldSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("canary: the secret until yesterday"))
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint is the one that the configuration has.
func endpoint(url string, secrets ...string) func(string) (webhook.Endpoint, bool) {
	return func(asked string) (webhook.Endpoint, bool) {
		return webhook.Endpoint{URL: url, Secrets: secrets}, asked == name
	}
}

func TestConformance(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T) channeltest.Subject {
		fake := channeltest.NewFakeWebhook(newSecret)
		server := channeltest.Start(t, fake)
		url := strings.Replace(server.URL, "://", "://"+login+"@", 1) + path
		return channeltest.Subject{
			Channel: webhook.New(endpoint(url, newSecret), channeltest.Client(t)), To: name, Keyed: true,
			Far:     channeltest.OverHTTP(fake.Fake, server),
			Secrets: []string{path, newSecret, login, base64.StdEncoding.EncodeToString([]byte(login))},
		}
	})
}

// The example is the specification's own: its libraries are tested with it.
func TestSignature(t *testing.T) {
	verifier, err := standardwebhooks.NewWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	signature, err := verifier.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	require.NoError(t, err)
	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature)
}

// Each try is signed anew by each secret.
func TestEachTryIsSigned(t *testing.T) {
	fake := channeltest.NewFakeWebhook(oldSecret, newSecret)
	var headers []http.Header
	fake.Script(func(n int, r *http.Request) channeltest.Answer {
		headers = append(headers, r.Header.Clone())
		return channeltest.Answer{Status: map[int]int{1: 503}[n]}
	})
	c := webhook.New(endpoint(channeltest.Start(t, fake).URL+path, newSecret, oldSecret), channeltest.Client(t))
	before := time.Now().Unix()
	_, err := c.Deliver(t.Context(), name, channeltest.Message("0199.1"))
	require.ErrorContains(t, err, "503 Service Unavailable")
	answer, err := c.Deliver(t.Context(), name, channeltest.Message("0199.1"))
	require.NoError(t, err)
	assert.Equal(t, "204 No Content", answer)
	require.Len(t, headers, 2)
	for _, header := range headers {
		assert.Equal(t, "0199.1", header.Get("Webhook-Id"))
		assert.Equal(t, "orders-alertman", header.Get("User-Agent"))
		assert.Len(t, strings.Fields(header.Get("Webhook-Signature")), 2)
		at, err := strconv.ParseInt(header.Get("Webhook-Timestamp"), 10, 64)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, at, before)
	}
	assert.Empty(t, fake.Violations())
}

// Receivers' programs read these bodies, so they must not change.
func TestBody(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	for file, notice := range map[string]alert.Notice{
		"event.json":  {ID: "0199a3c4-0000-5000-8000-000000000001"},
		"digest.json": {ID: "0199a3c4-0000-5000-8000-0000000000d1", Digest: aDigest(at)},
		"asked.json": {
			ID: "0199a3c4-0000-5000-8000-000000000001", Unanswered: []string{"on-call"},
			Ask: &alert.Ask{Until: at.Add(15 * time.Minute), Next: "everybody"},
		},
	} {
		t.Run(file, func(t *testing.T) {
			message := channeltest.Message("0199.1")
			event := message.Notice.Event
			event.Data.Amount = "90071992547409.93" // more than a float can hold
			notice.Event = event
			fake := channeltest.NewFakeWebhook(newSecret)
			c := webhook.New(endpoint(channeltest.Start(t, fake).URL+path, newSecret), channeltest.Client(t))
			message.Notice = notice
			_, err := c.Deliver(t.Context(), name, message)
			require.NoError(t, err)
			require.Empty(t, fake.Violations())
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, fake.Accepted()[0].Body, "", "  "))
			goldentest.Same(t, "testdata/"+file, got.String()+"\n")
		})
	}
}

func aDigest(at time.Time) *alert.Digest {
	d := &alert.Digest{
		Number: 2, Group: "fraud.detected, card 123456******4321, CARD_VELOCITY", Since: at, Until: at.Add(5 * time.Minute),
	}
	for i, money := range []struct{ amount, currency string }{
		{"90071992547.93", "INR"}, {"0.07", "INR"}, {"12.30", "EUR"},
	} {
		event := alert.Sample(alert.FraudDetected, fmt.Sprintf("0199a3c4-0000-5000-8000-00000000000%d", i+2), at)
		event.Data.Amount, event.Data.Currency = json.Number(money.amount), money.currency
		d.Members = append(d.Members, event.Member())
	}
	return d
}

// Each answer is classed as final or to be tried again.
func TestAnswers(t *testing.T) {
	for words, answer := range map[string]struct {
		status int
		body   string
		final  bool
	}{
		"401 Unauthorized: bad signature":                                  {401, "bad signature", true},
		"404 Not Found: Cannot POST [hidden]":                              {404, "Cannot POST " + path, true},
		"408 Request Timeout":                                              {408, "", false},
		"410 Gone; the endpoint is gone: remove it from the configuration": {410, "", true},
		"422 Unprocessable Entity":                                         {422, "", true},
		"425 Too Early":                                                    {425, "", false},
		"504 Gateway Timeout":                                              {504, "", false},
		"308 Permanent Redirect; redirects are not followed":               {308, "", true},
	} {
		c := webhook.New(endpoint("https://case.example.com"+path, newSecret), channeltest.Answering(answer.status, nil, answer.body))
		_, err := c.Deliver(t.Context(), name, channeltest.Message("k"))
		require.ErrorContains(t, err, words)
		assert.Contains(t, err.Error(), "webhook fraud-team/hook at case.example.com")
		assert.Equal(t, answer.final, alert.IsRefused(err), "refused: %v", err)
	}
}

// What is wrong in the configuration is tried again.
func TestBadEndpointIsRetried(t *testing.T) {
	for want, find := range map[string]func(string) (webhook.Endpoint, bool){
		"the configuration has no such endpoint":        func(string) (webhook.Endpoint, bool) { return webhook.Endpoint{}, false },
		"the secret to sign with is missing":            endpoint("https://case.example.com" + path),
		"a secret is not whsec_ and base64":             endpoint("https://case.example.com"+path, "whsec_canary secret"),
		"its address is not an https:// or http:// URL": endpoint("case.example.com"+path, newSecret),
	} {
		_, err := webhook.New(find, channeltest.Answering(200, nil, "")).Deliver(t.Context(), name, channeltest.Message("k"))
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "canary")
		assert.False(t, alert.IsRefused(err))
	}
}

// A wrong secret is refused and not shown.
func TestCheckSecret(t *testing.T) {
	require.NoError(t, webhook.CheckSecret(newSecret))
	for want, secret := range map[string]string{
		"must begin with whsec_":                      "canary",
		"must be whsec_ and base64":                   "whsec_canary!",
		"must be of 24 to 64 bytes in base64, not 6":  "whsec_" + base64.StdEncoding.EncodeToString([]byte("canary")),
		"must be of 24 to 64 bytes in base64, not 65": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)),
	} {
		err := webhook.CheckSecret(secret)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "canary")
	}
	e := webhook.Endpoint{URL: path, Secrets: []string{newSecret}}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", e, e, e, e), "canary")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), newSecret)
}
