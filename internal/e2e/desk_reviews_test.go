package e2e_test

import (
	"flag"
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

var reviewsInARow = flag.Int("reviews", 20, "how many reviews are decided one after the other on the desk")

// deskWithin is how long the desk may take for each of them.
const deskWithin = 2 * time.Second

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
	ada.shows("Payment currency: CHF") // which a rule that hit saw
	shown, err := chromedp.Run(ada.ctx, chromedp.Evaluate[int](`[...document.querySelectorAll("main [hidden]")].filter((e) => e.checkVisibility()).length`))
	require.NoError(t, err)
	assert.Zero(t, shown, "what is hidden does not show")
	bob.open("/reviews/" + first)
	assert.Contains(t, bob.text(), "ada@localhost has taken it until")
	assert.Zero(t, bob.count(`button[name=decision]`), "what another person has taken cannot be decided")
	bob.looksRight()
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
	ada.looksRight()
	again, stop := chromedp.NewContext(ada.ctx) // a tab of the same browser
	defer stop()
	(&tab{t: t, w: w, ctx: again}).signIn("ada", "/you", "reviewer")
	ada.click(`main form button`)
	assert.Contains(t, ada.text(), "Decided: the transaction was declined by ada@localhost")
	assert.Equal(t, "its sender is known", w.ends(third).Review.Note)
	t.Run("together", func(t *testing.T) { deskTogether(t, w.in(t)) })
	t.Run("worse", func(t *testing.T) { deskWorse(t, w.in(t)) })
	t.Run("second person", func(t *testing.T) { deskSecondPerson(t, w.in(t)) })
	t.Run("held key", func(t *testing.T) { deskHeldKey(t, w.in(t)) })
	t.Run("assigned", func(t *testing.T) { deskAssigned(t, w.in(t)) })
	t.Run("in a row", func(t *testing.T) { deskReviewsInARow(t, w.in(t)) })
}

// What one card has in review is declined at once, but for what is left unmarked.
func deskTogether(t *testing.T, w *deskWorld) {
	card := withCheckDigit("400007588800001")
	var ids []string
	for n := range 3 {
		ids = append(ids, w.heldFor(t, "DKK", n, "13.00", card))
	}
	b := w.signIn(t, "ada", "/reviews?currency=DKK", "reviewer")
	b.shows(orderInReview("DKK", 2))
	b.press("n")
	b.shows("2 other transactions of this card, 2 of them in review")
	b.click(`a[href$="/card?currency=DKK"]`)
	assert.Equal(t, 3, b.count(`input[name=id]:checked`))
	b.looksRight()
	b.do(chromedp.Click(chromedp.CSS("#t-"+ids[2])), chromedp.SetValue(chromedp.CSS(`#note`), "stolen"))
	b.click(`main form button.stop`)
	assert.Contains(t, b.text(), "Declined: 2 of 2.")
	assert.Equal(t, ids[2], b.reviewID(), "what was not marked is next")
	for _, id := range ids[:2] {
		r := w.ends(id)
		assert.Equal(t, transaction.AlertDone, r.TransactionStatus.Code)
		assert.Equal(t, "stolen", r.Review.Note)
		w.audited(t, "reviewTransaction", id, "decline, by ada@localhost: stolen")
	}
	b.press("d")
	w.ends(ids[2])
}

// If the fraud check has got worse, an approval says so, and has to be given once more.
func deskWorse(t *testing.T, w *deskWorld) {
	card := withCheckDigit("400007588800002")
	paid := w.post(body(small, card), "Prefer", "wait=60").answer(t).TransactionID
	w.ends(paid)
	id := w.heldFor(t, "CZK", 0, "13.00", card)
	b := w.signIn(t, "ada", "/reviews?currency=CZK", "reviewer")
	b.shows(orderInReview("CZK", 0))
	b.press("n")
	got, err := w.sendTo("/transactions/"+paid+"/labels", `{"label": "fraudulent", "source": "dispute"}`)
	require.NoError(t, err)
	require.Equal(t, 201, got.status, "%s", got.body)
	b.write("the sender is known")
	b.press("a")
	assert.Equal(t, id, b.reviewID())
	assert.Contains(t, b.text(), "The fraud check has got worse")
	assert.Equal(t, transaction.InReview, w.read(id).TransactionStatus.Code, "nothing is decided")
	assert.Zero(t, b.count(`[data-key=a]`), "a second a approves nothing")
	b.looksRight()
	b.press("c")
	assert.Contains(t, b.text(), "Decided: the transaction was approved by ada@localhost")
	r := w.ends(id)
	assert.Equal(t, transaction.PaymentComplete, r.TransactionStatus.Code)
	assert.True(t, r.Review.Confirmed)
	assert.Equal(t, "the sender is known", r.Review.Note)
}

