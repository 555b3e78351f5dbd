package desk_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
)

var inUse = ruleset.InUse{Deciding: ruleset.Description{
	Ruleset: fraud.Ruleset{ID: "mine", Version: 3, Digest: "sha256:0123"}, Thresholds: ruleset.Thresholds{Review: 40, Decline: 80},
	Rules: []ruleset.Rule{{ID: "dear", Name: "It is <dear>", When: "payment.amount > 100.0", Score: 40, Shadow: true, File: "rules/a.yaml", Line: 2, Text: "- id: dear"}},
	Lists: []ruleset.List{{Name: "blocked", Of: "customer.id", Effect: fraud.ActBlock, Entries: 7}},
}}

func rulesWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.signIn("ada", "analyst")
	w.api.say("GET /rules", 200, inUse)
	w.api.say("GET /rules/figures", 200, map[string]any{"from": "2026-01-01", "to": "2026-01-30", "rules": []any{}})
	return w
}

func TestRules(t *testing.T) {
	w := rulesWorld(t)
	status, page := w.get("/rules")
	assert.Equal(t, http.StatusOK, status)
	for _, want := range []string{"mine, version 3", "sha256:0123", "It is &lt;dear&gt;", "&#43;40, in shadow", "rules/a.yaml:2", "blocked", ">7<"} {
		assert.Contains(t, page, want)
	}
	status, page = w.get("/rules/rule/dear")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "payment.amount &gt; 100.0")
	status, _ = w.get("/rules/rule/cheap")
	assert.Equal(t, http.StatusNotFound, status)
	assert.NotContains(t, newWorld(t).signIn("eve", "operator"), `href="/rules"`)
}

// What is tried is shown with its explanation, and a refusal beside what was written.
func TestRulesTry(t *testing.T) {
	w := rulesWorld(t)
	trial := ruleset.Trial{
		Decision: fraud.Decision{Outcome: fraud.Review, Score: 40, Ruleset: inUse.Deciding.Ruleset},
		Explanation: &fraud.Explanation{
			Rules: []fraud.RuleResult{{ID: "dear", Outcome: fraud.RuleHit, Score: 40}}, Features: map[string]float64{`card.count("1h")`: 5, `card.mean("1h")`: 12.785689655172416, `ip.mean("1h")`: 11.086666666666666},
		},
		RuleNames: map[string]string{"dear": "It is dear"}, Saw: map[string][]ruleset.Seen{"dear": {{Name: "payment.amount", Value: "123.45"}, {Name: `card.mean("1h")`, Value: "12.785689655172416"}}},
	}
	w.api.say("GET /rules/try/7", 200, trial)
	_, page := w.get("/rules/try?transaction=7")
	assert.Contains(t, page, "review, with a score of 40")
	assert.Contains(t, page, "It is dear")
	assert.Contains(t, page, "Payment amount: <strong>123.45</strong>")
	assert.Contains(t, page, `<td class="number">5</td>`)
	assert.Contains(t, page, "<strong>12.7857</strong>")
	assert.Contains(t, page, `<td class="number">11.0867</td>`)

	w.api.say("POST /rules/try", 422, map[string]any{"status": 422, "detail": "cannot be accepted", "errors": []any{map[string]any{"pointer": "#/order/id", "detail": "must be there"}}})
	_, page = w.post("/rules/try", url.Values{"body": {`{"order": {}}`}, "history": {"on"}})
	assert.Contains(t, page, "must be there")
	assert.Contains(t, page, "{&#34;order&#34;: {}}</textarea>")
	assert.Equal(t, "history=true", w.api.last().query)
	_, page = w.post("/rules/try", url.Values{"body": {`no JSON`}})
	assert.Contains(t, page, "no JSON</textarea>")
	w.api.say("POST /rules/try", 200, trial)
	_, page = w.post("/rules/try", url.Values{"body": {`{}`}, "merchant": {"acme"}})
	assert.Contains(t, page, "review, with a score of 40")
	assert.Equal(t, "history=false&merchant=acme", w.api.last().query)
}

