package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// Alerts are muted for as long as is asked for, by the caller's name; a mute is ended early once, and both are in the audit trail.
func TestMutes(t *testing.T) {
	o, kept := options(nil, newMemory()), &trail{}
	o.Mutes, _ = newClients(t)
	o.Audit = kept
	all := aPerson("acme", identity.Alerts)
	all.Grants[0].Merchants = identity.AllMerchants()
	both := aPerson("acme", identity.Alerts)
	both.Grants[0].Merchants = identity.OnlyMerchants("acme", "beta")
	o.Authenticators = []api.Authenticator{tokens{"all": all, "acme": aPerson("acme", identity.Alerts), "both": both}}
	handler := handlerWith(o)
	ask := func(token, method, path, body string, status int) (m alert.Mute) {
		t.Helper()
		answer := request(t, handler, method, path, body, "Authorization: Bearer "+token)
		require.Equal(t, status, answer.Code, "%s %s: %s", method, body, answer.Body)
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &m))
		return m
	}
	everything := ask("all", http.MethodPost, "/mutes", `{"hours": 24, "reason": "card 4111111111111112 test"}`, 201)
	assert.Equal(t, []any{"", "ada@example.com", 24 * time.Hour}, []any{everything.Merchant, everything.By, everything.Until.Sub(everything.Begin)})
	own := ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test", "type": "orders.fraud.detected.v1", "customerID": "c-1"}`, 201)
	assert.Equal(t, []any{"acme", alert.FraudDetected, "c-1"}, []any{own.Merchant, own.Type, own.CustomerID}, "of some merchants, it is of these")
	ask("both", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test"}`, 422)
	ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test", "merchant": "beta"}`, 404)
	for _, body := range []string{
		`{"hours": 0, "reason": "x"}`, `{"hours": 25, "reason": "x"}`, `{"hours": 1.5, "reason": "x"}`, `{"hours": 1}`, `{"reason": "x"}`,
		`{"hours": 1, "reason": " "}`, `{"hours": 1, "reason": "x", "type": "fraud"}`, `{"hours": 1, "reason": "x", "by": "eve"}`,
	} {
		ask("all", http.MethodPost, "/mutes", body, 422)
	}
	listed := func(token string) (ids []string) {
		var list struct{ Mutes []alert.Mute }
		answer := request(t, handler, http.MethodGet, "/mutes", "", "Authorization: Bearer "+token)
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &list))
		for _, m := range list.Mutes {
			ids = append(ids, m.ID)
		}
		return ids
	}
	assert.Equal(t, []string{own.ID, everything.ID}, listed("all"))
	assert.Equal(t, []string{own.ID}, listed("acme"))
	ask("acme", http.MethodDelete, "/mutes/"+everything.ID, "", 404)
	ended := ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 200)
	assert.Equal(t, "ada@example.com", ended.EndedBy)
	assert.WithinDuration(t, time.Now(), ended.Until, time.Minute)
	assert.Equal(t, ended, ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 200), "it has ended before")
	for _, action := range []string{"muteAlerts", "endMute"} {
		assert.True(t, slices.ContainsFunc(kept.kept, func(e audit.Kept) bool { return e.Action == action && e.Object == "mute "+own.ID }), action)
	}

	o.Mutes = noMutes{}
	handler = handlerWith(o)
	ask("all", http.MethodPost, "/mutes", `{"hours": 1, "reason": "x"}`, 503)
	ask("all", http.MethodGet, "/mutes", "", 503)
	ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 503)
}

// noMutes is a store that does not answer.
type noMutes struct{}

func (noMutes) AddMute(context.Context, alert.Mute) error { return errAway }

func (noMutes) EndMute(context.Context, identity.Merchants, string, string, time.Time) (alert.Mute, error) {
	return alert.Mute{}, errAway
}

func (noMutes) Mutes(context.Context, identity.Merchants, time.Time) ([]alert.Mute, error) {
	return nil, errAway
}
