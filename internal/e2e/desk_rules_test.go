package e2e_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ruleset"
)

// An analyst tries a transaction, breaks a rule and sees the fault at its line, mends it, runs the cases, sees what the change would
// have done, and proposes it; another one approves it, and it decides. What rules did stands beside them, and leads to transactions.
func deskRules(t *testing.T, w *deskWorld) {
	b := w.signIn(t, "ada", "/rules", "analyst")
	b.shows("default, version 2") // the desk has just begun to read what was published
	b.open("/rules/try")
	b.click(`form[method=post][action="/rules/try"] button`)
	assert.Contains(t, b.text(), "with a score of")
	b.looksRight()

	b.open("/rules/workbench")
	const check = `form[action="/rules/workbench"] button:not([formaction])`
	edit := func(file, was, is string) {
		b.run(fmt.Sprintf(`{const area = document.querySelector('[name="file:%s"]'); area.closest("details").open = true; area.value = area.value.replace(%q, %q)}`, file, was, is))
	}
	edit("rules/amounts.yaml", "payment.amount > order.cost", "payment.amonut > order.cost")
	b.click(check)
	assert.Contains(t, b.text(), `did you mean "amount"?`)
	numbers, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(`.lines b`)))
	require.NoError(t, err)
	assert.Equal(t, "5", strings.TrimSpace(numbers))
	beside, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("details[open] .lines").offsetHeight === document.querySelector("details[open] textarea").offsetHeight`))
	require.NoError(t, err)
	assert.True(t, beside, "the numbers of all lines that show are beside them")
	b.looksRight()
	edit("rules/amounts.yaml", "payment.amonut > order.cost", "payment.amount > order.cost")
	edit("ruleset.yaml", "version: 2", "version: 3")
	b.click(check)
	assert.Contains(t, b.text(), "No faults, and all")
	b.click(`button[formaction="/rules/backtests"]`)
	b.shows("What would change")
	w.keeps(t, path.Base(b.path()))
	b.do(chromedp.NavigateBack()) // which does not ask to send the form again
	assert.Equal(t, "/rules/workbench", b.path())
	assert.Contains(t, b.text(), "No faults, and all")
	files, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('[name="file:ruleset.yaml"]').value`))
	require.NoError(t, err)
	assert.Contains(t, files, "version: 3")
	b.click(`button[formaction="/rules/versions"]`)
	page := b.path()
	assert.Equal(t, "/rules/versions/1", page)
	assert.Contains(t, b.text(), "+version: 3")
	b.click(`form[action$="/approve"] button`)
	assert.Contains(t, b.text(), "another person has to approve it")

	other := w.signIn(t, "bob", page, "analyst")
	other.click(`form[action$="/approve"] button`)
	assert.Contains(t, other.text(), "Approved: it decides within five seconds.")
	b.open("/rules")
	b.shows("default, version 3")
	eventually(t, func() error {
		if got := w.post(body(small, withCheckDigit("400007400000003")), "Prefer", "wait=60"); !strings.Contains(string(got.body), `"version":3`) {
			return fmt.Errorf("the old ruleset decides: %s", got.body)
		}
		return nil
	})
	out, _ := w.command("audit", "list", "--subject", "bob@localhost", "--action", "approveRules", "--json")
	assert.Contains(t, out, "ruleset, number 1")
	deskRuleFigures(t, w, b)

	b.do(chromedp.EmulateViewport(390, 844))
	for _, page := range []string{"/rules", "/rules/rule/amount_above_order", "/rules/try", "/rules/workbench", "/rules/versions", page} {
		b.open(page)
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		require.NoError(t, err)
		assert.LessOrEqual(t, wide, 390, page)
	}
}

// keeps waits until the ledger's database has the end of a backtest, which other desks show then.
func (w *deskWorld) keeps(t *testing.T, backtest string) {
	t.Helper()
	store := w.store()
	eventually(t, func() error {
		kept, err := store.KeptBacktest(t.Context(), backtest)
		if err == nil && kept.State != ruleset.Done {
			err = fmt.Errorf("it is kept as %s", kept.State)
		}
		return err
	})
}

// deskRuleFigures looks at what a rule and the rules in shadow did about a month of made-up transactions.
func deskRuleFigures(t *testing.T, w *deskWorld, b *tab) {
	w.demo(t)
	b.open("/rules/rule/countries_differ")
	assert.Equal(t, 3, b.count(".chart canvas"))
	assert.Equal(t, 3*30, b.count("table[data-chart] tbody tr"))
	for _, part := range []string{"people decided", "EUR in ", "card_frauds"} {
		assert.Contains(t, b.text(), part)
	}
	out, _ := w.command("audit", "list", "--subject", "ada@localhost", "--action", "getRuleFigures", "--json")
	assert.Contains(t, out, "figures of rules from")
	assert.Contains(t, out, "countries_differ")

	b.open("/rules")
	assert.Equal(t, 1, b.count(".chart canvas"))
	b.click(`a[href*="disagrees=rules"]`)
	assert.Contains(t, b.path(), "/transactions")
	assert.Positive(t, b.count(`tbody a[href^="/transactions/"]`))
	b.click(`tbody a[href^="/transactions/"]`)
	assert.Contains(t, b.text(), "first_purchase_at_night")
}
