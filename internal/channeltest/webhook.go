package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// FakeWebhook is a program that accepts webhooks by Standard Webhooks, at every path. It answers a repeated webhook-id
// as it did the first time, and records that it came again.
type FakeWebhook struct{ *Fake }

// NewFakeWebhook returns a program that shares secrets with the sender, in the form whsec_ and base64. The sender must
// sign with each of them.
func NewFakeWebhook(secrets ...string) *FakeWebhook {
	var p program
	for _, secret := range secrets {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			panic(err) // a mistake in the test
		}
		p.verifiers = append(p.verifiers, verifier)
	}
	return &FakeWebhook{Fake: newFake(p)}
}

type program struct{ verifiers []*standardwebhooks.Webhook }

// signatures matches the signature header: one or more signatures of 32 bytes each, with spaces between them.
var signatures = regexp.MustCompile(`^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$`)

func (p program) read(r *http.Request, body []byte) (Accepted, error) {
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)
	switch {
	case r.Method != http.MethodPost:
		return Accepted{}, errors.New("the method must be POST")
	case r.Header.Get("Content-Type") != "application/json":
		return Accepted{}, errors.New("the content type must be application/json")
	case len(r.Header.Values(standardwebhooks.HeaderWebhookID)) != 1 || id == "":
		return Accepted{}, errors.New("there must be one webhook-id")
	case !signatures.MatchString(r.Header.Get(standardwebhooks.HeaderWebhookSignature)):
		return Accepted{}, errors.New("webhook-signature is not a list of signatures of version 1")
	}
	for _, verifier := range p.verifiers {
		if err := verifier.Verify(body, r.Header); err != nil {
			return Accepted{}, err
		}
	}
	return readWebhook(id, r.URL.Path, body)
}

func readWebhook(id, path string, body []byte) (Accepted, error) {
	var payload struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	if err := decodeStrictly(body, &payload); err != nil {
		return Accepted{}, err
	}
	var data struct {
		AlertID string `json:"alertID"`
		Text    string `json:"text"`
	}
	if err := json.Unmarshal(payload.Data, &data); err != nil {
		return Accepted{}, fmt.Errorf("read the data: %w", err)
	}
	if payload.Type == "" || payload.Timestamp.IsZero() || data.AlertID == "" {
		return Accepted{}, errors.New("type, timestamp and data.alertID must be there")
	}
	return Accepted{Key: id, To: path, AlertID: data.AlertID, Text: data.Text}, nil
}

func (program) busy(Accepted, []Accepted) (Answer, bool) { return Answer{}, false }

func (program) id(int) string { return "" }

func (program) yes(Accepted) Answer { return Answer{Status: http.StatusNoContent} }

func (program) no(fault error) Answer {
	return says(http.StatusBadRequest, "text/plain", fault.Error())
}
