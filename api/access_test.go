package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// tokens knows persons by their tokens.
type tokens map[string]identity.Subject

func (k tokens) Authenticate(_ context.Context, token string) (identity.Subject, error) {
	subject, known := k[token]
	if !known {
		return identity.Subject{}, identity.ErrUnknown
	}
	return subject, nil
}

// keyring is a store of keys.
type keyring []identity.Key

func (k keyring) KeyChanges(context.Context) (int64, error)           { return int64(len(k)), nil }
func (k keyring) Keys(context.Context) ([]identity.Key, error)        { return k, nil }
func (k keyring) KeysUsed(context.Context, []string, time.Time) error { return nil }

// add adds a key of a client, and returns its secret.
func (k *keyring) add(change func(*identity.Key), merchant string, scopes ...identity.Scope) string {
	secret := identity.NewSecret()
	key := identity.Key{
		Name: secret.Name(), Digest: secret.Digest(), Merchant: merchant, Client: "shop", Scopes: scopes, CreatedAt: time.Now().Add(-time.Hour),
	}
	if change != nil {
		change(&key)
	}
	*k = append(*k, key)
	return secret.Reveal()
}

// aPerson returns a person with these scopes for a merchant.
func aPerson(merchant string, scopes ...identity.Scope) identity.Subject {
	return identity.Subject{
		Kind: identity.Person, Name: "ada@example.com",
		Grants: []identity.Grant{{Scopes: scopes, Merchants: identity.OnlyMerchants(merchant)}},
	}
}

// try is one request for an operation, about what belongs to the merchant acme, and how it is answered.
type try struct {
	scope       identity.Scope // empty if every caller may ask
	path        string
	body        string
	client      int // to a client of acme with the scope, who asks after the person
	person      int // to a person with the scope for acme
	otherClient int // to a client of another merchant with the scope
	otherPerson int // to a person with the scope for another merchant
}

// held stands in a path for a transaction in review.
const held = "{held}"

// try returns the request for an operation, if it has one. A review is of a new transaction each time, since it ends with its verdict.
func (w *world) try(t *testing.T, operation, paid, raised, ended string) (try, bool) {
	t.Helper()
	tried, has := w.tries(t, paid, raised, ended)[operation]
	if before, after, is := strings.Cut(tried.path, held); is {
		tried.path = before + w.ofAcme(t, heldForReview) + after
	}
	return tried, has
}