// Faults stand with their files, at their lines.
func TestWorkbench(t *testing.T) {
	w := rulesWorld(t)
	w.api.say("GET /rules/files", 200, map[string]any{"files": ruleset.Files{"ruleset.yaml": "id: mine\n", "rules/a.yaml": "rules:\n- id: dear\n"}})
	_, page := w.get("/rules/workbench")
	assert.Less(t, strings.Index(page, "file:ruleset.yaml"), strings.Index(page, "file:rules/a.yaml"))
	assert.Contains(t, page, "rules:\n- id: dear\n</textarea>")

	w.api.say("POST /rules/check", 200, ruleset.Findings{Faults: []ruleset.Fault{{File: "rules/a.yaml", Line: 2, Column: 3, Text: "must be right"}, {File: "none.yaml", Text: "must be there"}}})
	form := url.Values{"file:ruleset.yaml": {"id: mine\r\n"}, "file:rules/a.yaml": {"rules:\r\n- id: deer"}, "file:rules/b.yaml": {" "}, "add": {"rules/c.yaml"}, "days": {"30"}}
	form.Set("began", inUse.Deciding.Digest)
	_, page = w.post("/rules/workbench", form)
	assert.JSONEq(t, `{"files": {"ruleset.yaml": "id: mine\n", "rules/a.yaml": "rules:\n- id: deer\n"}}`, w.api.last().body)
	assert.Contains(t, page, "There are 2 faults")
	assert.Contains(t, page, `data-line="2">Line 2</a>: must be right<br><code>- id: deer</code>`)
	assert.Contains(t, page, `data-faults="2"`)
	assert.Contains(t, page, "none.yaml: must be there")
	assert.Contains(t, page, `name="file:rules/c.yaml"`)
	assert.Contains(t, page, `name="days" type="number" min="1" max="90" value="30"`)

	w.api.say("POST /rules/check", 200, ruleset.Findings{Ruleset: &inUse.Deciding.Ruleset, Cases: 4, Failed: []ruleset.FailedCase{{Case: "one", File: "rules/a.yaml", Line: 1, Wrong: []string{"it must hit"}}}})
	_, page = w.post("/rules/workbench", form)
	assert.Contains(t, page, "1 of 4 cases fail")
	assert.Contains(t, page, "the case “one” fails: it must hit")

	// What was changed is there when the browser comes back to it, on a page that no form has to be sent for.
	_, page = w.get("/rules/workbench")
	assert.Contains(t, page, "- id: deer\n</textarea>")
	assert.NotContains(t, page, "Another ruleset decides")
	form.Del("file:rules/a.yaml")
	form.Set("began", "sha256:4567")
	_, page = w.post("/rules/workbench", form)
	assert.NotContains(t, page, "file:rules/a.yaml", "it was emptied")
	assert.Contains(t, page, "Another ruleset decides")
	_, page = w.get("/rules/workbench?anew=true")
	assert.Contains(t, page, "- id: dear\n</textarea>")

	w.api.say("POST /rules/versions", 422, map[string]any{"status": 422, "detail": "it has faults"})
	_, page = w.post("/rules/versions", form)
	assert.NotContains(t, page, "file:rules/a.yaml", "what was changed is lost")
	w.api.say("POST /rules/versions", 201, ruleset.Version{Number: 4})
	w.post("/rules/versions", form)
	_, page = w.get("/rules/workbench")
	assert.Contains(t, page, "- id: dear\n</textarea>", "it was proposed")
}

