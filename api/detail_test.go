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
	"dummyorders/domain/ledger"
)

// No operation shows a merchant more of a decision than DECISION_DETAIL says, and analysts are shown all of it.
func TestDecisionDetail(t *testing.T) {
	w := realWorld(t)
	for _, detail := range []api.Detail{api.FullDetail, api.CodesDetail, api.NoDetail} {
		t.Run(string(detail), func(t *testing.T) {
			o := options(w.client, w.ledger)
			o.Detail = detail
			o.Mutes, _ = newClients(t)
			o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{
				"secret-of-the-shop": aClient(identity.DefaultMerchant, "shop", identity.Transact, identity.Read, identity.Review, identity.Label, identity.Alerts),
				"secret-of-analysts": aClient(identity.DefaultMerchant, "shop", identity.Scopes...),
			})}
			handler, shop, analysts := handlerWith(o), "Authorization: Bearer secret-of-the-shop", "Authorization: Bearer secret-of-analysts"
			shows := func(text string) map[string]bool {
				found := map[string]bool{}
				for _, part := range []string{"CARD_VELOCITY", "the card was used often", "four of this card", "publicMessage", "riskLevel", "score 99", "card_velocity"} {
					found[part] = strings.Contains(text, part)
				}
				return found
			}
			public := shows(map[api.Detail]string{
				api.FullDetail: "CARD_VELOCITY the card was used often riskLevel", api.CodesDetail: "CARD_VELOCITY riskLevel",
			}[detail])
			asked := map[string]bool{}
			ask := func(operation string, status int, method, path, body string, headers ...string) string {
				t.Helper()
				answer := request(t, handler, method, path, body, headers...)
				require.Equal(t, status, answer.Code, "%s: %s", operation, answer.Body)
				asked[operation] = true
				return answer.Body.String()
			}
			decides := func(operation string, status int, method, path, body string, headers ...string) {
				t.Helper()
				assert.Equal(t, public, shows(ask(operation, status, method, path, body, append(headers, shop)...)), operation)
				for part, shown := range shows(ask(operation, status, method, path, body, append(headers, analysts)...)) {
					if part != "card_velocity" && part != "score 99" {
						assert.True(t, shown, "%s shows %s to analysts", operation, part)
					}
				}
			}

			posted, key := paidBy(t, heldAndWorse), freshKey()
			answer := request(t, handler, http.MethodPost, "/transact", posted, key, shop, patient)
			id := decoded[ledger.Answer](t, answer, 202).TransactionID
			assert.Equal(t, public, shows(answer.Body.String()))
			assert.Equal(t, public, shows(ask("transact", 202, http.MethodPost, "/transact", posted, key, shop, patient)), "again")
			assert.Equal(t, public, shows(ask("transact", 202, http.MethodPost, "/transact", posted, key, analysts, patient)), "by an analyst")
			decides("getTransaction", 200, http.MethodGet, "/transactions/"+id, "")
			decides("listTransactions", 200, http.MethodGet, "/transactions?limit=1", "")
			decides("listReviews", 200, http.MethodGet, "/reviews?limit=1", "")
			decides("getReview", 200, http.MethodGet, "/reviews/"+id, "")
			decides("reviewTransaction", 409, http.MethodPost, "/transactions/"+id+"/review", `{"decision":"approve"}`, patient)
			assert.Equal(t, public, shows(ask("reviewTransaction", 200, http.MethodPost, "/transactions/"+id+"/review",
				`{"decision":"approve","confirm":true}`, patient, shop)))
			w.ended(t, id)
			decides("getTransaction", 200, http.MethodGet, "/transactions/"+id, "")
			assert.Equal(t, public, shows(ask("transact", 200, http.MethodPost, "/transact", posted, key, shop, patient)))

			nothing, alert := shows(""), w.raise(t)
			w.over(t, alert)
			w.alert(t, alert) // it answers by now
			assert.Equal(t, nothing, shows(ask("labelTransaction", 201, http.MethodPost, "/transactions/"+id+"/labels", `{"label":"legitimate","source":"dispute"}`, shop)))
			assert.Equal(t, nothing, shows(ask("getAlert", 200, http.MethodGet, "/alerts/"+alert, "", shop)))
			assert.Equal(t, nothing, shows(ask("listAlerts", 200, http.MethodGet, "/alerts?transaction="+id, "", shop)))
			assert.Equal(t, nothing, shows(ask("acknowledgeAlert", 409, http.MethodPost, "/alerts/"+alert+"/acknowledge", `{}`, shop)))
			assert.Equal(t, nothing, shows(ask("resendAlert", 202, http.MethodPost, "/alerts/"+alert+"/resend", `{}`, shop)))
			assert.Equal(t, nothing, shows(ask("muteAlerts", 201, http.MethodPost, "/mutes", `{"hours": 1, "reason": "load test"}`, shop)))
			assert.Equal(t, nothing, shows(ask("listMutes", 200, http.MethodGet, "/mutes", "", shop)))
			assert.Equal(t, nothing, shows(ask("endMute", 404, http.MethodDelete, "/mutes/none", "", shop)))
			assert.Equal(t, nothing, shows(ask("listReviewers", 200, http.MethodGet, "/reviewers", "", shop)))
			assert.Equal(t, nothing, shows(ask("takeReview", 409, http.MethodPut, "/transactions/"+id+"/assignment", `{}`, shop)))
			assert.Equal(t, nothing, shows(ask("releaseReview", 204, http.MethodDelete, "/transactions/"+id+"/assignment", "", shop)))
			asked["acknowledgePage"], asked["reviewPage"] = true, true // for who got the message: both show what it shows
			asked["getFigures"], asked["getReports"] = true, true      // they show counts: see TestFigures and TestReports
			asked["getRoutes"], asked["tryRoutes"] = true, true        // they show no decision: see TestRoutes
			asked["listSessions"], asked["endSession"] = true, true    // they are not about transactions
			assert.Equal(t, operationsOf(t, handler), asked)

			const byOutcome = "/transactions?limit=1&outcome=approve"
			found := request(t, handler, http.MethodGet, byOutcome, "", shop)
			assert.Equal(t, detail == api.NoDetail, found.Code == 403, "%s", found.Body)
			assert.Equal(t, 200, request(t, handler, http.MethodGet, byOutcome, "", analysts).Code)
			byRule := "/transactions?ip=192.0.2.1&rule=card_velocity"
			assert.Equal(t, 403, request(t, handler, http.MethodGet, byRule, "", shop).Code)
			assert.Equal(t, 200, request(t, handler, http.MethodGet, byRule, "", analysts).Code)
			const disagreeing = "/transactions?ip=192.0.2.1&disagrees=rules"
			assert.Equal(t, 403, request(t, handler, http.MethodGet, disagreeing, "", shop).Code)
			assert.Equal(t, 200, request(t, handler, http.MethodGet, disagreeing, "", analysts).Code)
		})
	}
}

