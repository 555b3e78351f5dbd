package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An analyst puts the card of a transaction on the block list from the transaction's page, and it is declined from then on; she removes
// the entry, and it is not. The decision says by which entry, and both changes are in the audit trail.
func deskLists(t *testing.T, w *deskWorld) {
	card := withCheckDigit("424242000000077")
	paid := w.post(body(small, card), "Prefer", "wait=60").answer(t)
	require.Equal(t, 18, int(paid.TransactionStatus.Code), "%+v", paid)

	b := w.signIn(t, "ada", "/transactions/"+paid.TransactionID, "analyst")
	b.click(`a[href$="/lists"]`)
	b.do(chromedp.SetValue(chromedp.CSS(`#list`), "blocked_cards"), chromedp.SetValue(chromedp.CSS(`form[action$="/lists"] [name=reason]`), "a chargeback"))
	b.click(`form[action$="/lists"] button`)
	assert.Contains(t, b.text(), "On the list blocked_cards")
	eventually(t, func() error {
		if got := w.post(body(small, card), "Prefer", "wait=60"); !strings.Contains(string(got.body), "BLOCK_LIST") {
			return fmt.Errorf("the card is not declined: %s", got.body)
		}
		return nil
	})

	b.open("/rules")
	b.click(`a[href="/rules/lists/blocked_cards"]`)
	assert.Contains(t, b.text(), "a chargeback")
	assert.Contains(t, b.text(), "ada@localhost")
	b.do(chromedp.SetValue(chromedp.CSS(`#value`), card), chromedp.SetValue(chromedp.CSS(`#reason`), "a number"))
	b.click(`form.card button`)
	assert.Contains(t, b.text(), "must not hold a card number")
	b.open("/rules/lists/blocked_cards?search=charge")
	b.run(`document.querySelector("tbody details").open = true`)
	b.do(chromedp.SetValue(chromedp.CSS(`tbody [name=why]`), "won"))
	b.click(`tbody form button`)
	assert.Contains(t, b.text(), "Removed: it counts no longer")
	assert.Contains(t, b.text(), "No entry matches.")
	b.open("/rules/lists/blocked_cards?removed=true")
	assert.Contains(t, b.text(), "removed by ada@localhost")
	eventually(t, func() error {
		if got := w.post(body(small, card), "Prefer", "wait=60"); strings.Contains(string(got.body), "BLOCK_LIST") {
			return fmt.Errorf("the card is still declined: %s", got.body)
		}
		return nil
	})
	out, _ := w.command("audit", "list", "--subject", "ada@localhost", "--action", "removeListEntry", "--json")
	assert.Contains(t, out, "removed: won")

	b.do(chromedp.EmulateViewport(390, 844))
	b.open("/rules/lists/disposable_mail_domains")
	assert.Contains(t, b.text(), "lists/disposable_mail_domains.txt: it is changed there")
}
