// Package chat delivers alerts to incoming webhooks of Slack's form, which Mattermost, Rocket.Chat and others have too.
package chat

import (
	"context"
	"fmt"
	"net/http"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
)

// maxText is from where on Slack cuts a message's text off, in characters.
const maxText = 40_000

// Endpoint is a webhook. Whoever has its URL can write to the channel: it is a secret.
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

// New takes how an endpoint is found by its name; it is asked anew for each delivery.
func New(find func(name string) (Endpoint, bool), client *http.Client) *Channel {
	return &Channel{find: find, client: posting.NewClient(client)}
}

// Deliver posts the message's text, which is in Slack's mrkdwn. The form has no key by which a message that was sent
// twice is known: a try whose answer was lost may show up twice. Any 2xx is a yes: only Slack's own body is "ok".
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	endpoint, found := c.find(to)
	if !found {
		return "", fmt.Errorf("chat %s: there is no such endpoint in this configuration", to)
	}
	body, err := posting.JSON(payload{Text: posting.Cut(message.Text, maxText)})
	if err != nil {
		return "", fmt.Errorf("chat %s: write the message: %w", to, err)
	}
	answer, err := c.client.Post(ctx, posting.Request{
		Name: "chat " + to, URL: endpoint.URL, ContentType: "application/json", Body: body,
	})
	if err != nil {
		return "", err
	}
	if !answer.Taken() {
		return "", answer.Failure(answer.String())
	}
	return answer.String(), nil
}

// payload is all of Slack's form that every provider of it understands.
type payload struct {
	Text string `json:"text"`
}
