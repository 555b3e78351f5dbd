package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/ledgertest"
)

// inReview returns the n-th transaction, which is in review for two hours more.
func (w *world) inReview(n int) ledger.Record {
	r := ledgertest.Accepted(n).Record
	r.Order.ID = "order " + string(rune('a'+n))
	r.Decide(fraud.Decision{Outcome: fraud.Review, Score: 40 + n, Reasons: []fraud.Reason{{Code: "CARD_VELOCITY", Message: "the card is used often"}}})
	r.Review = &review.Review{RequestedAt: w.clock.now(), Deadline: w.clock.now().Add(2*time.Hour + time.Second), OnExpiry: review.Decline}
	r.Move(transaction.InReview, w.clock.now())
	return r
}

// waits has the API show reviews, and returns their rows of the queue.
func (w *world) waits(taken string, all ...ledger.Record) []any {
	rows := []any{}
	for _, r := range all {
		row := map[string]any{"transaction": r, "queue": "seniors"}
		if taken != "" {
			row["assignment"] = ledger.Assignment{Person: taken, Until: w.clock.now().Add(15 * time.Minute)}
		}
		w.api.say("GET /reviews/"+r.TransactionID, http.StatusOK, row)
		w.api.say("PUT /transactions/"+r.TransactionID+"/assignment", http.StatusOK, row["assignment"])
		rows = append(rows, row)
	}
	w.api.say("GET /reviews", http.StatusOK, map[string]any{"reviews": rows})
	w.api.say("GET /transactions", http.StatusOK, map[string]any{"transactions": all})
	return rows
}

// sent returns the bodies of the requests to the API such as "POST /transactions/ID/review".
func (a *fakeAPI) sent(what string) (bodies []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range a.asked {
		if q.what == what {
			bodies = append(bodies, strings.TrimSpace(q.body))
		}
	}
	return bodies
}

func said(status int, detail string) (int, map[string]any) {
	return status, map[string]any{"status": status, "detail": detail}
}

// The queue says how long each review has, what it is about, and who has it; its order and filter stay in all links.
func TestReviews(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	soon, second := w.inReview(1), w.inReview(2)
	soon.Review.Deadline = w.clock.now().Add(20*time.Minute + time.Second)
	second.Review.NeedsSecond, second.Review.First = true, &review.Approval{Reviewer: "eve@localhost"}
	rows := append(w.waits("", soon), w.waits("bob@localhost", second)...)
	w.api.say("GET /reviews", http.StatusOK, map[string]any{"reviews": rows, "next": "c2"})
	_, page := w.get("/reviews?sort=amount&currency=inr&merchant=acme&free=true")
	asked, err := url.ParseQuery(w.api.last().query)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"sort": {"amount"}, "currency": {"INR"}, "merchant": {"acme"}, "free": {"true"}}, asked)
	for _, text := range []string{
		`<span class="state stop">20 min left</span>`, `<span class="soft">2 h left</span>`, "a second person has to agree", "<td>bob@localhost<br>", `<span class="soft">free</span><br>first for seniors`,
		`href="/reviews/` + soon.TransactionID + `?currency=INR&amp;merchant=acme&amp;sort=amount"`, `action="/reviews/next?currency=INR&amp;merchant=acme&amp;sort=amount"`,
		`href="/reviews?currency=INR&amp;cursor=c2&amp;free=true&amp;merchant=acme&amp;sort=amount"`,
	} {
		assert.Contains(t, page, text)
	}
	w.waits("")
	_, page = w.get("/reviews")
	assert.Contains(t, page, "Nothing waits for a decision here.")
}

