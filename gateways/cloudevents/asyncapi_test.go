package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"go.yaml.in/yaml/v4"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

// The examples in the AsyncAPI document are events.
func TestAsyncAPIExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Messages map[string]struct {
				Name     alert.Type
				Examples []struct {
					Payload map[string]any
				}
			}
		}
	}
	if err := yaml.Load(text, &document); err != nil {
		t.Fatal(err)
	}
	shown := map[alert.Type]bool{}
	for name, message := range document.Components.Messages {
		if !message.Name.Known() {
			t.Errorf("message %s is of type %q, which nobody knows", name, message.Name)
		}
		for _, example := range message.Examples {
			shown[message.Name] = true
			body, err := json.Marshal(example.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if event, err := cloudevents.Decode(body); err != nil || event.Type != message.Name {
				t.Errorf("an example of %s: %v: %+v", name, err, event)
			}
			if err := onlyKnownMembers(example.Payload["data"]); err != nil {
				t.Errorf("an example of %s: %v", name, err)
			}
		}
	}
	for _, eventType := range alert.Types {
		if !shown[eventType] {
			t.Errorf("the document has no example of %s", eventType)
		}
	}
}

// The channels of the AsyncAPI document carry every message.
func TestAsyncAPIChannels(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Channels   map[string]struct{ Messages map[string]any }
		Components struct{ Messages map[string]any }
	}
	if err := yaml.Load(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, channel := range []string{"alerts", "alertman"} {
		for name := range document.Components.Messages {
			if document.Channels[channel].Messages[name] == nil {
				t.Errorf("the channel %s does not carry %s", channel, name)
			}
		}
	}
}

// onlyKnownMembers rejects members that Decode ignores: an example must not show a member that does not exist.
func onlyKnownMembers(data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	reader := json.NewDecoder(bytes.NewReader(body))
	reader.DisallowUnknownFields()
	return reader.Decode(new(alert.Data))
}
