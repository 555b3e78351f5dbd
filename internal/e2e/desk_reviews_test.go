package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
)

// reviewsInARow is how many reviews are decided one after the other. The desk has two seconds for each.
const (
	reviewsInARow = 20
	deskWithin    = 2 * time.Second
)

// Reviewers decide by keyboard only, and each decision brings the next review. They see what others have taken, and lose no note
// when a session ends; the audit trail has what they decided.
func deskReviews(t *testing.T, w *deskWorld) {
	for n := range 3 {
		w.inReview(t, "CHF", n)
	}
	const queue = "/reviews?currency=CHF"
	ada, bob := w.signIn(t, "ada", queue, "reviewer"), w.signIn(t, "bob", queue, "reviewer")
	for n := range 3 {
		ada.shows(orderInReview("CHF", n))
	}
	ada.press("n")
	first := ada.reviewID()
	assert.Contains(t, ada.text(), "There is no undo.")
	bob.open("/reviews/" + first)
	assert.Contains(t, bob.text(), "ada@localhost has taken it until")
	assert.Zero(t, bob.count(`button[name=decision]`), "what another person has taken cannot be decided")
	bob.open(queue)
	assert.Contains(t, bob.text(), "ada@localhost")
	bob.press("n")
	second := bob.reviewID()
	assert.NotEqual(t, first, second)

	ada.write("the buyer was called")
	ada.press("d")
	assert.Contains(t, ada.text(), "Decided: the transaction was declined by ada@localhost")
	third := ada.reviewID()
	assert.NotContains(t, []string{first, second}, third)
	w.audited(t, "reviewTransaction", first, "decline, by ada@localhost: the buyer was called")
	bob.press("a")
	assert.Contains(t, bob.text(), "Decided: the transaction was approved by bob@localhost")
	assert.Contains(t, bob.text(), "Nothing is left here that you could take.")
	assert.Equal(t, transaction.PaymentComplete, w.ends(second).TransactionStatus.Code)

	ada.write("its sender is known")
	w.endSessions(t)
	ada.press("d")
	assert.Contains(t, ada.text(), "Nothing was done.")
	assert.Contains(t, ada.text(), "Your note: its sender is known")
	again, stop := chromedp.NewContext(ada.ctx) // a tab of the same browser
	defer stop()
	(&tab{t: t, w: w, ctx: again}).signIn("ada", "/you", "reviewer")
	ada.click(`main form button`)
	assert.Contains(t, ada.text(), "Decided: the transaction was declined by ada@localhost")
	assert.Equal(t, "its sender is known", w.ends(third).Review.Note)
	t.Run("in a row", func(t *testing.T) { deskReviewsInARow(t, w.in(t)) })
}

// Many reviews follow each other within the time that the desk has for each: from the key to the last byte of the next page.
func deskReviewsInARow(t *testing.T, w *deskWorld) {
	for n := range reviewsInARow {
		w.inReview(t, "SEK", n)
	}
	b := w.signIn(t, "ada", "/reviews?currency=SEK", "reviewer")
	b.shows(orderInReview("SEK", reviewsInARow-1))
	b.press("n")
	var total, longest time.Duration
	for n := range reviewsInARow {
		b.press([]string{"a", "d"}[n%2])
		require.Contains(t, b.text(), "Decided: the transaction was")
		took, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`performance.getEntriesByType("navigation")[0].responseEnd`))
		require.NoError(t, err)
		answered := time.Duration(took * float64(time.Millisecond))
		assert.Less(t, answered, deskWithin, "decision %d", n+1)
		total, longest = total+answered, max(longest, answered)
	}
	assert.Contains(t, b.text(), "Nothing is left here that you could take.")
	t.Logf("%d reviews: the desk took %s for each on average, and %s at most", reviewsInARow, total/reviewsInARow, longest)
}

func orderInReview(currency string, n int) string { return fmt.Sprintf("%s-%d", currency, n) }

// inReview posts a transaction that needs a review, because its order is in another currency; each has a card of its own.
func (w *deskWorld) inReview(t *testing.T, currency string, n int) {
	t.Helper()
	card := withCheckDigit(fmt.Sprintf("4000075%03d%05d", int(currency[0]), n))
	got := w.post(fmt.Sprintf(`{"order": {"id": %q, "cost": 500.00, "currency": "INR"}, "paymentMethod": %q,
		"payment": {"card": %q, "type": "credit", "amount": 13.00, "currency": %q}}`, orderInReview(currency, n), paymentMethodName, card, currency), "Prefer", "wait=60")
	require.Equal(t, transaction.InReview, got.answer(t).TransactionStatus.Code, "%s", got.body)
}

// withCheckDigit returns a card number with its last digit, which Luhn's formula gives.
func withCheckDigit(digits string) string {
	sum := 0
	for i := range digits {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			digit = digit*2/10 + digit*2%10
		}
		sum += digit
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// reviewID returns the transaction whose review the tab shows.
func (b *tab) reviewID() string {
	b.t.Helper()
	id := partsOfPaths.FindString(b.path())
	require.Len(b.t, id, 36, "this is not the page of a review: %s", b.path())
	return id
}

// write writes a note by keyboard only, and leaves its field. The key that leads to the field is a raw one, as a keyboard's is:
// after another one Chromium would write it into the field, although the page has taken it.
func (b *tab) write(note string) {
	b.t.Helper()
	raw := func(k *input.DispatchKeyEventParams) {
		if k.Type == kb.KeyDown {
			k.Type = kb.KeyRawDown
		}
	}
	b.do(chromedp.KeyEvent("n", raw), chromedp.KeyEvent(note), chromedp.KeyEvent(kb.Tab))
}

// endSessions ends everyone's sessions.
func (w *deskWorld) endSessions(t *testing.T) {
	t.Helper()
	store, err := ledgerdb.Open(w.env["LEDGER_URL"])
	require.NoError(t, err)
	defer func() { assert.NoError(t, store.Close()) }()
	sessions := ledgerdb.Sessions{Ledger: store}
	all, err := sessions.AllCtx(t.Context())
	require.NoError(t, err)
	for token := range all {
		require.NoError(t, sessions.DeleteCtx(t.Context(), token))
	}
}