// A file that was not changed in the workbench stays as it is: an empty one, and one whose ends of lines browsers do not keep.
func TestWorkbenchKeepsFiles(t *testing.T) {
	w := rulesWorld(t)
	files := ruleset.Files{"ruleset.yaml": "id: mine\r\n", "rules/a.yaml": "rules: []", "rules/b.yaml": "# mac\r", "lists/a.txt": "", "lists/b.txt": " \n"}
	w.api.say("GET /rules/files", 200, map[string]any{"files": files})
	w.api.say("POST /rules/check", 200, ruleset.Findings{Ruleset: &inUse.Deciding.Ruleset})
	w.api.say("POST /rules/versions", 201, ruleset.Version{Number: 4})
	form := url.Values{
		"file:ruleset.yaml": {"id: mine\r\n"}, "file:rules/a.yaml": {"rules: []"}, "file:rules/b.yaml": {"# mac\r\n"},
		"file:lists/a.txt": {""}, "file:lists/b.txt": {" \r\n"}, "file:lists/c.txt": {""},
	}
	sent := func(what string) (files ruleset.Files) {
		t.Helper()
		var body struct{ Files ruleset.Files }
		all := w.api.sent(what)
		require.NoError(t, json.Unmarshal([]byte(all[len(all)-1]), &body))
		return body.Files
	}
	w.post("/rules/workbench", form)
	assert.Equal(t, files, sent("POST /rules/check"))
	_, patch := w.post("/rules/patch", form)
	assert.Empty(t, patch)
	form.Set("file:lists/a.txt", "c-1\r\n")
	w.post("/rules/workbench", form)
	assert.Equal(t, "c-1\n", sent("POST /rules/check")["lists/a.txt"])
	form.Set("file:ruleset.yaml", "")
	w.post("/rules/versions", form)
	assert.NotContains(t, sent("POST /rules/versions"), "ruleset.yaml", "it was emptied")
}

// The page of a version says whether it decides by its number: another release gives its files another digest.
func TestVersion(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		deciding     int64
		approvedAt   time.Time
		files        map[string]any
		shows, hides []string
	}{
		"it decides":    {4, at, map[string]any{"ruleset.yaml": "id: mine\n"}, []string{">decides</span>", "<p>Nothing.</p>"}, []string{"Propose it again", "/approve"}},
		"a later one":   {5, at, map[string]any{"ruleset.yaml": "id: other\n"}, []string{"Propose it again", "&#43;id: mine"}, []string{">decides</span>", "/approve"}},
		"not approved":  {3, time.Time{}, map[string]any{"ruleset.yaml": "id: other\n"}, []string{"/approve", "&#43;id: mine"}, []string{">decides</span>", "Propose it again"}},
		"files refused": {0, time.Time{}, nil, []string{"/approve", "It is not known now: other files."}, []string{"<p>Nothing.</p>"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := rulesWorld(t)
			code, files := said(http.StatusConflict, "other files")
			if c.files != nil {
				code, files = http.StatusOK, map[string]any{"files": c.files}
			}
			w.api.say("GET /rules/files", code, files)
			w.api.say("GET /rules/versions", 200, map[string]any{"versions": []any{}, "deciding": c.deciding})
			w.api.say("GET /rules/versions/4", 200, ruleset.Version{Number: 4, Digest: "sha256:4567", At: at, ApprovedAt: c.approvedAt, Files: ruleset.Files{"ruleset.yaml": "id: mine\n"}})
			_, page := w.get("/rules/versions/4")
			for _, want := range c.shows {
				assert.Contains(t, page, want)
			}
			for _, not := range c.hides {
				assert.NotContains(t, page, not)
			}
		})
	}
}

// The page of versions says so if the ruleset has none, and has the links of the other pages.
func TestNoVersions(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	code, detail := said(http.StatusConflict, "the ruleset is a folder of files here")
	w.api.say("GET /rules/versions", code, detail)
	status, page := w.get("/rules/versions")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "There are none: the ruleset is a folder of files here.")
	assert.Contains(t, page, `href="/rules/workbench"`)
	assert.NotContains(t, page, "<table>")
}

// A patch makes of the ruleset's files what is in the workbench.
func TestPatch(t *testing.T) {
	numbers := strings.Split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ", " ")
	many := strings.Join(numbers, "\n")
	for name, c := range map[string]struct{ was, is string }{
		"nothing":            {many, many},
		"first line":         {many, "0\n" + many},
		"last line":          {many, many + "21\n"},
		"two places":         {many, strings.Replace(strings.Replace(many, "3\n", "three\n", 1), "17\n", "", 1)},
		"two near places":    {many, strings.Replace(strings.Replace(many, "\n8\n", "\n", 1), "12\n", "12\nx\n", 1)},
		"no newline at last": {strings.TrimSuffix(many, "\n") + "end", many},
		"everything":         {many, "a\nb\n"},
		"a new file":         {"", many},
		"a file less":        {many, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, folder := rulesWorld(t), t.TempDir()
			before := ruleset.Files{"ruleset.yaml": "id: mine\n"}
			if c.was != "" {
				before["rules/a.yaml"] = c.was
				require.NoError(t, os.Mkdir(filepath.Join(folder, "rules"), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(folder, "rules/a.yaml"), []byte(c.was), 0o600))
			}
			w.api.say("GET /rules/files", 200, map[string]any{"files": before})
			status, patch := w.post("/rules/patch", url.Values{"file:ruleset.yaml": {"id: mine\n"}, "file:rules/a.yaml": {c.is}})
			require.Equal(t, http.StatusOK, status)
			if c.was == c.is {
				assert.Empty(t, patch)
				return
			}
			apply := exec.CommandContext(t.Context(), "git", "apply", "-")
			apply.Dir, apply.Stdin = folder, strings.NewReader(patch)
			said, err := apply.CombinedOutput()
			require.NoError(t, err, "%s\n%s", said, patch)
			got, err := os.ReadFile(filepath.Join(folder, "rules/a.yaml"))
			if c.is == "" {
				require.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.is, string(got))
		})
	}
}

