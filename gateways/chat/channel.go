// Package chat delivers alerts to incoming webhooks in Slack's format, which Mattermost, Rocket.Chat and others also accept.
package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
)

// maxText is the length, in characters, at which Slack truncates a message's text, see
// https://api.slack.com/changelog/2018-04-truncating-really-long-messages. The templates write less.
const maxText = 40_000

// Endpoint is a webhook. Its URL is a secret, because it is enough to write to the channel.
type Endpoint struct {
	URL string
}

// Format shows no URL, whatever the verb.
func (e Endpoint) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "chat.Endpoint")
}

// Channel delivers to endpoints by their names in the configuration.
type Channel struct {
	find   func(name string) (Endpoint, bool)
	client *posting.Client
}

// New returns a Channel that calls find to look up an endpoint by its name, anew for each delivery.
func New(find func(name string) (Endpoint, bool), client *http.Client) *Channel {
	return &Channel{find: find, client: posting.NewClient(client)}
}

// Deliver posts the message's text, which is in Slack's mrkdwn. The format has no key by which a message that is sent twice
// could be recognized, so a message whose answer was lost may appear twice. Any 2xx means success: only Slack itself answers
// with the body "ok".
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	endpoint, found := c.find(to)
	if !found {
		return "", fmt.Errorf("chat %s: the configuration has no such endpoint", to)
	}
	body, err := json.Marshal(payload{Text: posting.Cut(message.Text, maxText)})
	if err != nil {
		return "", fmt.Errorf("chat %s: write the message: %w", to, err)
	}
	return c.client.Deliver(ctx, posting.Request{
		Name: "chat " + to, URL: endpoint.URL, ContentType: "application/json", Body: body,
	})
}

// payload is the part of Slack's format that every provider understands.
type payload struct {
	Text string `json:"text"`
}
