package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/ledgertest"
	"dummyorders/rules"
)

// answered decodes an answer of a status.
func answered[T any](t *testing.T, handler http.Handler, method, path, body string, status int, headers ...string) T {
	t.Helper()
	return decoded[T](t, request(t, handler, method, path, body, headers...), status)
}

// The ruleset that decides is shown with each rule in words and its text.
func TestRulesInUse(t *testing.T) {
	used := answered[ruleset.InUse](t, unreachable(t), http.MethodGet, "/rules", "", 200)
	assert.Equal(t, rules.Default().Ruleset(), used.Deciding.Ruleset)
	assert.Nil(t, used.Shadow)
	require.Len(t, used.Deciding.Rules, len(rules.Default().Rules()))
	for _, r := range used.Deciding.Rules {
		assert.True(t, strings.HasPrefix(r.Text, "- id: "+r.ID+"\n"), "%s: %q", r.ID, r.Text)
		assert.Equal(t, 1, strings.Count(r.Text, "\n  when: "), "%s: %q", r.ID, r.Text)
		assert.Contains(t, r.Text, "cases:", r.ID)
	}
	files := answered[struct{ Files ruleset.Files }](t, unreachable(t), http.MethodGet, "/rules/files", "", 200).Files
	assert.Contains(t, files, "rules/amounts.yaml")
	assert.Contains(t, files, "lists/disposable_mail_domains.txt")
}

// A typed transaction is decided with its explanation, and a wrong one is refused as POST /transact refuses it.
func TestTryTyped(t *testing.T) {
	handler := unreachable(t)
	tried := answered[ruleset.Trial](t, handler, http.MethodPost, "/rules/try", api.SeedExample, 200)
	assert.Equal(t, rules.Default().Ruleset(), tried.Decision.Ruleset)
	assert.Nil(t, tried.Decision.Explanation)
	assert.Len(t, tried.Explanation.Passed, len(rules.Default().Rules())-len(tried.Explanation.Rules))
	assert.NotEmpty(t, tried.RuleNames["amount_above_order"])

	above := strings.Replace(api.SeedExample, `"amount": 123.00`, `"amount": 124.00`, 1)
	tried = answered[ruleset.Trial](t, handler, http.MethodPost, "/rules/try?history=false", above, 200)
	assert.Contains(t, tried.Decision.Reasons, fraud.Reason{Code: "AMOUNT_ABOVE_ORDER", Message: "more is paid than the order costs"})
	assert.Equal(t, []ruleset.Seen{
		{Name: "payment.currency", Value: "INR"}, {Name: "order.currency", Value: "INR"}, {Name: "payment.amount", Value: "124"}, {Name: "order.cost", Value: "123"},
	}, tried.Saw["amount_above_order"])
	p := asProblem(t, request(t, handler, http.MethodPost, "/rules/try", `{"order": {}}`))
	assert.Equal(t, 422, p.Status)
}

// A parameter of the query or of the path that is wrong or unknown is named.
func TestRuleParameters(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Rulesets, o.Routes = struct{ ruleset.Store }{}, func() api.Routes { return nil }
	handler := handlerWith(o)
	for call, parameter := range map[string]string{
		"POST /rules/try?history=maybe":                       "history",
		"POST /rules/try?histroy=false":                       "histroy",
		"POST /rules/try?merchant=a%20b":                      "merchant",
		"POST /rules/try?merchant=4111111111111111":           "merchant",
		"POST /alerts/routes/try?at=noon":                     "at",
		"POST /alerts/routes/try?at=0001-01-01T00:00:00Z":     "at",
		"POST /alerts/routes/try?ta=2026-01-02T03:04:05Z":     "ta",
		"GET /rules/versions?before=0":                        "before",
		"GET /rules/versions?before=":                         "before",
		"GET /rules/versions?befroe=1":                        "befroe",
		"GET /rules/versions/none":                            "number",
		"POST /rules/versions/0/approve":                      "number",
		"DELETE /rules/lists/customers/entries/none?reason=a": "entry",
	} {
		method, path, _ := strings.Cut(call, " ")
		body := ""
		if method == http.MethodPost {
			body = api.SeedExample
		}
		p := asProblem(t, request(t, handler, method, path, body))
		assert.Equal(t, 422, p.Status, call)
		if assert.Len(t, p.Errors, 1, call) {
			assert.Equal(t, parameter, p.Errors[0].Parameter, call)
			assert.NotContains(t, p.Errors[0].Detail, "none", call)
		}
	}
}

