// Package cloudevents encodes and decodes alert events as CloudEvents 1.0 in structured mode: one JSON document that any
// broker or protocol can carry.
package cloudevents

import (
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
)

// ContentType is the media type of a structured-mode event in JSON.
const ContentType = event.ApplicationCloudEventsJSON

// Encode returns the event as one JSON document. It rejects an event that Decode would reject.
func Encode(e alert.Event) ([]byte, error) {
	if err := check(e); err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	out := event.Event{Context: &event.EventContextV1{
		ID:      e.ID,
		Source:  *types.ParseURIRef(e.Source),
		Type:    string(e.Type),
		Subject: &e.Subject,
		Time:    &types.Timestamp{Time: e.Time.UTC()},
	}}
	if err := out.SetData(event.ApplicationJSON, e.Data); err != nil {
		return nil, fmt.Errorf("encode event %s: write its data: %w", e.ID, err)
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	body, err := out.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return card.ConcealJSON(body), nil
}
