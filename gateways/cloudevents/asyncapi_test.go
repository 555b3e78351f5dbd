package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

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

// The schemas of the AsyncAPI document have the members of events, and no others.
func TestAsyncAPISchemas(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	require.NoError(t, err)
	var document struct {
		Components struct{ Schemas map[string]schema }
	}
	require.NoError(t, yaml.Load(text, &document))
	schemas := document.Components.Schemas
	for name, event := range map[string]alert.Event{"event": fraudDetected(), "alarmEvent": alarm(alert.AlarmResolved)} {
		encoded, err := cloudevents.Encode(event)
		require.NoError(t, err)
		var members map[string]any
		require.NoError(t, json.Unmarshal(encoded, &members))
		assert.ElementsMatch(t, slices.Collect(maps.Keys(members)), slices.Collect(maps.Keys(schemas[name].Properties)), name)
	}
	// An event is about a transaction or about an alarm. The explanation of a decision does not travel.
	assertMembers(t, schemas, "data", schemas["data"], reflect.TypeFor[alert.Data](), "alarm", "decision.explanation", "review.recheck.explanation")
	ofAlarm := schemas["alarmEvent"].Properties["data"]
	assert.ElementsMatch(t, []string{"merchant", "alarm", "expiresAt"}, slices.Collect(maps.Keys(ofAlarm.Properties)), "data of an alarm")
	assertMembers(t, schemas, "alarm", ofAlarm.Properties["alarm"], reflect.TypeFor[alert.Alarm]())
}

// schema is what the document says of a value.
type schema struct {
	Ref        string `yaml:"$ref"`
	Properties map[string]schema
	Items      *schema
}

// assertMembers compares the members of a schema, and of those in it, with those that a type has in JSON. It skips some, by
// their paths.
func assertMembers(t *testing.T, all map[string]schema, at string, s schema, of reflect.Type, except ...string) {
	t.Helper()
	if name, is := strings.CutPrefix(s.Ref, "#/components/schemas/"); is {
		s = all[name]
	}
	switch {
	case of.Kind() == reflect.Pointer:
		assertMembers(t, all, at, s, of.Elem(), except...)
	case of.Kind() == reflect.Slice && s.Items != nil:
		assertMembers(t, all, at, *s.Items, of.Elem(), except...)
	case of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]():
		var members []string
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			path := strings.TrimPrefix(at+"."+name, "data.")
			if name == "" || slices.Contains(except, path) { // an embedded struct's fields are visible themselves
				continue
			}
			members = append(members, name)
			assertMembers(t, all, path, s.Properties[name], field.Type, except...)
		}
		assert.ElementsMatch(t, members, slices.Collect(maps.Keys(s.Properties)), at)
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