// A ruleset's faults are said with their places; without faults its cases are run.
func TestCheckRules(t *testing.T) {
	handler := unreachable(t)
	files := answered[struct{ Files ruleset.Files }](t, handler, http.MethodGet, "/rules/files", "", 200).Files
	found := check(t, handler, files, 200)
	assert.True(t, found.Sound(), "%+v", found)
	assert.Equal(t, len(rules.Default().Cases()), found.Cases)
	assert.Equal(t, rules.Default().Ruleset(), *found.Ruleset)

	const amounts = "rules/amounts.yaml"
	right := files[amounts]
	files[amounts] = strings.Replace(right, "payment.amount > order.cost", "payment.amonut > order.cost", 1)
	found = check(t, handler, files, 200)
	require.NotEmpty(t, found.Faults)
	assert.Nil(t, found.Ruleset)
	assert.Equal(t, []any{amounts, 5}, []any{found.Faults[0].File, found.Faults[0].Line})

	files[amounts] = strings.Replace(right, "payment.amount > order.cost", "payment.amount > 2.0 * order.cost", 1)
	found = check(t, handler, files, 200)
	assert.Empty(t, found.Faults)
	require.NotEmpty(t, found.Failed)
	assert.Equal(t, "amount_above_order", found.Failed[0].Rule)
	assert.False(t, found.Sound())

	check(t, handler, ruleset.Files{"../elsewhere.yaml": ""}, 422)
	check(t, handler, ruleset.Files{"ruleset.yaml": strings.Repeat("#", ruleset.MaxSize)}, 422)
	check(t, handler, ruleset.Files{"ruleset.yaml": strings.Repeat("#", 2*ruleset.MaxSize)}, 413)
	check(t, handler, ruleset.Files{}, 422)
}

func check(t *testing.T, handler http.Handler, files ruleset.Files, status int) ruleset.Findings {
	t.Helper()
	body, err := json.Marshal(map[string]any{"files": files})
	require.NoError(t, err)
	return answered[ruleset.Findings](t, handler, http.MethodPost, "/rules/check", string(body), status)
}

// What a transaction's rules saw of what was posted is for those who may read the transaction, or review it.
func TestTryShowsWhatWasPosted(t *testing.T) {
	cost := money.Money{Minor: 12300, Currency: "INR"}
	posted := transaction.Transaction{
		ID: uuid.NewString(), Merchant: "acme", Order: transaction.Order{ID: "1", Cost: cost}, Payment: transaction.Payment{Amount: money.Money{Minor: 12400, Currency: "INR"}},
	}
	o := options(nowhere(t), newMemory(ledger.Entry{Record: *ledger.Open(posted, start), Transaction: posted}))
	o.Authenticators = []api.Authenticator{tokens{
		"reads": aPerson("acme", identity.Rules, identity.Read), "reviews": aPerson("acme", identity.Rules, identity.Review), "neither": aPerson("acme", identity.Rules),
	}}
	for token, shown := range map[string]bool{"reads": true, "reviews": true, "neither": false} {
		tried := answered[ruleset.Trial](t, handlerWith(o), http.MethodGet, "/rules/try/"+posted.ID, "", 200, "Authorization: Bearer "+token)
		assert.Equal(t, shown, len(tried.Saw["amount_above_order"]) > 0, token)
	}
}

