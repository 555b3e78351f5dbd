package desk_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/desk"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/internal/ledgertest"
)

// Spans of time are written in one way.
func TestSpansInWords(t *testing.T) {
	for want, span := range map[string]time.Duration{
		"0 µs": -time.Second, "850 µs": 850 * time.Microsecond, "999 ms": time.Second - time.Microsecond, "1.5 s": 1540 * time.Millisecond,
		"59.9 s": time.Minute - time.Millisecond, "2 min": 2 * time.Minute, "1 min 23 s": 83 * time.Second, "20 h": 20 * time.Hour,
		"47 h 59 min": 48*time.Hour - time.Second, "2 days": 48*time.Hour + time.Second, "2 days 12 h": 60 * time.Hour, "20 days": 20*24*time.Hour + 5*time.Hour,
	} {
		assert.Equal(t, want, desk.InWords(span), span)
	}
}

var (
	literal = regexp.MustCompile(`(?s)<(code|pre|textarea|dt)[ >].*?</(code|pre|textarea|dt)>`)
	markup  = regexp.MustCompile(`(?s)<[^>]*>`)
	raw     = regexp.MustCompile(`\b[a-z0-9]+(?:_[a-z0-9]+)+\b|\borders\.[a-z_.]+\.v1\b|\d\d\d\d-\d\d-\d\dT\d\d:|\b\d+[hm]\d+[ms]`)
)

// rawWords returns what a page shows as programs write it: values of enumerations, types of events, times and spans. What is
// marked as code may be so.
func rawWords(page string) []string {
	if !strings.HasPrefix(page, "<!doctype html>") {
		return nil
	}
	return raw.FindAllString(markup.ReplaceAllString(literal.ReplaceAllString(page, ""), " "), -1)
}

// Pages show words where the API has names; world.do looks for such names on each page that a test sees.
func TestPlainWords(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "admin")
	r := w.inReview(1)
	r.Decision.Outcome = fraud.NotEvaluated
	r.Payment.Decline = payment.NewDecline(payment.InsufficientFunds)
	for _, source := range []string{ledger.ByReviewer, ledger.ByDispute, ledger.ByEarlyFraudWarning} {
		r.Labels = append(r.Labels, ledger.Label{Label: ledger.Fraudulent, Source: source, Time: r.StartTime})
	}
	a := w.anAlert("e-1")
	a["state"], a["chains"] = "not_delivered", []any{map[string]any{"muted": alert.Mute{Until: w.clock.now()}.Why(), "steps": []any{}}}
	w.waits("", r)
	w.api.say("GET /transactions/"+r.TransactionID, http.StatusOK, r)
	w.api.say("GET /audit", http.StatusOK, map[string]any{"entries": []any{}})
	w.api.say("GET /alerts/e-1", http.StatusOK, a)
	for _, of := range append(alert.Types, alert.Test) {
		a["type"] = of
		w.api.say("GET /alerts", http.StatusOK, map[string]any{"alerts": []any{a}})
		_, page := w.get("/transactions/" + r.TransactionID)
		assert.Contains(t, page, "insufficient funds")
		assert.Contains(t, page, `<option value="early_fraud_warning">early fraud warning</option>`)
	}
	for path, want := range map[string]string{
		"/reviews/" + r.TransactionID: "early fraud warning", "/transactions?column=labels&column=outcome": "<td>not evaluated</td>", "/alerts": "not delivered", "/alerts/e-1": "Not sent: muted by",
	} {
		_, page := w.get(path)
		assert.Contains(t, page, want, path)
	}
	row := aRow("2026-01-04", "EUR")
	row["refusals"] = map[string]any{"insufficient_funds": map[string]any{"count": 4, "amount": 1}}
	w.api.say("GET /reports", http.StatusOK, map[string]any{"rows": []any{row}})
	_, page := w.get("/reports")
	assert.Contains(t, page, `<th scope="row">insufficient funds</th>`)
}

// A time in a sentence is shown as all others are.
func TestTimesInSentences(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "reviewer")
	r := w.inReview(1)
	r.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "<bob>"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.waits("", r)
	_, page := w.get("/reviews/" + r.TransactionID)
	assert.Contains(t, page, `declined by &lt;bob&gt; at <time datetime="2026-01-02T03:04:05Z">2026-01-02 03:04:05 UTC</time>.`)
}

// Addresses of forms have what was filled in.
func TestEmptyParameters(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	w.browser.CheckRedirect = stay
	for asked, want := range map[string]string{
		"/transactions?orderID=&customerID=+c-1+&ip=+&column=id&column=labels": "/transactions?customerID=+c-1+&column=id&column=labels",
		"/rules/rule/dear?shadow=1&from=":                                      "/rules/rule/dear?shadow=1",
		"/alerts?state=":                                                       "/alerts",
		"/transactions?orderID=a%3D":                                           "",
		"/transactions":                                                        "",
	} {
		response, err := w.browser.Get(w.url + asked)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, want, response.Header.Get("Location"), asked)
	}
}

// The menu marks the screen that a page belongs to.
func TestMenuMarks(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "admin")
	r := ledgertest.Accepted(1).Record
	w.api.say("GET /transactions/"+r.TransactionID, http.StatusOK, r)
	for path, want := range map[string]string{
		"/you": `<a href="/you" aria-current="page">`, "/transactions/" + r.TransactionID: `<a href="/transactions" aria-current="true">`,
		"/reviewers": `<a href="/reviews" aria-current="true">`, "/dead-letters/odd": `<a href="/alerts" aria-current="true">`,
	} {
		_, page := w.get(path)
		assert.Contains(t, page, want, path)
		assert.Equal(t, 1, strings.Count(page, "aria-current"), path)
	}
}
