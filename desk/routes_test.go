package desk_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

var someRoutes = alert.Routing{
	File:  "alertman.yaml",
	Mutes: []alert.RoutingRule{{Name: "load-test", When: []string{"customer is loadtest", "it is during office"}}},
	Routes: []alert.RoutingRule{
		{Name: "large", When: []string{"score is 95 or more"}, Tell: []string{"lead"}, Continue: true}, {Name: "rest", Tell: []string{}},
	},
	Receivers: []alert.RoutingReceiver{{Name: "lead", GroupBy: []string{}, Steps: []alert.RoutingStep{
		{Receiver: "lead", Targets: []alert.Target{"mail jo@example.com"}, Within: "15m"},
		{Receiver: "on-call", Targets: []alert.Target{"sms +4915112345678"}, Within: "5m"},
	}}},
}

// The page shows mutes, routes and escalations, and begins with a sample of each type that is an event.
func TestShowRoutes(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "operator")
	w.api.say("GET /alerts/routes", http.StatusOK, someRoutes)
	_, page := w.get("/alerts/routes")
	for _, text := range []string{
		"alertman.yaml", "load-test", "customer is loadtest", "score is 95 or more", "and continues", "mail jo@example.com",
		"If it does not acknowledge within 15 min:", "sms &#43;4915112345678", "the escalation ends", "To no receiver.", "each alert by itself",
	} {
		assert.Contains(t, page, text)
	}
	for _, of := range alert.Types {
		_, page = w.get("/alerts/routes?type=" + string(of))
		_, rest, _ := strings.Cut(page, `spellcheck="false" required>`)
		text, _, _ := strings.Cut(rest, "</textarea>")
		event, err := cloudevents.Decode([]byte(html.UnescapeString(text)))
		require.NoError(t, err, of)
		assert.Equal(t, of, event.Type)
	}
}

// An event is tried at a time, and what is wrong with it is beside what was written.
func TestTryRoutes(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "operator")
	w.api.say("GET /alerts/routes", http.StatusOK, someRoutes)
	w.api.say("POST /alerts/routes/try", http.StatusOK, alert.Routed{At: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC), Findings: []alert.Finding{
		{Kind: "mute", Name: "load-test", Asked: true, Why: "it has no customer"},
		{Kind: "route", Name: "large", Asked: true, Matched: true, Assignments: []alert.Assigned{{
			Group: &alert.ShownGroup{Name: "fraud.detected, card 411111******1111", Window: "5m"}, Steps: someRoutes.Receivers[0].Steps,
		}}},
		{Kind: "route", Name: "rest", Why: "large has decided"},
	}})
	form := url.Values{"event": {`{"id": "<b>"}`}, "at": {"2026-11-02T09:30"}, "type": {string(alert.FraudDetected)}}
	_, page := w.post("/alerts/routes", form)
	for _, text := range []string{"no, it has no customer", "matches", "The first of its group, fraud.detected, card 411111******1111", "not asked, since large has decided", `{&#34;id&#34;: &#34;&lt;b&gt;&#34;}</textarea>`} {
		assert.Contains(t, page, text)
	}
	w.api.say("POST /alerts/routes/try", http.StatusUnprocessableEntity, map[string]any{"status": 422, "detail": "the body is not an event: subject must be text"})
	_, page = w.post("/alerts/routes", form)
	assert.Contains(t, page, "subject must be text")
	_, page = w.post("/alerts/routes", url.Values{"event": {"{"}})
	assert.Contains(t, page, "The event is not JSON.")
}
