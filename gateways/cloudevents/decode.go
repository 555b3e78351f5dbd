package cloudevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
)

// MaxSize is the size in bytes up to which alertman takes an event: twice what CloudEvents 1.0 requires every consumer to accept (Size
// Limits). Temporal rejects a request of more than 4 MiB with the same code as too many requests, so that such an event
// would be held forever; and JSON may become many times longer when it is written again.
const MaxSize = 128 << 10

// envelope is a structured-mode event in its JSON form. The SDK's own reader is not used: it panics on documents such as
// {"specversion":"1.0","data_base64":1} (v2.16.2), and a queue may hold anything.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            alert.Type      `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

// Decode parses what Encode returns, and any other CloudEvent that carries a known alert in JSON. It ignores extension
// attributes and unknown data members. The error for anything else says what is wrong with it, is short whatever the
// document holds, and shows nothing that could be a card number.
//
// Card numbers in the event's texts are masked.
func Decode(document []byte) (alert.Event, error) {
	var in envelope
	if err := json.Unmarshal(card.ConcealJSON(document), &in); err != nil {
		return alert.Event{}, fmt.Errorf("no CloudEvent in JSON: %s", brief(err))
	}
	if in.SpecVersion != event.CloudEventsVersionV1 {
		return alert.Event{}, fmt.Errorf("no CloudEvent: specversion must be %q, not %s", event.CloudEventsVersionV1, quote(in.SpecVersion))
	}
	e := alert.Event{ID: in.ID, Source: in.Source, Type: in.Type, Subject: in.Subject, Time: in.Time.UTC()}
	if err := in.readData(&e.Data); err != nil {
		return alert.Event{}, err
	}
	if err := check(e); err != nil {
		return alert.Event{}, err
	}
	return e, nil
}

func (in envelope) readData(data *alert.Data) error {
	if !in.Type.Known() {
		return nil // check reports the unknown type; the data's required form is unknown
	}
	if in.DataContentType != "" {
		media, _, err := mime.ParseMediaType(in.DataContentType)
		if err != nil || media != event.ApplicationJSON {
			return fmt.Errorf("datacontenttype must be %q, not %s", event.ApplicationJSON, quote(in.DataContentType))
		}
	}
	if len(in.Data) == 0 || bytes.Equal(in.Data, []byte("null")) {
		return fmt.Errorf("data is missing: must be an object, as %s has", in.Type)
	}
	if err := json.Unmarshal(in.Data, data); err != nil {
		return fmt.Errorf("data does not fit %s: %s", in.Type, brief(err))
	}
	return nil
}

// brief returns a JSON error's text, which may quote the document, without card numbers and cut short. It cuts last, because
// a card number that was cut would not be recognized.
func brief(err error) string {
	if wrong, ok := errors.AsType[*time.ParseError](err); ok { // its text quotes the value twice, once from the middle on
		return "a time must be as in RFC 3339, not " + quote(wrong.Value)
	}
	return fmt.Sprintf("%.200s", card.Redact(err.Error()))
}
