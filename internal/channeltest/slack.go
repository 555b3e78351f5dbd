package channeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf16"
)

// FakeSlack stands in for Slack's incoming webhooks, all of them below /services/
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type FakeSlack struct {
	*Fake
	slack *slack
}

// NewFakeSlack returns an empty workspace.
func NewFakeSlack() *FakeSlack {
	s := &slack{}
	return &FakeSlack{Fake: newFake(s), slack: s}
}

// Limit sets how often Slack accepts a message for one webhook: once within that time. The real Slack's limit is one
// second. 0, the default, means no limit.
func (f *FakeSlack) Limit(every time.Duration) {
	f.slack.every.Store(int64(every))
}

type slack struct{ every atomic.Int64 }

// maxChat is the length at which Slack cuts a text off, in characters.
const maxChat = 40_000

var errNoText = errors.New("there must be a text")

func (*slack) read(r *http.Request, body []byte) (Accepted, error) {
	switch {
	case r.Method != http.MethodPost:
		return Accepted{}, errors.New("the method must be POST")
	case !strings.HasPrefix(r.URL.Path, "/services/") || r.URL.RawQuery != "":
		return Accepted{}, errors.New("there is no such webhook")
	case r.Header.Get("Content-Type") != "application/json":
		return Accepted{}, errors.New("the content type must be application/json")
	}
	var payload struct {
		Text string `json:"text"`
	}
	if err := decodeStrictly(body, &payload); err != nil {
		return Accepted{}, err
	}
	if strings.TrimSpace(payload.Text) == "" {
		return Accepted{}, errNoText
	}
	if len(utf16.Encode([]rune(payload.Text))) > maxChat {
		return Accepted{}, fmt.Errorf("the text must not be longer than %d characters", maxChat)
	}
	return Accepted{To: r.URL.Path, Text: payload.Text, AlertID: alertID(payload.Text)}, nil
}

// decodeStrictly decodes a single JSON document and refuses unknown fields.
func decodeStrictly(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read the JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the JSON: something follows it")
	}
	return nil
}

func (s *slack) busy(message Accepted, earlier []Accepted) (Answer, bool) {
	every := time.Duration(s.every.Load())
	for i := len(earlier) - 1; i >= 0 && time.Since(earlier[i].At) < every; i-- {
		if earlier[i].To == message.To {
			answer := says(http.StatusTooManyRequests, "text/plain", "rate_limited")
			answer.Header.Set("Retry-After", "1")
			return answer, true
		}
	}
	return Answer{}, false
}

func (*slack) id(int) string { return "" }

func (*slack) yes(Accepted) Answer { return says(http.StatusOK, "text/html", "ok") }

func (*slack) no(fault error) Answer {
	if errors.Is(fault, errNoText) {
		return says(http.StatusBadRequest, "text/html", "no_text")
	}
	return says(http.StatusBadRequest, "text/html", "invalid_payload")
}

var alertLinks = regexp.MustCompile(`alerts/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})`)

// alertID returns the id of the first alert that a text links to.
func alertID(text string) string {
	if found := alertLinks.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}
