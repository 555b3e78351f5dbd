package e2e_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/demo"
)

// follows waits until the page shows a text, without loading it again.
func (b *tab) follows(text string) {
	b.t.Helper()
	eventually(b.t, func() error {
		if shown := b.text(); !strings.Contains(shown, text) {
			return fmt.Errorf("%q is not on the page: %.2000s", text, shown)
		}
		return nil
	})
}

// withoutScripts has the tab run none.
func (b *tab) withoutScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(b.t, err)
}

// count returns how many elements of the page a selector finds.
func (b *tab) count(selector string) int {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
	require.NoError(b.t, err)
	return n
}

// draws reports whether the middle of the page's first chart has something in a colour of desk.css, which names it as #rrggbb.
func (b *tab) draws(colour string) bool {
	b.t.Helper()
	is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		const wanted = parseInt(getComputedStyle(document.documentElement).getPropertyValue(%q).trim().slice(1), 16);
		const canvas = document.querySelector(".chart canvas");
		const seen = canvas.getContext("2d").getImageData(canvas.width / 3, 0, canvas.width / 3, canvas.height).data;
		for (let i = 0; i < seen.length; i += 4) if ((seen[i] << 16 | seen[i + 1] << 8 | seen[i + 2]) === wanted && seen[i + 3] === 255) return true;
		return false;
	})()`, colour)))
	require.NoError(b.t, err)
	return is
}

// keepsWords keeps what charts write, for axis.
const keepsWords = `window.words = []; CanvasRenderingContext2D.prototype.fillText = (text) => { words.push(text); };`

// axis requires that the charts of the page have written numbers, and at least three places of a form at their axes, and nothing else.
func (b *tab) axis(form string) {
	b.t.Helper()
	place, number := regexp.MustCompile(`^`+form+`$`), regexp.MustCompile(`^[\d,.]*$`)
	eventually(b.t, func() error { // a chart is drawn after its page has loaded
		words, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`words`))
		places := slices.DeleteFunc(words, number.MatchString)
		if len(places) < 3 || slices.ContainsFunc(places, func(word string) bool { return !place.MatchString(word) }) {
			err = errors.Join(err, fmt.Errorf("the axes have %q", places))
		}
		return err
	})
}

// Now shows a new transaction within seconds, by itself. Without scripts it shows it when it is loaded.
func deskNow(t *testing.T, w *deskWorld) {
	b := w.signIn(t, "ada", "/you", "admin")
	b.before(keepsWords)
	b.open("/now")
	b.axis(`\d\d:\d\d`)
	b.follows("These numbers follow what happens.")
	b.run(`document.querySelector("#hour a").focus()`)
	before, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(`#hour a`)))
	require.NoError(t, err)
	w.ends(w.post(body(small, withCheckDigit("400007400000002")), "Prefer", "wait=60").answer(t).TransactionID)
	eventually(t, func() error {
		after, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(`#hour a`)))
		if err == nil && after == before {
			err = fmt.Errorf("there are still %s transactions", after)
		}
		return err
	})
	stays, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.activeElement.matches("#hour a")`))
	require.NoError(t, err)
	assert.True(t, stays, "the link keeps the focus")
	assert.Equal(t, 1, b.count(".chart canvas"))
	for _, part := range []string{"alertman: ok", "api: ok", "rabbitmq: ok"} {
		assert.Contains(t, b.text(), part)
	}
	assert.NotContains(t, b.text(), "gateways", "the desk does not know them")

	b.withoutScripts()
	b.open("/now")
	assert.Contains(t, b.text(), "Load this page again for newer ones.")
	assert.Contains(t, b.text(), "in the last hour")
	b.click(`#reviews a`)
	assert.Equal(t, "/reviews", b.path())
}

// demo fills the ledger with the second half of a made-up month, and counts its days.
func (w *deskWorld) demo(t *testing.T) {
	t.Helper()
	store := w.store()
	month := demo.Month(1, time.Now().Add(-10*time.Minute))
	require.NoError(t, demo.Fill(t.Context(), store, month[len(month)/2:], func(int) {}))
	require.NoError(t, store.CountDays(t.Context(), time.Now().Add(time.Minute))) // as the worker does
}

// Reports show a month of made-up transactions, as charts and without scripts.
func deskReports(t *testing.T, w *deskWorld) {
	w.demo(t)
	b := w.signIn(t, "bob", "/reports?by=week", "analyst")
	for _, part := range []string{"EUR, ", "USD, ", "Transactions by week", "card_velocity", "insufficient funds", "turned out to be frauds", "Visa VAMP", "Mastercard HECM", "basis points are"} {
		assert.Contains(t, b.text(), part)
	}
	b.open("/reports?currency=EUR")
	assert.Equal(t, 2, b.count(".chart canvas"))
	assert.NotContains(t, b.text(), "USD, ")
	shown := b.count("table[data-chart] tbody tr")
	assert.Greater(t, shown, 20)
	out, _ := w.command("audit", "list", "--subject", "bob@localhost", "--action", "getReports", "--json")
	assert.Contains(t, out, "by week")
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	b.open("/reports?currency=EUR&from=" + yesterday + "&to=" + yesterday)
	assert.True(t, b.draws("--good"), "one day is drawn as a point in the middle")
	b.before(keepsWords)
	b.open("/reports?currency=EUR")
	b.axis(`20\d\d-\d\d-\d\d`)

	b.withoutScripts()
	b.open("/reports?currency=EUR")
	assert.Contains(t, b.text(), "Transactions by day")
	assert.Contains(t, b.text(), "Basis points by amount")
}