// The next review is the first that is free at that moment and that the person can decide.
func TestNextReview(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	decided, own, faster, free := w.inReview(1), w.inReview(2), w.inReview(3), w.inReview(4)
	decided.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "bob@localhost"}, w.clock.now())
	own.Review.NeedsSecond, own.Review.First = true, &review.Approval{Reviewer: "ada@localhost"}
	w.waits("", decided, own, faster, free)
	w.api.say(take(faster), http.StatusConflict, map[string]any{"status": 409, "detail": "bob@localhost has taken it"})
	_, page := w.post("/reviews/next?sort=score", url.Values{"page": {"/reviews?sort=score"}})
	assert.Contains(t, page, "Review of order "+free.Order.ID)
	assert.Contains(t, page, "It is first for seniors.")
	assert.Contains(t, page, `action="/reviews/`+free.TransactionID+`/take?sort=score"`)
	assert.Empty(t, w.api.sent(take(decided)))
	assert.Empty(t, w.api.sent(take(own)))
	assert.Len(t, w.api.sent(take(free)), 1)

	w.waits("", own)
	before := len(w.api.asked)
	_, page = w.post("/reviews/next", url.Values{"page": {"/reviews"}})
	assert.Contains(t, page, "Nothing is left here that you could take.")
	var asked []string
	for _, q := range w.api.asked[before:] {
		asked = append(asked, q.query)
	}
	assert.Equal(t, []string{"mine=true", "free=true&queue=mine", "free=true&queue=none", "free=true&queue=others", ""}, asked)
}

func take(r ledger.Record) string { return "PUT /transactions/" + r.TransactionID + "/assignment" }

// What one has taken can be decided, with a note that is kept if that fails; then the next review comes.
func TestDecideReview(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	first, next := w.inReview(1), w.inReview(2)
	w.waits("ada@localhost", first)
	path := "/reviews/" + first.TransactionID
	_, page := w.get(path)
	for _, text := range []string{
		"2 h left", "then it is declined without a person", "the card is used often", "There is no undo.", `data-key="a"`, `data-key="d"`, "You have it until",
		`<option value="called the buyer">`,
	} {
		assert.Contains(t, page, text)
	}
	assert.NotContains(t, page, `name="confirm"`)
	assert.Regexp(t, `(?s)<form method="post" action="[^"]*">(\n<input type="hidden"[^>]*>)*\s*<button disabled hidden>`, page, "Enter in the note would decide")

	decide := "POST /transactions/" + first.TransactionID + "/review"
	form := url.Values{"page": {path}, "decision": {"decline"}, "note": {"it is not the buyer's card"}}
	status, problem := said(http.StatusServiceUnavailable, "the workflow engine cannot be reached")
	w.api.say(decide, status, problem)
	_, page = w.post(path, form)
	assert.Contains(t, page, "the workflow engine cannot be reached")
	assert.Contains(t, page, `value="it is not the buyer&#39;s card"`)
	assert.Equal(t, []string{`{"confirm":false,"decision":"decline","note":"it is not the buyer's card"}`}, w.api.sent(decide))

	answer := first.Answer
	answer.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada@localhost"}, w.clock.now())
	w.api.say(decide, http.StatusOK, answer)
	w.waits("ada@localhost", next)
	_, page = w.post(path, form)
	assert.Contains(t, page, "Decided: the transaction was declined by ada@localhost")
	assert.Contains(t, page, "Review of order "+next.Order.ID)
	assert.NotContains(t, page, "it is not the buyer&#39;s card")

	status, problem = said(http.StatusServiceUnavailable, "the ledger cannot be read now")
	w.api.say("GET /reviews", status, problem)
	_, page = w.post(path, form)
	assert.Contains(t, page, "Decided: the transaction was declined by ada@localhost", "although the next one is not found")
	assert.Contains(t, page, "the ledger cannot be read now")
	w.waits("ada@localhost", next)

	w.api.say(decide, http.StatusAccepted, map[string]any{"transactionID": first.TransactionID})
	_, page = w.post(path, form)
	assert.Contains(t, page, "Your decision is taken, and is being carried out.")
	w.api.say("GET "+path, http.StatusOK, map[string]any{"transaction": first})
	_, page = w.get(path)
	assert.Contains(t, page, "This transaction was declined by ada@localhost")
	assert.NotContains(t, page, `name="decision"`)
}

