package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/internal/ledgertest"
)

// A transaction is found by its card's last four digits, read, and labelled; the audit trail has the label. All of it can be read
// on a narrow screen and without scripts, and be had as a file.
func deskTransactions(t *testing.T, w *deskWorld) {
	card := withCheckDigit("400007400000001") // the tests share a stack, and the rules count how often a card is used
	id := w.post(body(small, card), "Prefer", "wait=60").answer(t).TransactionID
	w.ends(id)
	link := fmt.Sprintf(`a[href="/transactions/%s"]`, id)
	b := w.signIn(t, "ada", "/transactions", "admin")
	b.do(chromedp.SetValue(chromedp.CSS(`#cardLastFour`), card[12:]))
	b.click(`form[action="/transactions"] button`)
	b.click(link)
	assert.Contains(t, b.text(), "The money was taken.")
	assert.Contains(t, b.text(), "The fraud check decided: approve")
	b.do(chromedp.SetValue(chromedp.CSS(`#label`), "legitimate"), chromedp.SetValue(chromedp.CSS(`#note`), "the buyer called"))
	b.click(`form[action$="/labels"] button`)
	assert.Contains(t, b.text(), "The label is kept.")
	assert.Contains(t, b.text(), "the buyer called")
	b.shows("labelTransaction")
	out, _ := w.command("audit", "list", "--subject", "ada@localhost", "--action", "labelTransaction", "--json")
	assert.Contains(t, out, id)

	const capturesFail = "4000000009016678" // docs/payments.md
	b.open("/transactions/" + w.post(body(small, capturesFail), "Prefer", "respond-async").answer(t).TransactionID)
	b.shows("Taking the money has failed")
	assert.Contains(t, b.text(), "the last time because: ")

	b.open("/transactions/find?id=" + id)
	assert.Equal(t, "/transactions/"+id, b.path())
	b.open("/transactions?cardLastFour=" + card[12:])
	b.do(chromedp.SetValue(chromedp.CSS(`#search-name`), "the good card"))
	b.run(`document.querySelector("#searches form button").click()`)
	b.open("/transactions")
	b.click(`#searches li a`)
	assert.Equal(t, "/transactions?cardLastFour="+card[12:], b.path())

	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`fetch("/transactions.csv" + location.search).then((answer) => answer.text())`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Contains(t, text, id)
	assert.True(t, strings.HasPrefix(text, "time,id,merchant,order"), text)

	b.do(chromedp.EmulateViewport(390, 844))
	for _, page := range []string{"/transactions?cardLastFour=" + card[12:], "/transactions/" + id} {
		b.open(page)
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		require.NoError(t, err)
		assert.LessOrEqual(t, wide, 390, page)
	}

	_, err = chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	b.open("/transactions?cardLastFour=" + card[12:])
	b.click(link)
	assert.Contains(t, b.text(), "The money was taken.")
	assert.Contains(t, b.text(), "UTC")
}

// A search that has looked at enough offers to look further, also without scripts. Its file holds what later pages find.
func deskSearches(t *testing.T, w *deskWorld) {
	store := w.store()
	const many = 2001 // a page looks at 2000
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -200)
	var oldest string
	var savers errgroup.Group
	savers.SetLimit(32)
	for n := range many {
		at := day.Add(time.Duration(n) * time.Second)
		e := ledgertest.Ended(n, at)
		e.Record.StartTime = at
		switch n {
		case 0:
			oldest, e.Record.PaymentMethod = e.Record.TransactionID, "cheque"
		case many - 1:
			e.Record.PaymentMethod = "voucher"
		}
		savers.Go(func() error { return store.Save(t.Context(), e) })
	}
	require.NoError(t, savers.Wait())

	b := w.signIn(t, "ada", "/transactions", "analyst")
	search := fmt.Sprintf("?paymentMethod=cheque&since=%s&until=%s", day.Format(time.RFC3339), day.AddDate(0, 0, 1).Format(time.RFC3339))
	b.open("/transactions" + search)
	assert.Contains(t, b.text(), "nothing so far")
	b.press("n")
	assert.Contains(t, b.text(), "The newest")
	assert.Equal(t, 1, b.count(fmt.Sprintf(`a[href="/transactions/%s"]`, oldest)))
	assert.NotContains(t, b.text(), "Looked back")
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`fetch("/transactions.csv%s").then((answer) => answer.text())`, search), chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Contains(t, text, oldest)

	b.withoutScripts()
	b.open("/transactions" + search)
	b.click(`a[href*="cursor="]`)
	assert.Equal(t, 1, b.count(fmt.Sprintf(`a[href="/transactions/%s"]`, oldest)))

	found := strings.Replace(search, "cheque", "voucher", 1)
	b.open("/transactions" + found)
	assert.Contains(t, b.text(), "Looked back to")
	assert.NotContains(t, b.text(), "nothing so far")
	w.looksRight(t, "/transactions"+search, "/transactions"+found, "/transactions?ip=nowhere", "/nothing")
}