func (w *world) tries(t *testing.T, paid, raised, ended string) map[string]try {
	t.Helper()
	store, key := newClients(t)
	w.clients, w.mutes, w.sessions = store, store, signedIn(t, store, "bob")
	return map[string]try{
		"transact":          {identity.Transact, "/transact", api.SeedExample, 200, 403, 200, 403},
		"listTransactions":  {identity.Read, "/transactions?limit=1", "", 200, 200, 200, 200},
		"getTransaction":    {identity.Read, "/transactions/" + paid, "", 200, 200, 404, 404},
		"getFigures":        {identity.Read, "/figures", "", 200, 200, 200, 200},
		"getReports":        {identity.Read, "/reports?from=2026-01-01&to=2026-01-31", "", 200, 200, 200, 200},
		"reviewTransaction": {identity.Review, "/transactions/" + held + "/review", `{"decision": "decline"}`, 200, 200, 404, 404},
		"listReviews":       {identity.Review, "/reviews?limit=1", "", 200, 200, 200, 200},
		"listReviewers":     {identity.Review, "/reviewers", "", 200, 200, 200, 200},
		"getReview":         {identity.Review, "/reviews/" + paid, "", 200, 200, 404, 404},
		"takeReview":        {identity.Review, "/transactions/" + held + "/assignment", `{}`, 200, 200, 404, 404},
		"releaseReview":     {identity.Review, "/transactions/" + paid + "/assignment", "", 204, 204, 404, 404},
		"labelTransaction":  {identity.Label, "/transactions/" + paid + "/labels", `{"label": "fraudulent", "source": "dispute"}`, 200, 201, 404, 404},
		"listAlerts":        {identity.Alerts, "/alerts?transaction=" + paid, "", 200, 200, 200, 200},
		"getAlert":          {identity.Alerts, "/alerts/" + raised, "", 200, 200, 404, 404},
		"acknowledgeAlert":  {identity.Alerts, "/alerts/" + raised + "/acknowledge", `{}`, 200, 200, 404, 404},
		"resendAlert":       {identity.Alerts, "/alerts/" + ended + "/resend", `{"number": 1}`, 202, 202, 404, 404},
		"getRoutes":         {identity.Alerts, "/alerts/routes", "", 403, 403, 403, 403},
		"tryRoutes":         {identity.Alerts, "/alerts/routes/try", sampleEvent(t), 403, 403, 403, 403},
		"takeAlarms":        {identity.Alarms, "/alerts/inbound", `{"version": "4", "alerts": []}`, 403, 403, 403, 403}, // not of a merchant
		"muteAlerts":        {identity.Alerts, "/mutes", `{"merchant": "acme", "hours": 1, "reason": "load test"}`, 201, 201, 404, 404},
		"listMutes":         {identity.Alerts, "/mutes", "", 200, 200, 200, 200},
		"endMute":           {identity.Alerts, "/mutes/" + w.muted(t, "acme"), "", 200, 200, 404, 404},
		"listAudit":         {identity.Audit, "/audit", "", 200, 200, 200, 200},
		"verifyAudit":       {identity.Audit, "/audit/verification", "", 200, 200, 200, 200},
		"listMerchants":     {identity.Admin, "/merchants", "", 200, 200, 200, 200},
		"addMerchant":       {identity.Admin, "/merchants", `{"merchant": "gamma"}`, 403, 403, 403, 403}, // not for some merchants only
		"disableMerchant":   {identity.Admin, "/merchants/acme/disable", "", 200, 200, 404, 404},
		"enableMerchant":    {identity.Admin, "/merchants/acme/enable", "", 200, 200, 404, 404},
		"listKeys":          {identity.Admin, "/keys", "", 200, 200, 200, 200},
		"makeKey":           {identity.Admin, "/keys", `{"merchant": "acme", "client": "till", "scopes": ["read"]}`, 201, 201, 404, 404},
		"rollKey":           {identity.Admin, "/keys/" + key + "/roll", `{}`, 201, 201, 404, 404},
		"revokeKey":         {identity.Admin, "/keys/" + key + "/revoke", "", 200, 200, 404, 404},
		"listSessions":      {"", "/sessions", "", 200, 200, 200, 200},
		"endSession":        {"", "/sessions/bob/end", "", 404, 404, 404, 404}, // of another person
		"listDeadLetters":   {identity.DeadLetters, "/dead-letters", "", 200, 200, 200, 200},
		"getDeadLetter":     {identity.DeadLetters, "/dead-letters/of-acme", "", 200, 200, 404, 404},
		"replayDeadLetters": {identity.DeadLetters, "/dead-letters/replay", `{"ids": ["of-acme"]}`, 200, 200, 200, 200},
		"purgeDeadLetters":  {identity.DeadLetters, "/dead-letters/purge", `{"all": true}`, 200, 200, 200, 200},
		"getRules":          {identity.Rules, "/rules", "", 200, 200, 200, 200},
		"getRuleFigures":    {identity.Rules, "/rules/figures", "", 200, 200, 200, 200},
		"getRulesFiles":     {identity.Rules, "/rules/files", "", 403, 403, 403, 403},
		"retryTransaction":  {identity.Rules, "/rules/try/" + paid, "", 200, 200, 404, 404},
		"tryTransaction":    {identity.Rules, "/rules/try", api.SeedExample, 200, 200, 200, 200},
		"listRuleVersions":  {identity.Rules, "/rules/versions", "", 403, 403, 403, 403},
		"getRuleVersion":    {identity.Rules, "/rules/versions/1", "", 403, 403, 403, 403},
		"proposeRules":      {identity.Rules, "/rules/versions", `{"files": {"ruleset.yaml": "id: mine"}}`, 403, 403, 403, 403},
		"approveRules":      {identity.Rules, "/rules/versions/1/approve", "", 403, 403, 403, 403},
		"listEntries":       {identity.Rules, "/rules/lists/blocked_customers/entries", "", 403, 403, 403, 403}, // lists are for all merchants
		"addListEntry":      {identity.Publish, "/rules/lists/blocked_customers/entries", `{"value": "c-1", "reason": "a test"}`, 403, 403, 403, 403},
		"removeListEntry":   {identity.Publish, "/rules/lists/blocked_customers/entries/1?reason=a+test", "", 403, 403, 403, 403},
		"startBacktest":     {identity.Rules, "/rules/backtests", `{"days": 1, "files": {"ruleset.yaml": "id: mine"}}`, 422, 422, 422, 422},
		"getBacktest":       {identity.Rules, "/rules/backtests/01990000-0000-7000-8000-000000000001", "", 404, 404, 404, 404},
		"checkRules":        {identity.Rules, "/rules/check", `{"files": {"ruleset.yaml": "id: mine"}}`, 200, 200, 200, 200},
	}
}