// Where the fraud check has got worse, the page shows both of its decisions, and approving confirms the worse one.
func TestConfirmReview(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	r := w.inReview(1)
	r.Review.Recheck = &fraud.Decision{Outcome: fraud.Decline, Score: 95, Reasons: []fraud.Reason{{Code: "LISTED", Message: "the card is on a list"}}}
	w.waits("ada@localhost", r)
	path, decide := "/reviews/"+r.TransactionID, "POST /transactions/"+r.TransactionID+"/review"
	_, page := w.get(path)
	for _, text := range []string{
		"The fraud check has got worse", "<h3>First</h3><p><strong>review</strong>, score 41", "<h3>Asked again</h3><p><strong>decline</strong>, score 95", "the card is on a list",
		`name="confirm" value="true"`, `data-key="c">Approve all the same`,
	} {
		assert.Contains(t, page, text)
	}
	w.api.say(decide, http.StatusOK, r.Answer)
	w.post(path, url.Values{"page": {path}, "decision": {"approve"}, "confirm": {"true"}})
	assert.Equal(t, []string{`{"confirm":true,"decision":"approve","note":""}`}, w.api.sent(decide))
	w.api.say(decide, http.StatusConflict, map[string]any{"status": http.StatusConflict, "detail": `send it again with "confirm": true`, "decision": r.Review.Recheck})
	_, page = w.post(path, url.Values{"page": {path}, "decision": {"approve"}})
	assert.Contains(t, page, "Nothing was decided: the fraud check has got worse.")
	assert.NotContains(t, page, "send it again", "those are words for a program")
	r.Review.Recheck = &fraud.Decision{Outcome: fraud.Review, Score: 41}
	w.waits("ada@localhost", r)
	_, page = w.get(path)
	assert.NotContains(t, page, "has got worse")
	assert.NotContains(t, page, `name="confirm"`)
}

// The pages of a review and of a transaction say of each rule that hit what it is worth and which values it saw, if the ruleset that
// decided is the one that decides now. Otherwise they show what was recorded.
func TestWhy(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer", "analyst")
	r := w.inReview(1)
	r.Decision.Ruleset = inUse.Deciding.Ruleset
	r.Explanation = &fraud.Explanation{
		Rules: []fraud.RuleResult{
			{ID: "often", Score: 40}, {ID: "dear_one", Score: 5, Shadow: true}, {ID: "list:bad", Action: fraud.ActBlock}, {ID: "broken", Action: fraud.ActReview, Error: "no such key"},
		},
		Features: map[string]float64{`card.count("1h")`: 5, `ip.count("1h")`: 7},
	}
	tried := ruleset.Trial{
		Decision: *r.Decision, Explanation: r.Explanation, RuleNames: map[string]string{"often": "Many <uses>", "dear_one": "It is dear"},
		Saw: map[string][]ruleset.Seen{
			"often":    {{Name: `card.count("1h")`, Value: "5"}, {Name: "customer.age", Value: "72h0m0s"}, {Name: "customer.createdAt", Value: "2026-01-02T03:04:05Z"}},
			"dear_one": {{Name: "card.luhnValid", Value: "true"}, {Name: "billing.country"}, {Name: `metadata("öl.sorte").value`, Value: "<b>"}, {Name: `listed("known_ones")`, Value: "false"}},
		},
	}
	w.waits("", r)
	w.api.say("GET /transactions/"+r.TransactionID, http.StatusOK, r)
	for _, path := range []string{"/reviews/", "/transactions/"} {
		w.api.say("GET /rules/try/"+r.TransactionID, http.StatusOK, tried)
		_, page := w.get(path + r.TransactionID)
		for _, part := range []string{
			`<a href="/rules/rule/often">Many &lt;uses&gt;</a>`, "<td>&#43;40</td>", `<td>&#43;5 <span class="soft">(in shadow: it does not count)</span></td>`, "<td>block</td>",
			"Earlier transactions with this card in 1 h: <strong>5</strong>", "Customer age: <strong>3 days</strong>", "Customer since: <strong><time", "Card Luhn digit right: <strong>true",
			`Billing country: <span class="soft">not given</span>`, "Öl sorte: <strong>&lt;b&gt;</strong>", "On the list known ones: <strong>false", `<a href="/rules/lists/bad">On the list bad</a>`, "It failed: no such key",
			"<details><summary>What other rules saw", `<code class="soft">ip.count(&#34;1h&#34;)</code></th><td class="number">7</td>`,
		} {
			assert.Contains(t, page, part, path)
		}
		assert.NotContains(t, page, `<code class="soft">card.count(`, "it stands with the rule")

		other := tried
		other.Decision.Ruleset.Digest = "sha256:4567"
		w.api.say("GET /rules/try/"+r.TransactionID, http.StatusOK, other)
		_, page = w.get(path + r.TransactionID)
		for _, part := range []string{
			"<code>often</code>", "<td>&#43;40</td>", "<details open><summary>What the rules saw", `<code class="soft">card.count(&#34;1h&#34;)</code></th><td class="number">5</td>`, "It failed: no such key",
		} {
			assert.Contains(t, page, part, path)
		}
		assert.NotContains(t, page, "Many")
		code, problem := said(http.StatusServiceUnavailable, "the ledger is away")
		w.api.say("GET /rules/try/"+r.TransactionID, code, problem)
		_, page = w.get(path + r.TransactionID)
		assert.Contains(t, page, "<code>often</code>", path)
	}
}