// A backtest begins from the workbench, which stays as it is if that is refused; its page shows how far it is, and then its report.
func TestBacktest(t *testing.T) {
	w := rulesWorld(t)
	form := url.Values{"file:ruleset.yaml": {"id: other\n"}, "days": {"3"}, "began": {"sha256:0123"}}
	w.api.say("GET /rules/files", 200, map[string]any{"files": ruleset.Files{"ruleset.yaml": "id: mine\n"}})
	w.api.say("POST /rules/backtests", 422, map[string]any{"status": 422, "detail": "the ruleset has faults"})
	w.api.say("POST /rules/check", 200, ruleset.Findings{Ruleset: &inUse.Deciding.Ruleset})
	_, page := w.post("/rules/backtests", form)
	assert.JSONEq(t, `{"days": 3, "files": {"ruleset.yaml": "id: other\n"}}`, w.api.sent("POST /rules/backtests")[0])
	assert.Contains(t, page, "the ruleset has faults")
	assert.Contains(t, page, "id: other\n</textarea>")

	until := time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)
	b := ruleset.Backtest{
		ID: "7", State: ruleset.Running, Candidate: inUse.Deciding.Ruleset, Since: until.AddDate(0, 0, -4), Until: until,
		Progress: ruleset.Progress{Read: 12, ReadTo: until.AddDate(0, 0, -1)},
	}
	w.api.say("POST /rules/backtests", 202, b)
	w.api.say("GET /rules/backtests/7", 200, b)
	_, page = w.post("/rules/backtests", form)
	assert.Contains(t, page, "It goes on: 12 transactions read")
	assert.Contains(t, page, `<progress max="100" value="25"`)
	_, page = w.get("/rules/workbench")
	assert.Contains(t, page, `<a href="/rules/backtests/7">Your last backtest</a>`)
	code, detail := said(http.StatusNotFound, "no such backtest")
	w.api.say("GET /rules/backtests/7", code, detail)
	_, page = w.get("/rules/workbench")
	assert.NotContains(t, page, "Your last backtest", "its time is over")
	b.State, b.Why = ruleset.Failed, "the ledger is away"
	w.api.say("GET /rules/backtests/7", 200, b)
	_, page = w.get("/rules/backtests/7")
	assert.Contains(t, page, "It was not done: the ledger is away.")
	b.State, b.Report = ruleset.Done, []byte(`{"decisions": 5, "outcomes": [{"before": "approve", "after": "review", "decisions": 2, "amounts": {"INR": 246.00}}],
		"rules": [{"id": "dear", "hits": 4, "decisive": 0, "score": 40}], "changed": {"decisions": 2, "latest": [{"transactionID": "0199", "amount": 123.00,
		"currency": "INR", "before": {"outcome": "approve", "score": 0}, "after": {"outcome": "review", "score": 40, "reasons": ["DEAR"]}}]}}`)
	w.api.say("GET /rules/backtests/7", 200, b)
	_, page = w.get("/rules/backtests/7")
	for _, want := range []string{"246.00 INR", `href="/transactions/0199"`, "review, 40", "<code>DEAR</code>", "123.00 INR", `<td class="number">0</td>`} {
		assert.Contains(t, page, want)
	}
}

