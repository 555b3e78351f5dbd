package routing_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
)

func jsonNumber(text string) json.Number { return json.Number(text) }

// FuzzRead checks that no file makes reading panic, that every rejection has a reason, that no secret in a named file is
// shown, and that a configuration that was read makes decisions.
func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Add(strings.NewReplacer("group: none", "acknowledge: {within: 1m, then: fraud-team}", "tell: []", "tell: []\n    continue: true").Replace(good))
	f.Add("version: 1\nreceivers: [{name: a, channels: [console]}]\nroutes: [{name: b, tell: [a]}]\n")
	f.Add("routes: {}\nwindows: []\nmutes: 1\nreceivers:\n  - {channels: {}, templates: {sms: {text_file: secrets/slack}}}\n")
	f.Fuzz(func(t *testing.T, content string) {
		config, err := routing.Read(content, secrets)
		if err != nil {
			require.NotEmpty(t, strings.TrimSpace(err.Error()), "it is refused without a reason")
			if strings.Contains(err.Error(), "verysecret") && !strings.Contains(content, "verysecret") {
				t.Fatalf("a secret is shown: %v", err)
			}
			return
		}
		for _, of := range alert.Types {
			require.NotEmpty(t, config.Route(alert.Sample(of, "e", noon), noon), "the alert is routed to no receiver, without a reason")
		}
	})
}
