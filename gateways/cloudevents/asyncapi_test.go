package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

// The examples in the AsyncAPI document are events.
func TestAsyncAPIExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	require.NoError(t, err)
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
	require.NoError(t, yaml.Load(text, &document))
	shown := map[alert.Type]bool{}
	for name, message := range document.Components.Messages {
		assert.True(t, message.Name.Known(), "message %s is of type %q, which nobody knows", name, message.Name)
		for _, example := range message.Examples {
			shown[message.Name] = true
			body, err := json.Marshal(example.Payload)
			require.NoError(t, err)
			if event, err := cloudevents.Decode(body); err != nil || event.Type != message.Name {
				t.Errorf("an example of %s: %v: %+v", name, err, event)
			}
			require.NoError(t, onlyKnownMembers(example.Payload["data"]), name)
		}
	}
	for _, eventType := range alert.Types {
		assert.True(t, shown[eventType], "the document has no example of %s", eventType)
	}
}

// The channels of the AsyncAPI document carry every message.
func TestAsyncAPIChannels(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	require.NoError(t, err)
	var document struct {
		Channels   map[string]struct{ Messages map[string]any }
		Components struct{ Messages map[string]any }
	}
	require.NoError(t, yaml.Load(text, &document))
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
