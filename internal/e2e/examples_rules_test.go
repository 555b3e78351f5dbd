package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"
)

// smallRuleset is short enough for an example.
var smallRuleset = map[string]string{
	"ruleset.yaml": "id: small\nversion: 1\nthresholds: {review: 40, decline: 80}\nlists:\n" +
		"  blocked_customers: {file: lists/blocked_customers.txt, of: customer.id, effect: block}\n" +
		"  blocked_ips: {from: database, of: ip.address, effect: block}\n",
	"lists/blocked_customers.txt": "c-666\n",
	"rules/amounts.yaml": `rules:
  - id: amount_above_order
    name: More is paid than the order costs
    when: payment.currency == order.currency && payment.amount > order.cost
    score: 40
    reason: AMOUNT_ABOVE_ORDER
    message: more is paid than the order costs
    cases:
      - name: a paisa more
        given: {order: {cost: "500.00", currency: INR}, payment: {amount: "500.01", currency: INR}}
        hits: true
  - id: card_used_often
    name: The card was used often within an hour
    when: card.count("1h") >= 5
    score: 40
    reason: CARD_USED_OFTEN
    message: the card was used often
    cases:
      - {name: a sixth time, given: {seen: {'card.count("1h")': 5}}, hits: true}
`,
}

// ofRules asks an API with a small ruleset of its own.
func (e examples) ofRules(id string) {
	w, folder := e.world, e.t.TempDir()
	for name, text := range smallRuleset {
		require.NoError(e.t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755))
		require.NoError(e.t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	env, api := maps.Clone(w.env), w.api
	w.env["HTTP_ADDRESS"] = freeAddress(e.t)
	w.api = "http://" + w.env["HTTP_ADDRESS"]
	p := w.startAs(apiProcess, "the api with a small ruleset", map[string]string{"FRAUD_RULESET": folder, "RULES_FROM": "database", "RULES_FOUR_EYES": "false"})
	require.NoError(e.t, p.WaitHealthy(e.t.Context(), w.api+"/readyz"))
	const entries = "/rules/lists/blocked_ips/entries"
	eventually(e.t, func() error { // until the entries of lists are known
		if got := w.get("/rules"); got.status != http.StatusOK {
			return fmt.Errorf("no rules: %d %s", got.status, got.body)
		}
		return nil
	})
	e.is("getRules.200", w.get("/rules"))
	e.is("getRulesFiles.200", w.get("/rules/files"))
	e.is("retryTransaction.200", w.get("/rules/try/"+id))
	e.is("tryTransaction.200", e.send("/rules/try?history=false", seedBody))
	e.is("checkRules.200", e.send("/rules/check", `{"files": {"ruleset.yaml": "id: small\nversion: 1\nthresholds: {review: 40, decline: 80}\n", `+
		`"rules/amounts.yaml": "rules:\n  - id: dear\n    name: It is dear\n    when: payment.amonut > 100.0\n    score: 40\n"}}`))
	added := e.is("addListEntry.201", e.send(entries, `{"value": "203.0.113.7", "reason": "card testing", "expires": "30d"}`))
	var entry struct{ Number int64 }
	require.NoError(e.t, json.Unmarshal(added.body, &entry))
	e.is("listEntries.200", w.get(entries))
	e.is("removeListEntry.200", e.sendBy(http.MethodDelete, fmt.Sprintf("%s/%d?reason=the+attack+is+over", entries, entry.Number), ""))
	files, err := json.Marshal(map[string]any{"days": 1, "files": smallRuleset})
	require.NoError(e.t, err)
	started := e.is("startBacktest.202", e.send("/rules/backtests", string(files)))
	var done reply
	eventually(e.t, func() error {
		if done = w.get(started.header.Get("Location")); bytes.Contains(done.body, []byte(`"running"`)) {
			return fmt.Errorf("not done: %s", done.body)
		}
		return nil
	})
	e.is("getBacktest.200", done)
	files, err = json.Marshal(map[string]any{"note": "the first of all", "files": smallRuleset})
	require.NoError(e.t, err)
	e.is("proposeRules.201", e.send("/rules/versions", string(files)))
	e.is("getRuleVersion.200", w.get("/rules/versions/1"))
	e.is("approveRules.200", e.send("/rules/versions/1/approve", ""))
	e.is("listRuleVersions.200", w.get("/rules/versions"))
	require.NoError(e.t, p.Stop(e.t.Context()))
	w.env, w.api = env, api
}