// After the first of two approvals the review is left to a second person, who sees who has approved, and why.
func TestSecondPerson(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	r := w.inReview(1)
	r.Review.NeedsSecond = true
	w.waits("ada@localhost", r)
	path, release := "/reviews/"+r.TransactionID, "DELETE /transactions/"+r.TransactionID+"/assignment"
	_, page := w.get(path)
	assert.Contains(t, page, "An approval needs a second person.")
	r.Review.First = &review.Approval{Reviewer: "ada@localhost", Note: "a known buyer", Time: w.clock.now()}
	w.api.say("POST /transactions/"+r.TransactionID+"/review", http.StatusAccepted, r.Answer)
	w.api.say(release, http.StatusNoContent, nil)
	w.waits("", r)
	_, page = w.post(path, url.Values{"page": {path}, "decision": {"approve"}, "note": {"a known buyer"}})
	assert.Contains(t, page, "to which a second person has to agree. Nothing is left here that you could take.")
	assert.Len(t, w.api.sent(release), 1)
	_, page = w.get(path)
	assert.Contains(t, page, "Another person has to agree.")
	assert.NotContains(t, page, `name="decision"`)

	w.browser = w.newBrowser()
	w.signIn("bob", "reviewer")
	w.waits("bob@localhost", r)
	_, page = w.get(path)
	assert.Contains(t, page, "ada@localhost has approved it (“a known buyer”), and a second person has to agree.")
	assert.Contains(t, page, `value="approve"`)
}

// What another person has taken shows who, and cannot be decided; what is free can be taken, and left again.
func TestTakenReview(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	r := w.inReview(1)
	w.waits("bob@localhost", r)
	path := "/reviews/" + r.TransactionID
	_, page := w.get(path)
	assert.Contains(t, page, "bob@localhost has taken it until")
	assert.NotContains(t, page, `name="decision"`)

	w.waits("", r)
	_, page = w.get(path)
	assert.Contains(t, page, `data-key="t"`)
	assert.NotContains(t, page, `name="decision"`)
	status, problem := said(http.StatusConflict, "bob@localhost has taken it")
	w.api.say(take(r), status, problem)
	_, page = w.post(path+"/take", url.Values{"page": {path}})
	assert.Contains(t, page, `<p class="fault" role="status">bob@localhost has taken it`)

	w.waits("ada@localhost", r)
	w.api.say("DELETE /transactions/"+r.TransactionID+"/assignment", http.StatusNoContent, nil)
	_, page = w.post(path+"/take?sort=score", url.Values{"page": {path}})
	assert.Contains(t, page, `value="approve"`)
	_, page = w.post(path+"/release?sort=score", url.Values{"page": {path}})
	assert.Contains(t, page, "You have left this review to others.")
	assert.Equal(t, "sort=score", w.api.last().query)
}

