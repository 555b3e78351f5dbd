package e2e_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/channeltest"
	"dummyorders/internal/stack"
)

// channels lists the channels whose other sides the tests can query.
var channels = []string{"webhook", "mail", "sms", "chat"}

// hookSecret signs the webhooks of the tests.
const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// providers holds the other sides of alertman's channels, each strict about its form.
type providers struct {
	w       *world
	hook    *channeltest.FakeWebhook
	chat    *channeltest.FakeSlack
	sms     *channeltest.FakeTwilio
	servers map[string]*httptest.Server
}

// newProviders starts providers, and makes the world's alertmen send their SMS there.
func newProviders(t *testing.T, w *world) *providers {
	t.Helper()
	p := &providers{
		w: w, hook: channeltest.NewFakeWebhook(hookSecret), chat: channeltest.NewFakeSlack(), sms: channeltest.NewFakeTwilio("AC01", "an-sms-token"),
	}
	p.servers = map[string]*httptest.Server{
		"webhook": channeltest.Start(t, p.hook), "chat": channeltest.Start(t, p.chat), "sms": channeltest.Start(t, p.sms),
	}
	w.env["SMS_URL"], w.env["SMS_ACCOUNT_SID"], w.env["SMS_AUTH_TOKEN"], w.env["SMS_FROM"] = p.servers["sms"].URL, "AC01", "an-sms-token", "+4930123456"
	return p
}

func (p *providers) hookURL() string { return p.servers["webhook"].URL + "/alerts" }

func (p *providers) chatURL() string { return p.servers["chat"].URL + "/services/T0/B0/secret" }

// onAccepted sets f to be called whenever a provider has accepted a message, before it answers.
func (p *providers) onAccepted(f func()) {
	if f == nil {
		p.hook.OnAccepted(nil)
		p.chat.OnAccepted(nil)
		p.sms.OnAccepted(nil)
		p.w.onKept(nil)
		return
	}
	call := func(channeltest.Accepted) { f() }
	p.hook.OnAccepted(call)
	p.chat.OnAccepted(call)
	p.sms.OnAccepted(call)
	p.w.onKept(func(stack.Message) { f() })
}

// deliveriesByAlert returns how often each alert was delivered on a channel, by itself or in a digest.
func (p *providers) deliveriesByAlert(channel string) map[string]int {
	p.w.t.Helper()
	times := map[string]int{}
	for _, text := range p.texts(channel) {
		for _, id := range idsIn(text) {
			times[id]++
		}
	}
	return times
}

// texts returns what a channel's other side was given, each with the alerts that it is about.
func (p *providers) texts(channel string) []string {
	p.w.t.Helper()
	var texts []string
	switch channel {
	case "mail":
		all, err := shared.mail.Messages()
		require.NoError(p.w.t, err)
		for _, m := range all {
			if id := headerOf(m, "X-Alert-ID"); slices.Contains(m.To, "each@example.com") {
				texts = append(texts, "alerts/"+id)
			}
		}
	case "webhook":
		for _, a := range p.hook.Accepted() {
			texts = append(texts, "alerts/"+a.AlertID)
		}
	case "sms":
		for _, a := range p.sms.Accepted() {
			texts = append(texts, a.Text)
		}
	case "chat":
		for _, a := range p.chat.Accepted() {
			texts = append(texts, a.Text)
		}
	}
	return texts
}

// hookKeys returns how many alerts came to the webhook under more than one webhook-id.
func (p *providers) hookKeys() int {
	keys := map[string]map[string]bool{}
	for _, a := range p.hook.Accepted() {
		if keys[a.AlertID] == nil {
			keys[a.AlertID] = map[string]bool{}
		}
		keys[a.AlertID][a.Key] = true
	}
	twice := 0
	for _, of := range keys {
		if len(of) > 1 {
			twice++
		}
	}
	return twice
}

func (p *providers) violations() []string {
	return slices.Concat(p.hook.Violations(), p.chat.Violations(), p.sms.Violations())
}

// alertsTo makes the world's alertmen use a configuration.
func (w *world) alertsTo(config string) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "alertman.yaml")
	require.NoError(w.t, os.WriteFile(file, []byte(config), 0o600))
	w.env["ALERTMAN_CONFIG"] = file
}

// publisher returns a connected publisher, which is stopped at the test's end.
func publisher(t *testing.T, c rabbitmq.Config) alert.Publisher {
	t.Helper()
	p := rabbitmq.NewPublisher(c, slog.New(slog.DiscardHandler))
	over := make(chan struct{})
	go func() { defer close(over); _ = p.Run(t.Context()) }()
	t.Cleanup(func() { <-over })
	eventually(t, p.Ready)
	return p
}

// deleteQueue deletes alertman's queue, and returns a function that makes it again.
func deleteQueue(t *testing.T) (remake func()) {
	t.Helper()
	operator := shared.rabbitmq.URL("operator", "operator")
	connection, err := amqp.Dial(operator)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	channel, err := connection.Channel()
	require.NoError(t, err)
	_, err = channel.QueueDelete("alertman", false, false, false)
	require.NoError(t, err)
	return func() { publisher(t, rabbitmq.Config{URL: operator, Declare: true}) }
}

func headerOf(m stack.Message, name string) string {
	for line := range strings.Lines(string(m.Text)) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("no %s", name)
}