// Where another detector decides, there are no rules to show.
func TestNoRules(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Rules = nil
	for _, path := range []string{"/rules", "/rules/files", "/rules/try/01990000-0000-7000-8000-000000000001"} {
		p := asProblem(t, request(t, handlerWith(o), http.MethodGet, path, ""))
		assert.Equal(t, http.StatusConflict, p.Status, path)
		assert.Contains(t, p.Detail, "FRAUD_DETECTOR")
	}
}

// What is tried is kept in the audit trail as a read, since it shows what was counted.
func TestTryAudited(t *testing.T) {
	o, kept := options(nowhere(t), newMemory()), &trail{}
	o.Audit = kept
	answered[ruleset.Trial](t, handlerWith(o), http.MethodPost, "/rules/try", api.SeedExample, 200)
	require.Eventually(t, func() bool {
		lines := kept.lines()
		return len(lines) == 1 && strings.Contains(lines[0], "| default | tryTransaction | order 1234 | 200")
	}, time.Minute, time.Millisecond)
}

// A backtest decides again about the transactions of the caller's merchants, and only who may see those sees its report.
func TestBacktest(t *testing.T) {
	w := realWorld(t)
	w.ended(t, w.ofAcme(t, "card"))
	handler := w.api()
	files := answered[struct{ Files ruleset.Files }](t, handler, http.MethodGet, "/rules/files", "", 200).Files
	asked := func(days int) string {
		body, err := json.Marshal(map[string]any{"days": days, "files": files})
		require.NoError(t, err)
		return string(body)
	}
	started := request(t, handler, http.MethodPost, "/rules/backtests", asked(1))
	require.Equal(t, 202, started.Code, "%s", started.Body)
	var done ruleset.Backtest
	eventually(t, func() error {
		if done = answered[ruleset.Backtest](t, handler, http.MethodGet, started.Header().Get("Location"), "", 200); done.State == ruleset.Running {
			return errors.New("it goes on")
		}
		return nil
	})
	assert.Equal(t, ruleset.Done, done.State, done.Why)
	assert.Equal(t, rules.Default().Ruleset(), done.Candidate)
	assert.Contains(t, string(done.Report), `"outcomes"`)
	assert.Positive(t, done.Progress.Read)

	for _, days := range []int{0, 91} {
		p := asProblem(t, request(t, handler, http.MethodPost, "/rules/backtests", asked(days)))
		assert.Equal(t, []any{422, "#/days"}, []any{p.Status, p.Errors[0].Pointer})
	}
	files["ruleset.yaml"] = "id: mine\n"
	p := asProblem(t, request(t, handler, http.MethodPost, "/rules/backtests", asked(1)))
	assert.Equal(t, 422, p.Status)
	assert.Contains(t, p.Errors[0].Detail, "cases/outcomes.yaml:163: ")
}

// publishing returns an API for persons that keeps versions of the ruleset in a ledger of its own.
func publishing(t *testing.T, change func(*api.Options)) http.Handler {
	t.Helper()
	store := ledgertest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	o := options(nowhere(t), newMemory())
	o.Rulesets = store
	everywhere := []identity.Grant{{Scopes: identity.Scopes, Merchants: identity.AllMerchants()}}
	o.Authenticators = []api.Authenticator{tokens{
		"ada": {Kind: identity.Person, Name: "ada", Grants: everywhere}, "bob": {Kind: identity.Person, Name: "bob", Grants: everywhere},
		"robot": {Kind: identity.Client, Name: "robot", Grants: everywhere}, "acme": aPerson("acme", identity.Rules),
	}}
	change(&o)
	return handlerWith(o)
}

