package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
	ask := func(token, method, path, body string, status int) alert.Mute {
		t.Helper()
		return answered[alert.Mute](t, handler, method, path, body, status, "Authorization: Bearer "+token)
	}
	everything := ask("all", http.MethodPost, "/mutes", `{"hours": 24, "reason": "card 4111111111111112 test"}`, 201)
	assert.Equal(t, []any{"", "ada@example.com", 24 * time.Hour}, []any{everything.Merchant, everything.By, everything.Until.Sub(everything.Begin)})
	own := ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test", "type": "orders.fraud.detected.v1", "customerID": "c-1"}`, 201)
	assert.Equal(t, []any{"acme", alert.FraudDetected, "c-1"}, []any{own.Merchant, own.Type, own.CustomerID}, "of some merchants, it is of these")
	ask("both", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test"}`, 422)
	ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test", "merchant": "beta"}`, 404)
	const chosen = `{"id": "0193A2B4-0000-7000-8000-000000000001", "reason": "twice", "hours": `
	once := ask("acme", http.MethodPost, "/mutes", chosen+`1}`, 201)
	assert.Equal(t, "0193a2b4-0000-7000-8000-000000000001", once.ID)
	assert.Equal(t, once, ask("acme", http.MethodPost, "/mutes", chosen+`1}`, 201), "the button was pressed twice")
	ask("acme", http.MethodPost, "/mutes", chosen+`2}`, 409)
	ask("all", http.MethodPost, "/mutes", chosen+`1}`, 409)
	ask("acme", http.MethodDelete, "/mutes/"+once.ID, "", 200)
	for _, body := range []string{
		`{"hours": 1, "reason": "x", "id": "m-1"}`,
		`{"hours": 0, "reason": "x"}`, `{"hours": 25, "reason": "x"}`, `{"hours": 1.5, "reason": "x"}`, `{"hours": 1}`, `{"reason": "x"}`,
		`{"hours": 1, "reason": " "}`, `{"hours": 1, "reason": "x", "type": "fraud"}`, `{"hours": 1, "reason": "x", "by": "eve"}`,
	} {
		ask("all", http.MethodPost, "/mutes", body, 422)
	}
	listed := func(token string) (ids []string) {
		for _, m := range answered[struct{ Mutes []alert.Mute }](t, handler, http.MethodGet, "/mutes", "", 200, "Authorization: Bearer "+token).Mutes {
			ids = append(ids, m.ID)
		}
		return ids
	}
	assert.Equal(t, []string{once.ID, own.ID, everything.ID}, listed("all"))
	assert.Equal(t, []string{once.ID, own.ID}, listed("acme"))
	begun := len(kept.kept)
	for _, unknown := range []string{"%00", "m-1", strings.Repeat("x", 5000)} {
		ask("all", http.MethodDelete, "/mutes/"+unknown, "", 404)
	}
	assert.Len(t, kept.kept, begun, "an id that no mute can have is not in the audit trail")
	ask("acme", http.MethodDelete, "/mutes/"+everything.ID, "", 404)
	ended := ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 200)
	assert.Equal(t, "ada@example.com", ended.EndedBy)
	assert.WithinDuration(t, time.Now(), ended.Until, time.Minute)
	assert.Equal(t, ended, ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 200), "it has ended before")
	for _, action := range []string{"muteAlerts", "endMute"} {
		assert.True(t, slices.ContainsFunc(kept.kept, func(e audit.Kept) bool { return e.Action == action && e.Object == "mute "+own.ID }), action)
	}

	assert.True(t, slices.ContainsFunc(kept.kept, func(e audit.Kept) bool {
		return e.Action == "endMute" && e.Object == "mute "+own.ID && e.Merchant == "acme"
	}))

	for range alert.MostMutes {
		ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "x"}`, 201)
	}
	ask("acme", http.MethodPost, "/mutes", `{"hours": 1, "reason": "x"}`, 409)
	ask("all", http.MethodPost, "/mutes", `{"hours": 1, "reason": "x"}`, 201)

	o.Mutes = noMutes{}
	handler = handlerWith(o)
	ask("all", http.MethodPost, "/mutes", `{"hours": 1, "reason": "x"}`, 503)
	ask("all", http.MethodGet, "/mutes", "", 503)
	ask("all", http.MethodDelete, "/mutes/"+own.ID, "", 503)
}

// noMutes is a store that does not answer in time. Without a limit of time it would be waited for.
type noMutes struct{}

func late(ctx context.Context) error {
	if _, is := ctx.Deadline(); !is {
		return nil
	}
	return errAway
}

func (noMutes) AddMute(ctx context.Context, m alert.Mute) (alert.Mute, error) { return m, late(ctx) }

func (noMutes) EndMute(ctx context.Context, _ identity.Merchants, _, _ string, _ time.Time) (alert.Mute, error) {
	return alert.Mute{}, late(ctx)
}

func (noMutes) Mutes(ctx context.Context, _ identity.Merchants, _ time.Time) ([]alert.Mute, error) {
	return nil, late(ctx)
}