// muted mutes a merchant's alerts, and returns the id of the mute.
func (w *world) muted(t *testing.T, merchant string) string {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	m := alert.Mute{ID: uuid.NewString(), Merchant: merchant, By: "ada", Begin: now, Until: now.Add(time.Hour)}
	kept, err := w.mutes.AddMute(t.Context(), m)
	require.NoError(t, err)
	return kept.ID
}

// ofAcme posts a transaction of acme, and returns its id.
func (w *world) ofAcme(t *testing.T, method string) string {
	t.Helper()
	o := options(w.client, w.ledger)
	o.Authenticators = []api.Authenticator{tokens{"key": aClient("acme", "till", identity.Transact)}}
	answer := request(t, handlerWith(o), http.MethodPost, "/transact", paidBy(t, method), patient, "Authorization: Bearer key")
	require.Less(t, answer.Code, 300, answer.Body)
	var accepted struct{ TransactionID string }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &accepted))
	return accepted.TransactionID
}

// byLink are the operations that a signed link opens: see the tests of links.
var byLink = []string{"reviewPage", "acknowledgePage"}

// Each operation of the OpenAPI document is answered to each kind of caller as its scope and its merchants say.
func TestAccess(t *testing.T) {
	w := realWorld(t)
	paid, event := w.ofAcme(t, "card"), alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now())
	event.Data.Merchant = "acme"
	raised := w.take(t, event, asking)
	event.ID = uuid.NewString()
	ended := w.take(t, event)
	w.over(t, ended)
	w.alert(t, raised)
	w.alert(t, ended)
	for path, item := range contractOf(true).document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			id := operation.(map[string]any)["operationId"].(string)
			if slices.Contains(byLink, id) {
				continue
			}
			t.Run(id, func(t *testing.T) {
				tried, has := w.try(t, id, paid, raised, ended)
				require.True(t, has, "%s %s has no row in this test", method, path)
				others := slices.DeleteFunc(slices.Clone(identity.Scopes), func(s identity.Scope) bool { return s == tried.scope })
				var keys keyring
				without := http.StatusForbidden
				if tried.scope == "" {
					without = tried.person
				}
				persons := tokens{
					"token-without-the-scope": aPerson("acme", others...), "token-of-another": aPerson("beta", tried.scope), "token": aPerson("acme", tried.scope),
				}
				callers := []struct {
					name, token string
					status      int
				}{
					{"no token", "", 401},
					{"unknown token", "nonsense", 401},
					{"unknown key", identity.NewSecret().Reveal(), 401},
					{"revoked key", keys.add(func(k *identity.Key) { k.RevokedAt = time.Now() }, "acme", tried.scope), 401},
					{"expired key", keys.add(func(k *identity.Key) { k.ExpiresAt = time.Now() }, "acme", tried.scope), 401},
					{"key of a disabled merchant", keys.add(func(k *identity.Key) { k.MerchantDisabled = true }, "acme", tried.scope), 401},
					{"client without the scope", keys.add(nil, "acme", others...), without},
					{"client without any scope", keys.add(nil, "acme"), without},
					{"person without the scope", "token-without-the-scope", without},
					{"client of another merchant", keys.add(nil, "beta", tried.scope), tried.otherClient},
					{"person of another merchant", "token-of-another", tried.otherPerson},
					{"person", "token", tried.person},
				}
				handler := w.known(keys, persons)
				for _, caller := range callers {
					asks(t, handler, method, tried, caller.token, caller.status, caller.name)
				}
				again, _ := w.try(t, id, paid, raised, ended)
				owner := keys.add(nil, "acme", tried.scope)
				asks(t, w.known(keys, nil), method, again, owner, again.client, "client")
			})
		}
	}
}

// known returns an API that knows these callers.
func (w *world) known(keys keyring, persons tokens) http.Handler {
	o := options(w.client, w.ledger)
	o.Trail, o.Clients, o.Mutes, o.Sessions = w.trail, w.clients, w.mutes, w.sessions
	o.DeadLetters = &grave{letters: []alert.DeadLetter{{ID: "of-acme", Merchant: "acme"}}}
	o.Authenticators = []api.Authenticator{api.NewStoredKeys(keys, time.Hour, time.Now, o.Log), persons}
	return handlerWith(o)
}

// asks sends a request, and requires its status. What belongs to another merchant is in no answer.
func asks(t *testing.T, handler http.Handler, method string, tried try, token string, status int, name string) {
	t.Helper()
	headers := []string{patient}
	if token != "" {
		headers = append(headers, "Authorization: Bearer "+token)
	}
	answer := request(t, handler, strings.ToUpper(method), tried.path, tried.body, headers...)
	assert.Equal(t, status, answer.Code, "%s: %s", name, answer.Body)
	if strings.Contains(name, "another merchant") {
		assert.NotContains(t, answer.Body.String(), `"acme"`, name)
	}
}