// A ruleset decides once a second person has approved it, and each step is in the audit trail with the digest.
func TestPublish(t *testing.T) {
	kept := &trail{}
	handler := publishing(t, func(o *api.Options) { o.Audit = kept })
	const ada, bob = "Authorization: Bearer ada", "Authorization: Bearer bob"
	files := answered[struct{ Files ruleset.Files }](t, handler, http.MethodGet, "/rules/files", "", 200, ada).Files
	body := func() string {
		text, err := json.Marshal(map[string]any{"files": files, "note": "higher"})
		require.NoError(t, err)
		return string(text)
	}
	files["ruleset.yaml"] = strings.Replace(files["ruleset.yaml"], "version: 2", "version: 3", 1)
	kept.lines()
	proposed := answered[ruleset.Version](t, handler, http.MethodPost, "/rules/versions", body(), 201, ada)
	assert.Equal(t, []any{int64(1), "ada", "higher", false}, []any{proposed.Number, proposed.By, proposed.Note, proposed.Approved()})
	list := answered[struct {
		Versions []ruleset.Version
		Deciding int64
	}](t, handler, http.MethodGet, "/rules/versions", "", 200, bob)
	assert.Len(t, list.Versions, 1)
	assert.Zero(t, list.Deciding)
	assert.Equal(t, files, answered[ruleset.Version](t, handler, http.MethodGet, "/rules/versions/1", "", 200, bob).Files)
	kept.lines()

	for who, why := range map[string]string{ada: "another person has to approve", "Authorization: Bearer robot": "a person has to approve"} {
		p := asProblem(t, request(t, handler, http.MethodPost, "/rules/versions/1/approve", "", who))
		assert.Equal(t, 403, p.Status)
		assert.Contains(t, p.Detail, why)
	}
	require.Eventually(t, func() bool { return len(kept.lines()) > 0 }, time.Minute, time.Millisecond)
	approved := answered[ruleset.Version](t, handler, http.MethodPost, "/rules/versions/1/approve", "", 200, bob)
	assert.Equal(t, []any{"bob", true}, []any{approved.ApprovedBy, approved.Approved()})
	lines := strings.Join(kept.lines(), "\n")
	assert.Contains(t, lines, "person bob | * | approveRules | ruleset, number 1 | begun |  > "+proposed.Digest)
	assert.Contains(t, lines, "| 200 | "+rules.Default().Ruleset().Digest+" > "+proposed.Digest)
	assert.Equal(t, 409, asProblem(t, request(t, handler, http.MethodPost, "/rules/versions/1/approve", "", bob)).Status)
	assert.Equal(t, 404, asProblem(t, request(t, handler, http.MethodPost, "/rules/versions/2/approve", "", bob)).Status)

	files["rules/amounts.yaml"] = strings.Replace(files["rules/amounts.yaml"], "hits: true", "hits: false", 1)
	assert.Equal(t, 422, asProblem(t, request(t, handler, http.MethodPost, "/rules/versions", body(), ada)).Status, "a case fails")
	p := asProblem(t, request(t, handler, http.MethodGet, "/rules/versions", "", "Authorization: Bearer acme"))
	assert.Contains(t, p.Detail, "for all merchants")
}

// With RULES_FOUR_EYES=false, who has proposed a version may approve it.
func TestPublishAlone(t *testing.T) {
	handler := publishing(t, func(o *api.Options) { o.OneApproves = true })
	const ada = "Authorization: Bearer ada"
	files := answered[struct{ Files ruleset.Files }](t, handler, http.MethodGet, "/rules/files", "", 200, ada)
	body, err := json.Marshal(files)
	require.NoError(t, err)
	answered[ruleset.Version](t, handler, http.MethodPost, "/rules/versions", strings.ToLower(string(body[:8]))+string(body[8:]), 201, ada)
	answered[ruleset.Version](t, handler, http.MethodPost, "/rules/versions/1/approve", "", 200, ada)
}

// Where rulesets are files, nothing can be published.
func TestPublishFiles(t *testing.T) {
	p := asProblem(t, request(t, unreachable(t), http.MethodGet, "/rules/versions", ""))
	assert.Equal(t, 409, p.Status)
	assert.Contains(t, p.Detail, "RULES_FROM=files")
}
