package chat_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/domain/alert"
	"dummyorders/gateways/chat"
	"dummyorders/internal/channeltest"
)

// path is a webhook's path, which is secret.
const (
	secret = "canary24charactersSecret"
	path   = "/services/T00000000/B00000000/" + secret
	name   = "fraud-team/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint is the one that the configuration has.
func endpoint(url string) func(string) (chat.Endpoint, bool) {
	return func(asked string) (chat.Endpoint, bool) { return chat.Endpoint{URL: url}, asked == name }
}

func TestConformance(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T) channeltest.Subject {
		fake := channeltest.NewFakeSlack()
		server := channeltest.Start(t, fake)
		return channeltest.Subject{
			Channel: chat.New(endpoint(server.URL+path), channeltest.Client(t)), To: name,
			Far: channeltest.OverHTTP(fake.Fake, server), Secrets: []string{secret, path, "T00000000"},
		}
	})
}

// A message has the form that Slack takes.
func TestDeliverForm(t *testing.T) {
	fake := channeltest.NewFakeSlack()
	c := chat.New(endpoint(channeltest.Start(t, fake).URL+path), channeltest.Client(t))
	answer, err := c.Deliver(t.Context(), name, alert.Message{Text: "*declined* ü &lt; <https://a.example/?b&c|look>\n\"𝄞\""})
	require.NoError(t, err)
	assert.Equal(t, "200 OK: ok", answer)
	require.Len(t, fake.Accepted(), 1)
	body := string(fake.Accepted()[0].Body)
	assert.JSONEq(t, `{"text":"*declined* ü &lt; <https://a.example/?b&c|look>\n\"𝄞\""}`, body)
	assert.Equal(t, path, fake.Accepted()[0].To)
	assert.Empty(t, fake.Violations())
}

// A text is cut to what Slack shows.
func TestDeliverCutsText(t *testing.T) {
	fake := channeltest.NewFakeSlack()
	c := chat.New(endpoint(channeltest.Start(t, fake).URL+path), channeltest.Client(t))
	_, err := c.Deliver(t.Context(), name, alert.Message{Text: strings.Repeat("ü", 40_001)})
	require.NoError(t, err)
	require.Len(t, fake.Accepted(), 1)
	assert.Equal(t, strings.Repeat("ü", 39_999)+"…", fake.Accepted()[0].Text)
}

// Each answer is classed as final or to be tried again.
func TestAnswers(t *testing.T) {
	for words, answer := range map[string]struct {
		status int
		body   string
		final  bool
	}{
		"400 Bad Request: invalid_payload":                               {400, "invalid_payload", true},
		"403 Forbidden: action_prohibited":                               {403, "action_prohibited", true},
		"404 Not Found: no_service":                                      {404, "no_service", true},
		"410 Gone: channel_is_archived; the endpoint is gone: remove it": {410, "channel_is_archived", true},
		"500 Internal Server Error: rollup_error":                        {500, "rollup_error", false},
		"404 Not Found: no webhook [hidden]":                             {404, "no webhook\n" + path, true},
		"404 Not Found: no webhook of [hidden] [hidden]":                 {404, "no webhook of T00000000 " + secret, true},
	} {
		c := chat.New(endpoint("https://hooks.example.com"+path), channeltest.Answering(answer.status, nil, answer.body))
		_, err := c.Deliver(t.Context(), name, alert.Message{Text: "text"})
		require.ErrorContains(t, err, words)
		assert.Contains(t, err.Error(), "chat fraud-team/chat at hooks.example.com")
		assert.Equal(t, answer.final, alert.IsRefused(err), "refused: %v", err)
	}
	c := chat.New(endpoint("https://mattermost.example.com/hooks/x"), channeltest.Answering(200, nil, `{"success":true}`))
	answer, err := c.Deliver(t.Context(), name, alert.Message{Text: "text"})
	require.NoError(t, err)
	assert.Equal(t, `200 OK: {"success":true}`, answer)
}

// An endpoint may come back with the next configuration.
func TestUnknownEndpointIsRetried(t *testing.T) {
	c := chat.New(endpoint("https://hooks.example.com"+path), channeltest.Answering(200, nil, "ok"))
	_, err := c.Deliver(t.Context(), "fraud-team/other", alert.Message{Text: "text"})
	require.ErrorContains(t, err, "chat fraud-team/other: the configuration has no such endpoint")
	assert.False(t, alert.IsRefused(err))
}

func TestBadURLIsNotShown(t *testing.T) {
	for _, url := range []string{
		"", path, "hooks.example.com" + path, "ftp://hooks.example.com" + path, "https://" + path,
		"https://user:" + secret + "@hooks.example.com:x/", "https://hooks.example.com/%zz" + secret, "https://a b/" + secret,
	} {
		_, err := chat.New(endpoint(url), http.DefaultClient).Deliver(t.Context(), name, alert.Message{Text: "text"})
		require.ErrorContains(t, err, "chat fraud-team/chat: its address is no")
		assert.NotContains(t, err.Error(), secret)
		assert.False(t, alert.IsRefused(err))
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", chat.Endpoint{URL: secret}, chat.Endpoint{URL: secret}, chat.Endpoint{URL: secret}), secret)
}

// A workspace that is busy says until when.
func TestRateLimit(t *testing.T) {
	fake := channeltest.NewFakeSlack()
	fake.Limit(time.Hour)
	c := chat.New(endpoint(channeltest.Start(t, fake).URL+path), channeltest.Client(t))
	_, err := c.Deliver(t.Context(), name, alert.Message{Text: "text"})
	require.NoError(t, err)
	_, err = c.Deliver(t.Context(), name, alert.Message{Text: "text"})
	require.ErrorContains(t, err, "429 Too Many Requests: rate_limited")
	assert.Equal(t, time.Second, alert.Later(err))
	assert.Len(t, fake.Accepted(), 1)
}
