package desk_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// someFigures is what the API says about now.
func someFigures(hour int) map[string]any {
	return map[string]any{
		"at": "2026-01-02T03:04:05Z", "held": []any{map[string]any{"amount": 12.5, "currency": "INR"}},
		"releasing": []any{map[string]any{"amount": 7.25, "currency": "EUR"}, map[string]any{"amount": 500, "currency": "JPY"}},
		"minutes": []any{map[string]any{
			"begin": "2026-01-02T03:03:00Z", "transactions": hour,
			"outcomes": map[string]any{"approve": hour, "review": 0, "decline": 0, "notEvaluated": 0},
		}},
		"answers": map[string]any{"transactions": 2, "p50Milliseconds": 40, "p99Milliseconds": 1540},
		"reviews": map[string]any{"waiting": 3, "nextDeadline": "2026-01-02T09:00:00Z"},
		"alerts":  map[string]any{"open": 1, "failed": 2, "unpublished": 4, "failedSince": "2026-01-01T03:04:05Z"},
		"parts":   []any{map[string]any{"name": "alertman", "state": "down", "detail": "0 workers"}},
	}
}

// Now can be read without JavaScript, and each number leads to the list behind it.
func TestNow(t *testing.T) {
	w := newWorld(t)
	w.api.say("GET /figures", http.StatusOK, someFigures(7))
	w.signIn("ada", "operator")
	status, page := w.get("/now")
	require.Equal(t, http.StatusOK, status)
	for _, part := range []string{
		`href="/transactions?since=2026-01-02T03%3a03%3a00">7</a>`, `href="/transactions?status=TRANSACTION_IN_REVIEW">3</a>`, "12.5 INR", "40 ms", "1.5 s",
		`<a class="bad" href="/alerts?state=failed&amp;endedSince=2026-01-01T03%3a04%3a05Z"><strong>2 failed</strong></a>`, "alertman: down",
		`<td><a href="/transactions?outcome=approve&amp;since=2026-01-02T03%3A03%3A00Z&amp;until=2026-01-02T03%3A04%3A00Z">7</a></td>`, "<td>0</td>",
		`<td><a href="/transactions?since=2026-01-02T03%3A03%3A00Z&amp;until=2026-01-02T03%3A04%3A00Z">7</a></td>`,
		`<a class="bad" href="/transactions?status=TRANSACTION_ALERT_ERROR"><strong>4 wait for RabbitMQ</strong></a>`, `<a class="bad" href="/transactions?releasing=true"><strong>7.25 EUR, 500 JPY not given back yet</strong></a>`,
	} {
		assert.Contains(t, page, part)
	}
	w.browser = w.newBrowser()
	w.signIn("bob", "reviewer")
	_, page = w.get("/now")
	assert.Contains(t, page, `href="/reviews">3</a>`)
	assert.Contains(t, page, `href="/reviews">12.5 INR</a>`)
	w.api.say("GET /figures", http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "the ledger cannot be read now"})
	status, page = w.get("/now")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, page, "the ledger cannot be read now")
}

// events opens the stream of numbers.
func (w *world) events() (status int, kind string, lines *bufio.Scanner) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/now/events", nil)
	require.NoError(w.t, err)
	response, err := w.browser.Do(r)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = response.Body.Close() })
	return response.StatusCode, response.Header.Get("Content-Type"), bufio.NewScanner(response.Body)
}

// The stream sends new numbers, ends with the session, and gives nothing to strangers.
func TestNowEvents(t *testing.T) {
	w := newWorld(t)
	status, _, _ := w.events()
	assert.Equal(t, http.StatusNoContent, status)
	w.api.say("GET /figures", http.StatusOK, someFigures(7))
	w.signIn("ada", "operator")
	_, kind, lines := w.events()
	assert.Equal(t, "text/event-stream", kind)
	until := func(part string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				assert.True(t, strings.HasPrefix(lines.Text(), "data: "), lines.Text())
				return
			}
		}
		t.Errorf("the stream ended before %s", part)
	}
	until(">7</a>")
	w.api.say("GET /figures", http.StatusOK, someFigures(8))
	until(">8</a>")
	status, _ = w.post("/sign-out", url.Values{})
	require.Equal(t, http.StatusOK, status)
	for lines.Scan() {
		continue
	}
	assert.NoError(t, lines.Err())
}

// One person can follow the numbers so many times only, which leaves other places to others.
func TestManyNowEvents(t *testing.T) {
	w := newWorld(t)
	w.api.say("GET /figures", http.StatusOK, someFigures(7))
	for _, name := range []string{"ada", "bob"} {
		w.browser = w.newBrowser()
		w.signIn(name, "operator")
		for range 5 {
			status, _, _ := w.events()
			assert.Equal(t, http.StatusOK, status, name)
		}
		status, _, _ := w.events()
		assert.Equal(t, http.StatusServiceUnavailable, status, name)
	}
}