// operationsOf returns all operations but those whose scope the shop lacks: they refuse it.
func operationsOf(t *testing.T, handler http.Handler) map[string]bool {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
		}
	}
	require.NoError(t, json.Unmarshal(request(t, handler, http.MethodGet, "/openapi.json", "").Body.Bytes(), &document))
	all := map[string]bool{}
	for _, operations := range document.Paths {
		for _, operation := range operations {
			needs := ""
			if len(operation.Security) > 0 {
				needs = strings.Join(operation.Security[0]["apiKey"], "")
			}
			if !slices.Contains([]string{"rules", "publish", "deadletters", "alarms", "audit", "admin"}, needs) {
				all[operation.OperationID] = true
			}
		}
	}
	return all
}

// capturing has a transaction whose capture is tried again.
type capturing struct{ api.Transactions }

func (capturing) Record(_ context.Context, _ identity.Merchants, id string) (*ledger.Record, error) {
	return &ledger.Record{Answer: ledger.Answer{TransactionID: id}, Retries: []ledger.Retry{{Step: "Capture", Failed: 3, Failure: "dial tcp 192.0.2.7:443"}}}, nil
}

// What is tried again is shown to all, and why only to those who see all merchants.
func TestRetriesDetail(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Transactions = capturing{}
	o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{"shop's key": aClient("default", "shop", identity.Read), "operators": operators})}
	handler := api.New(o)
	for key, failure := range map[string]string{"shop's key": "", "operators": "dial tcp 192.0.2.7:443"} {
		retries := read(t, handler, "/transactions/01990000-0000-7000-8000-000000000001", key)["retries"].([]any)
		want := map[string]any{"step": "Capture", "failed": 3.0}
		if failure != "" {
			want["failure"] = failure
		}
		assert.Equal(t, []any{want}, retries, key)
	}
}