// What rules did stands beside them, and on a rule's page by day. If it cannot be read, the rules are shown without it.
func TestRuleFigures(t *testing.T) {
	w := rulesWorld(t)
	used := inUse
	used.Shadow = &ruleset.Description{Ruleset: fraud.Ruleset{ID: "other"}, Rules: []ruleset.Rule{{ID: "cheap", Score: 1}}}
	w.api.say("GET /rules", 200, used)
	did := map[string]any{
		"hits": 1234, "alone": 617, "failed": 5, "disagreed": 7, "labelled": 8, "fraudulent": 2, "precision": 0.25, "reviewed": 3, "declined": 1, "declinedShare": 1. / 3,
		"stopped": map[string]any{"EUR": map[string]any{"count": 4, "amount": 99.5}, "JPY": map[string]any{"count": 1, "amount": 7}},
	}
	row := func(name, of string) map[string]any {
		row := maps.Clone(did)
		row[name] = of
		return row
	}
	w.api.say("GET /rules/figures", 200, map[string]any{
		"from": "2026-01-01", "to": "2026-01-30", "rules": []any{row("rule", "dear")}, "unknown": []string{"2026-01-03"},
		"compared": []any{map[string]any{"day": "2026-01-04", "compared": 90, "disagreed": 11}},
	})
	_, page := w.get("/rules")
	assert.Equal(t, "ruleset=shadow", w.api.last().query)
	for _, part := range []string{
		`<td class="number">1234</td><td class="number nowrap">25.0% of 8</td>`, `href="/rules/rule/cheap?shadow=1"`, `<td class="number">0</td><td class="number nowrap">–</td>`,
		`<a href="/transactions?disagrees=rules&amp;since=2026-01-04T00%3A00%3A00Z&amp;until=2026-01-05T00%3A00%3A00Z">11</a>`, `disagrees=ruleset&amp;since`,
		"from 2026-01-01 to 2026-01-30", "Not everything is known of 2026-01-03",
	} {
		assert.Contains(t, page, part)
	}

	quiet := map[string]any{"day": "2026-01-05", "hits": 0, "stopped": map[string]any{}}
	w.api.say("GET /rules/figures", 200, map[string]any{
		"from": "2026-01-04", "to": "2026-01-05", "rules": []any{row("rule", "dear"), row("rule", "cheap")}, "days": []any{row("day", "2026-01-04"), quiet},
		"beside": []any{map[string]any{"rule": "night", "hits": 12, "share": 0.125}},
	})
	_, page = w.get("/rules/rule/dear?from=2026-01-04&to=")
	assert.Equal(t, "from=2026-01-04&rule=dear", w.api.last().query)
	for _, part := range []string{
		"<dt>Alone</dt><dd>–</dd>", "in the other ruleset", "33.3% of 3 that people decided", `<span class="nowrap">99.5 EUR</span> in 4 transactions`, "<dd>7: the outcome",
		`data-x="1767484800"`, `rule=dear&amp;since=2026-01-04T00%3A00%3A00Z`, `disagrees=rules&amp;rule=dear`,
		`<td class="number">99.5</td><td class="number">7</td>`, `<td class="number">0</td><td class="number">0</td></tr>`, `<code>night</code></th><td class="number">12</td><td class="number">12.5</td>`,
		`data-series="stop">EUR`, `data-series="link">JPY`,
	} {
		assert.Contains(t, page, part)
	}
	_, page = w.get("/rules/rule/cheap?shadow=1&from=2026-01-04")
	assert.Equal(t, "from=2026-01-04&rule=cheap&ruleset=shadow", w.api.last().query)
	assert.Contains(t, page, `name="shadow" value="1"`)
	assert.Contains(t, page, "50.0% of 1234: the transaction was declined or reviewed, and no other live rule spoke against it")

	w.api.say("GET /rules/figures", 422, map[string]any{"status": 422, "detail": "not so", "errors": []any{map[string]any{"parameter": "to", "detail": "must not be earlier"}}})
	status, page := w.get("/rules/rule/dear?to=2025-01-01")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "not so; to must not be earlier")
	assert.Contains(t, page, "payment.amount &gt; 100.0")
	status, page = w.get("/rules")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "What the rules did is not shown: not so")
	assert.Contains(t, page, "It is &lt;dear&gt;")
}
