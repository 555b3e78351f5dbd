package backtest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/rules/backtest"
)

// Without labels the report leaves out precision and recall.
func TestReportWithoutLabels(t *testing.T) {
	store := memory{decided(number(1), start, fraud.Decline, 90)}
	r := run(t, store, answers(map[string]fraud.Decision{number(1): verdict(fraud.Decline, 90)}))
	require.Equal(t, backtest.Labels{}, r.Labels)
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "None of these transactions has a label, so precision and recall are not known.")
	require.NotContains(t, text.String(), "precision before")
}

// The report of an empty period says so.
func TestReportEmptyPeriod(t *testing.T) {
	r := run(t, memory{}, answers(nil))
	var text, page, object bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.NoError(t, r.WriteHTML(&page))
	require.NoError(t, r.WriteJSON(&object))
	for name, out := range map[string]string{"text": text.String(), "page": page.String()} {
		require.Contains(t, out, "No decision was made about a transaction of this period, so there are none to compare.", name)
		require.NotContains(t, out, "Outcomes", name)
	}
	require.Contains(t, object.String(), `"decisions": 0`)
}

// Setting UPDATE=1 writes the present report as the golden.
func TestReportGoldens(t *testing.T) {
	store, c, options := small()
	store[4].Record.Explanation = nil
	c.features = features[:1]
	for i := range store[:3] {
		store[i].Record.Explanation.Features[features[0].String()] = 1
	}
	r := run(t, store, c, options)
	for file, write := range map[string]func(*bytes.Buffer) error{
		"testdata/report.txt":  func(b *bytes.Buffer) error { return r.WriteText(b) },
		"testdata/report.json": func(b *bytes.Buffer) error { return r.WriteJSON(b) },
	} {
		var out bytes.Buffer
		require.NoError(t, write(&out))
		if os.Getenv("UPDATE") != "" {
			require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(string(want), out.String()), "%s (-want +got)", file)
	}
}

// The page needs no other file, and escapes foreign text.
func TestHTMLReport(t *testing.T) {
	store, c, options := small()
	const evil = `"><script>alert(1)</script>`
	store[0].Record.TransactionID = evil
	r := run(t, store, c, options, func(b *backtest.Backtest) { b.Rules[1].Name = evil })
	r.Changed.Latest[0].After.Reasons = []string{evil}
	var page bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	text := page.String()
	require.NotContains(t, text, "<script")
	require.GreaterOrEqual(t, strings.Count(text, "&lt;script&gt;"), 3)
	for _, loads := range []string{"http:", "https:", "src=", "@import", "url("} {
		require.NotContains(t, text, loads)
	}
	require.Equal(t, 3+3+1, strings.Count(text, "<svg"), "three charts, and a bar for each rule that hit")
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "ZgotmplZ", "a value that its place cannot take")
}

// Amounts are decimals in JSON.
func TestAmountsJSON(t *testing.T) {
	text, err := json.Marshal(backtest.Amounts{"USD": 5, "INR": 12300, "JPY": 7})
	require.NoError(t, err)
	require.Equal(t, `{"INR":123.00,"JPY":7,"USD":0.05}`, string(text))
}
