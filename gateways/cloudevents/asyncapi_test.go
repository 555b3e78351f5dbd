package cloudevents_test

import (
	"encoding/json"
	"os"
	"testing"

	"go.yaml.in/yaml/v4"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

func TestTheExamplesInTheAsyncAPIDocumentAreEvents(t *testing.T) {
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
	examples := 0
	for name, message := range document.Components.Messages {
		if !message.Name.Known() {
			t.Errorf("message %s is of type %q, which nobody knows", name, message.Name)
		}
		for _, example := range message.Examples {
			examples++
			body, err := json.Marshal(example.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if event, err := cloudevents.Decode(body); err != nil || event.Type != message.Name || event.Data.Card == "" {
				t.Errorf("an example of %s: %v: %+v", name, err, event)
			}
		}
	}
	if examples == 0 {
		t.Error("the document has no examples")
	}
}
