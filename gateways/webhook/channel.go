// Package webhook delivers alerts to programs as signed webhooks, according to Standard Webhooks 1.0
// (https://www.standardwebhooks.com).
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
)

// Endpoint is the URL that receives alerts, and the secrets that sign them.
type Endpoint struct {
	URL     string
	Secrets []string // see CheckSecret; each signs, so that one can be replaced by another
}

// Format shows neither the URL nor the secrets, whatever the verb.
func (e Endpoint) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "webhook.Endpoint")
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

// Deliver posts the Body of the notice, signed. The message's key is its webhook-id, by which a program can recognize a
// message that is sent more than once.
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	endpoint, found := c.find(to)
	if !found {
		return "", fmt.Errorf("webhook %s: the configuration has no such endpoint", to)
	}
	body, err := json.Marshal(newBody(to, message))
	if err != nil {
		return "", fmt.Errorf("webhook %s: write the message: %w", to, err)
	}
	header, err := endpoint.sign(message.Key, time.Now(), body)
	if err != nil {
		return "", fmt.Errorf("webhook %s: sign the message: %w", to, err)
	}
	return c.client.Deliver(ctx, posting.Request{
		Name: "webhook " + to, URL: endpoint.URL, ContentType: "application/json", Header: header, Body: body,
		Secrets: endpoint.Secrets,
	})
}

// sign returns the headers of one try, with a signature for each secret.
func (e Endpoint) sign(id string, at time.Time, body []byte) (http.Header, error) {
	var signatures []string
	for _, secret := range e.Secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return nil, errors.New("a secret is not " + secretPrefix + " and base64")
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, signature)
	}
	if len(signatures) == 0 {
		return nil, errors.New("the secret to sign with is missing")
	}
	header := http.Header{}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return header, nil
}