// A second person has to agree to an approval of a high amount. The first one cannot.
func deskSecondPerson(t *testing.T, w *deskWorld) {
	id := w.inReview(t, "NOK", 0)
	const queue = "/reviews?currency=NOK"
	ada, bob := w.signIn(t, "ada", queue, "reviewer"), w.signIn(t, "bob", queue, "reviewer")
	ada.shows(orderInReview("NOK", 0))
	ada.press("n")
	assert.Contains(t, ada.text(), "An approval needs a second person.")
	ada.press("a")
	assert.Contains(t, ada.text(), "to which a second person has to agree")
	assert.Contains(t, ada.text(), "Nothing is left here that you could take.")
	ada.open("/reviews/" + id)
	assert.Contains(t, ada.text(), "Another person has to agree.")
	assert.Zero(t, ada.count(`button[name=decision]`))
	bob.shows("a second person has to agree")
	bob.press("n")
	assert.Contains(t, bob.text(), "ada@localhost has approved it")
	bob.press("a")
	assert.Contains(t, bob.text(), "Decided: the transaction was approved by ada@localhost")
	r := w.ends(id)
	assert.Equal(t, transaction.PaymentComplete, r.TransactionStatus.Code)
	assert.Equal(t, []string{"ada@localhost", "bob@localhost"}, []string{r.Review.First.Reviewer, r.Review.Reviewer})
}

// A key that is held takes no review and decides none: only its first press counts.
func deskHeldKey(t *testing.T, w *deskWorld) {
	for n := range 2 {
		w.inReview(t, "PLN", n)
	}
	b := w.signIn(t, "ada", "/reviews?currency=PLN", "reviewer")
	b.shows(orderInReview("PLN", 1))
	held := func(k *input.DispatchKeyEventParams) { k.AutoRepeat = new(true) }
	b.do(chromedp.KeyEvent("n", held))
	b.press("n")
	first := b.reviewID()
	b.press("a")
	second := b.reviewID()
	b.do(chromedp.KeyEvent("a", held), chromedp.KeyEvent("a", held))
	b.press("d")
	assert.Contains(t, b.text(), "Decided: the transaction was declined by ada@localhost")
	assert.Equal(t, transaction.PaymentComplete, w.ends(first).TransactionStatus.Code)
	assert.Equal(t, transaction.AlertDone, w.ends(second).TransactionStatus.Code, "the key that approved the first was held")
}

// A reviewer gets first what REVIEW_ASSIGN assigns, also if another review has the next deadline.
func deskAssigned(t *testing.T, w *deskWorld) {
	w.inReview(t, "MXN", 0)
	w.heldFor(t, "MXN", 1, "25.00", withCheckDigit("400007588800003"))
	const queue = "/reviews?currency=MXN"
	bob := w.signIn(t, "bob", queue, "reviewer")
	bob.shows(orderInReview("MXN", 1))
	assert.Contains(t, bob.text(), "first for bob@localhost")
	bob.press("n")
	assert.Contains(t, bob.text(), "Review of order "+orderInReview("MXN", 1))
	bob.press("d")
	assert.Contains(t, bob.text(), "Review of order "+orderInReview("MXN", 0))
	bob.press("d")
}

// Many reviews follow each other within the time that the desk has for each: from the key to the last byte of the next page.
func deskReviewsInARow(t *testing.T, w *deskWorld) {
	for n := range *reviewsInARow {
		w.inReview(t, "SEK", n)
	}
	b := w.signIn(t, "ada", "/reviews?currency=SEK", "reviewer")
	b.shows("SEK-")
	b.press("n")
	var total, longest time.Duration
	for n := range *reviewsInARow {
		b.press([]string{"a", "d"}[n%2])
		b.follows("Decided: the transaction was")
		took, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`performance.getEntriesByType("navigation")[0].responseEnd`))
		require.NoError(t, err)
		answered := time.Duration(took * float64(time.Millisecond))
		assert.Less(t, answered, deskWithin, "decision %d", n+1)
		total, longest = total+answered, max(longest, answered)
	}
	assert.Contains(t, b.text(), "Nothing is left here that you could take.")
	t.Logf("%d reviews: the desk took %s for each on average, and %s at most", *reviewsInARow, total/time.Duration(*reviewsInARow), longest)
}

func orderInReview(currency string, n int) string { return fmt.Sprintf("%s-%d", currency, n) }

// inReview posts a transaction that needs a review, because its order is in another currency; each has a card of its own.
func (w *deskWorld) inReview(t *testing.T, currency string, n int) (id string) {
	t.Helper()
	return w.heldFor(t, currency, n, "13.00", withCheckDigit(fmt.Sprintf("4000075%03d%05d", int(currency[0]), n)))
}

func (w *deskWorld) heldFor(t *testing.T, currency string, n int, amount, card string) (id string) {
	t.Helper()
	got := w.post(fmt.Sprintf(`{"order": {"id": %q, "cost": 500.00, "currency": "INR"}, "paymentMethod": %q,
		"payment": {"card": %q, "type": "credit", "amount": %s, "currency": %q}}`, orderInReview(currency, n), paymentMethodName, card, amount, currency), "Prefer", "wait=60")
	answer := got.answer(t)
	require.Equal(t, transaction.InReview, answer.TransactionStatus.Code, "%s", got.body)
	return answer.TransactionID
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
	store := w.store()
	sessions := ledgerdb.Sessions{Ledger: store}
	open, err := sessions.Open(t.Context())
	require.NoError(t, err)
	for _, s := range open {
		require.NoError(t, sessions.End(t.Context(), s.ID))
	}
}