// aDigest has one alert: a digest of acme's alerts that a throttle holds back.
type aDigest struct{ api.Alerts }

func (aDigest) Find(context.Context, identity.Merchants, string) (alert.Log, error) {
	member := alert.Sample(alert.FraudDetected, "event-1", time.Now()).Member()
	member.Merchant = "acme"
	holding := &alert.Holding{Waiting: 7}
	return alert.Log{ID: "digest-1", Merchants: []string{"acme"}, Digest: &alert.Digest{Members: []alert.Member{member}}, Chains: []alert.ChainLog{{
		Holding: holding, Collected: &alert.Place{Holding: holding}, Group: &alert.Membership{Name: "more than 5", Waiting: 7},
		Steps: []alert.StepLog{{Deliveries: []alert.Delivery{{State: alert.Delivered, Attempts: []alert.Attempt{{Number: 1, Answer: "250 ok mx7.example.com"}}}}}},
	}}}, nil
}

func (d aDigest) OfTransaction(ctx context.Context, of identity.Merchants, id string) ([]alert.Log, error) {
	log, err := d.Find(ctx, of, id)
	return []alert.Log{log}, err
}

func (d aDigest) List(ctx context.Context, q alert.Query) (alert.Page, error) {
	all, err := d.OfTransaction(ctx, q.Merchants, "")
	return alert.Page{Alerts: all}, err
}

func (aDigest) Acknowledge(context.Context, identity.Merchants, string, alert.Acknowledgement) (alert.Acknowledgement, error) {
	return alert.Acknowledgement{}, &alert.ClosedError{Why: "a digest asks for no acknowledgement"}
}

func (aDigest) Resend(context.Context, identity.Merchants, string, alert.Resend) (alert.Resending, error) {
	return alert.Resending{}, &alert.ClosedError{Why: "it is still being delivered"}
}

// An alert shows no more of decisions than DECISION_DETAIL says, and what is the operator's only to those who see all merchants.
func TestAlertDetail(t *testing.T) {
	all := identity.Subject{Kind: identity.Person, Grants: []identity.Grant{{Scopes: []identity.Scope{identity.Alerts}, Merchants: identity.AllMerchants()}}}
	for _, c := range []struct {
		detail            api.Detail
		caller            identity.Subject
		decision, answers bool
	}{
		{api.FullDetail, aClient("acme", "shop", identity.Alerts), true, false},
		{api.CodesDetail, aClient("acme", "shop", identity.Alerts), true, false},
		{api.NoDetail, aClient("acme", "shop", identity.Alerts), false, false},
		{api.NoDetail, aClient("acme", "shop", identity.Alerts, identity.Rules), true, false},
		{api.NoDetail, all, false, true},
		{api.FullDetail, all, true, true},
	} {
		o := options(nowhere(t), newMemory())
		o.Alerts, o.Detail = aDigest{}, c.detail
		o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{"the caller's key": c.caller})}
		handler := api.New(o)
		for _, path := range []string{"/alerts/digest-1", "/alerts?transaction=" + uuid.NewString(), "/alerts"} {
			answer := request(t, handler, http.MethodGet, path, "", "Authorization: Bearer the caller's key")
			require.Equal(t, http.StatusOK, answer.Code, answer.Body)
			for part, shown := range map[string]bool{
				`"CARD_VELOCITY"`: c.decision, `"score":90`: c.decision, `"outcome":"decline"`: c.decision, "mx7.example.com": c.answers, `"waiting"`: c.answers,
			} {
				assert.Equal(t, shown, strings.Contains(answer.Body.String(), part), "%s of %s with %s: %s", part, path, c.detail, c.caller)
			}
		}
	}
}
