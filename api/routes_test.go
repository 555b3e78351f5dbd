package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/gateways/cloudevents"
)

func sampleEvent(t *testing.T) string {
	t.Helper()
	document, err := cloudevents.Encode(alert.Sample(alert.FraudDetected, "sample", time.Now()))
	require.NoError(t, err)
	return string(document)
}

// A process without routes says so, and does not ask to be asked again: it has to be started again.
func TestNoRoutes(t *testing.T) {
	answer := request(t, handlerWith(options(nowhere(t), newMemory())), http.MethodGet, "/alerts/routes", "")
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	assert.Contains(t, answer.Body.String(), "start it again once the file is right")
	assert.Empty(t, answer.Header().Get("Retry-After"))
}

// A person with the scope for all merchants can see the routes, and try events through them.
func TestRoutes(t *testing.T) {
	o, kept := options(nowhere(t), newMemory()), &trail{}
	o.Routes, o.ReadEvent, o.Audit = func() api.Routes { return routing.ToMail([]string{"jo@example.com"}) }, cloudevents.Decode, kept
	all := aPerson("", identity.Alerts)
	all.Grants[0].Merchants = identity.AllMerchants()
	o.Authenticators = []api.Authenticator{tokens{"all": all}}
	handler := handlerWith(o)

	shown := answered[alert.Routing](t, handler, http.MethodGet, "/alerts/routes", "", 200, "Authorization: Bearer all")
	assert.Equal(t, []alert.RoutingRule{{Name: "all", When: []string{}, Tell: []string{"mail"}}}, shown.Routes)
	assert.Equal(t, []alert.Target{"mail jo@example.com"}, shown.Receivers[0].Steps[0].Targets)

	tried := answered[alert.Routed](t, handler, http.MethodPost, "/alerts/routes/try?at=2026-11-02T09:30:15Z", sampleEvent(t), 200, "Authorization: Bearer all")
	assert.Equal(t, time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC), tried.At)
	assert.Equal(t, "mail", tried.Findings[0].Assignments[0].Steps[0].Receiver)
	assert.Contains(t, kept.lines(), "person ada@example.com | * | tryRoutes | event sample | 200")

	for name, c := range map[string]struct {
		query, body string
		status      int
		says        string
	}{
		"no event":     {"", `{"specversion": "1.0", "type": "odd"}`, 422, "type must be one of"},
		"not JSON":     {"", `{"specversion"`, 400, ""},
		"time too far": {"?at=9999-12-31T23:59:59-01:00", sampleEvent(t), 422, "up to year 9999"},
	} {
		answer := request(t, handler, http.MethodPost, "/alerts/routes/try"+c.query, c.body, "Authorization: Bearer all")
		assert.Equal(t, c.status, answer.Code, "%s: %s", name, answer.Body)
		assert.Contains(t, answer.Body.String(), c.says, name)
	}
}