// Before transactions are declined together, the page shows which; those that stay marked are declined, one after the other.
func TestDeclineTogether(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	one, two, three := w.inReview(1), w.inReview(2), w.inReview(3)
	for _, r := range []*ledger.Record{&one, &two, &three} {
		r.Payment.Card = "424242******4242"
	}
	w.waits("ada@localhost", one, two, three)
	path := "/reviews/" + one.TransactionID
	_, page := w.get(path)
	assert.Contains(t, page, "2 other transactions of this card, 2 of them in review")
	assert.Contains(t, page, `href="`+path+`/card"`)
	_, page = w.get(path + "/card")
	asked, err := url.ParseQuery(w.api.last().query)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"sameCardAs": {one.TransactionID}, "status": {"TRANSACTION_IN_REVIEW"}, "limit": {"50"}}, asked)
	assert.Equal(t, 3, strings.Count(page, `type="checkbox"`))
	assert.Contains(t, page, "Its money is given back, and its people are alerted.")
	assert.Contains(t, page, "There is no undo.")
	assert.Contains(t, page, one.Order.ID+"</label> (the one that you came from)</th>")
	assert.Equal(t, 1, strings.Count(page, "came from"))
	assert.Regexp(t, `(?s)<form method="post" action="[^"]*">(\n<input type="hidden"[^>]*>)*\s*<button disabled hidden>`, page, "Enter in the note would decline")
	status, _ := w.get(path + "/customer")
	assert.Equal(t, http.StatusNotFound, status, "it has no customer")

	decide := func(r ledger.Record) string { return "POST /transactions/" + r.TransactionID + "/review" }
	form := url.Values{"page": {path + "/card"}, "note": {"a stolen card"}}
	_, page = w.post(path+"/card", form)
	assert.Contains(t, page, "no transaction is marked")
	assert.NotContains(t, page, " checked>")
	form["id"] = []string{one.TransactionID, three.TransactionID}
	w.api.say(decide(one), http.StatusOK, one.Answer)
	code, problem := said(http.StatusConflict, "bob@localhost has approved it")
	w.api.say(decide(three), code, problem)
	_, page = w.post(path+"/card", form)
	assert.Contains(t, page, "Declined: 1 of 2. Not declined: "+three.TransactionID+": bob@localhost has approved it")
	assert.Contains(t, page, `value="a stolen card"`)
	assert.Equal(t, 2, strings.Count(page, " checked>"), "what was left unmarked stays so")
	assert.NotContains(t, page, `id="t-`+two.TransactionID+`" checked>`)
	code, problem = said(http.StatusServiceUnavailable, "no worker answers")
	w.api.say(decide(one), code, problem)
	_, page = w.post(path+"/card", form)
	assert.Contains(t, page, "Declined: 0 of 2. Not declined: "+one.TransactionID+": no worker answers; the others were not tried")
	assert.Len(t, w.api.sent(decide(three)), 1, "it would wait as long")
	w.api.say(decide(one), http.StatusOK, one.Answer)
	w.api.say(decide(three), http.StatusOK, three.Answer)
	w.waits("", two)
	_, page = w.post(path+"/card", form)
	assert.Contains(t, page, "Declined: 2 of 2.")
	assert.Contains(t, page, "Review of order "+two.Order.ID)
	assert.JSONEq(t, `{"confirm":false,"decision":"decline","note":"a stolen card"}`, w.api.sent(decide(three))[1])
	assert.Empty(t, w.api.sent(decide(two)))

	w.waits("", one)
	w.api.say("GET /transactions", http.StatusOK, map[string]any{"transactions": []any{}, "next": "c2"}) // it has more than a page looks at
	_, page = w.get(path + "/card")
	assert.Contains(t, page, "Nothing of this card is in review, among the latest transactions.")
}

// A reviewer whose median is under a second has one all the same.
func TestReviewersMedian(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	w.api.say("GET /reviewers", http.StatusOK, map[string]any{"reviewers": []any{
		map[string]any{"reviewer": "ada", "approved": 1, "medianSeconds": 0}, map[string]any{"reviewer": "bob", "approved": 1, "medianSeconds": 83},
	}})
	_, page := w.get("/reviewers")
	assert.Contains(t, page, `<td class="number">less than a second</td>`)
	assert.Contains(t, page, `<td class="number">1 min 23 s</td>`)
}

// An address with an id that cannot be one asks the API for just that id, and shows its answer.
func TestReviewOfOddID(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	for _, id := range []string{"a%0Ab", "a%3Fb", "a%23b", "%25"} {
		status, page := w.get("/reviews/" + id)
		assert.Equal(t, http.StatusNotFound, status, "%s: %s", id, page)
	}
}