// Streams end when the desk stops.
func TestNowEventsAtShutdown(t *testing.T) {
	w := newWorld(t)
	w.api.say("GET /figures", http.StatusOK, someFigures(7))
	w.signIn("ada", "operator")
	_, _, lines := w.events()
	require.True(t, lines.Scan())
	w.stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			continue
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
		t.Error("the stream goes on")
	}
}

// aRow is a row of the API's report.
func aRow(day, currency string) map[string]any {
	sum := map[string]any{"count": 10, "amount": 1000.5}
	return map[string]any{
		"day": day, "currency": currency, "transactions": sum, "outcomes": map[string]any{"approve": sum, "decline": map[string]any{"count": 4, "amount": 1}},
		"paid": sum, "refused": sum, "stopped": sum, "reasons": map[string]any{"CARD_VELOCITY": map[string]any{"count": 4, "amount": 1}},
		"rules": map[string]any{"card_velocity_10m": map[string]any{"hits": 5, "alone": 1, "fraudulent": 2, "legitimate": 1}},
		"fraud": sum, "fraudPaid": sum, "fraudRate": map[string]any{"byCount": 25.5, "byAmount": 30}, "chargebacks": map[string]any{"count": 1, "amount": 5},
		"falsePositives": map[string]any{"count": 2, "amount": 1}, "reviews": map[string]any{"asked": 6, "approved": 3, "declined": 2, "expired": 1, "medianSeconds": 90},
	}
}

// A report is a table for each currency, and a file.
func TestReports(t *testing.T) {
	w := newWorld(t)
	w.api.say("GET /reports", http.StatusOK, map[string]any{
		"from": "2026-01-01", "to": "2026-01-31", "by": "day", "rows": []any{aRow("2026-01-04", "EUR"), aRow("2026-01-05", "EUR"), aRow("2026-01-05", "USD")},
		"programs": []any{map[string]any{
			"month": "2026-01", "merchant": "acme", "program": "Visa VAMP", "chargebacks": 7, "payments": 1000, "basisPoints": 70.5, "distance": "1493 more",
		}},
	})
	w.signIn("ada", "analyst")
	status, page := w.get("/reports?from=2026-01-01&to=&currency=")
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, "from=2026-01-01", w.api.last().query, "empty fields are no parameters")
	for _, part := range []string{
		"<h2>EUR, 2026-01-01 to 2026-01-31</h2>", "<h2>USD,", "20 transactions, 20 of them paid for", "1 min 30 s", `<td class="number">25.5</td><td class="number">30.0</td>`, "1000.0", // 1 of 10 is 1000 basis points
		`<th scope="row"><code>CARD_VELOCITY</code></th><td class="number">8</td>`, "card_velocity_10m", `href="/reports.csv?from=2026-01-01"`,
		`<td class="nowrap">Visa VAMP</td><td class="number">7</td><td class="number">1000</td><td class="number">70.5</td><td>1493 more</td>`,
	} {
		assert.Contains(t, page, part)
	}
	status, file := w.get("/reports.csv?from=2026-01-01")
	require.Equal(t, http.StatusOK, status)
	lines := strings.Split(strings.TrimSpace(file), "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, "2026-01-04,EUR,10,1000.5,10,0,4,0,10,1000.5,10,10,10,1000.5,10,1000.5,25.5,30,2,1,5,6,3,2,1,90", lines[1])
	assert.Equal(t, strings.Count(lines[0], ","), strings.Count(lines[1], ","))
	assert.Contains(t, page, `href="/reports/programs.csv?from=2026-01-01"`)
	_, file = w.get("/reports/programs.csv?from=2026-01-01")
	assert.Equal(t, "from=2026-01-01", w.api.last().query)
	assert.Equal(t, "month,merchant,program,chargebacks,payments,basisPoints,reached,distance\n2026-01,acme,Visa VAMP,7,1000,70.5,false,1493 more\n", file)
}

func TestReportsFault(t *testing.T) {
	w := newWorld(t)
	w.api.say("GET /reports", http.StatusUnprocessableEntity, map[string]any{
		"status": 422, "detail": "the report cannot be made so", "errors": []any{map[string]any{"parameter": "to", "detail": "must not be earlier than from"}},
	})
	w.signIn("ada", "analyst")
	status, page := w.get("/reports?from=2026-02-01&to=2026-01-01")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "the report cannot be made so; to must not be earlier than from")
	assert.Contains(t, page, `value="2026-02-01"`)
}

// What others wrote is what npm has.
func TestVendoredFiles(t *testing.T) {
	const folder = "static/vendor"
	list, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	require.NoError(t, err)
	listed := map[string]string{"SHA256SUMS": ""}
	for line := range strings.SplitSeq(strings.TrimSpace(string(list)), "\n") {
		if sum, name, is := strings.Cut(line, "  "); is {
			listed[name] = sum
		}
	}
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, listed, len(files))
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(folder, f.Name()))
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		if f.Name() != "SHA256SUMS" {
			assert.Equal(t, listed[f.Name()], hex.EncodeToString(sum[:]), f.Name())
		}
	}
}
