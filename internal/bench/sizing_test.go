package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

func pageOf(t *testing.T, name string) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	return filepath.Join(root, "docs", name)
}

// The tables of docs/sizing.md are those that follow from docs/performance.md.
func TestSizingPage(t *testing.T) {
	text, err := os.ReadFile(pageOf(t, "sizing.md"))
	require.NoError(t, err)
	for section, write := range map[string]func(*report) error{
		"plan":  func(r *report) error { return r.size(pageOf(t, "performance.md"), plannedRates) },
		"model": func(r *report) error { return r.compareModel(pageOf(t, "performance.md")) },
		"grow":  func(r *report) error { return r.grow(pageOf(t, "performance.md")) },
		"held":  func(r *report) error { return r.reviews(pageOf(t, "performance.md")) },
	} {
		r := &report{}
		require.NoError(t, write(r))
		assert.Contains(t, string(text), "<!-- bench "+section+" -->\n\n"+strings.TrimSpace(r.text.String())+"\n\n<!-- end -->",
			"go run ./internal/bench -sizing -update writes it anew")
	}
}

// Measured curves come into the tables of docs/sizing.md, also those of sizes that -sizes gave.
func TestSizingCurves(t *testing.T) {
	page := filepath.Join(t.TempDir(), "performance.md")
	require.NoError(t, os.WriteFile(page, []byte(`<!-- bench workers -->

| load       |           | rate/s   | p99 ms | failed |
| ---------- | --------- | -------- | ------ | ------ |
| 10 callers | worker: 1 | 30       | 400    | 0      |
|            | worker: 3 | 31       | 410    | 0      |
| 50 callers | worker: 1 | 40 ±3    | 1930   | 0      |
|            | worker: 3 | 44 ±1.5  | 1800   | 0      |

| load       |           | CPU ms |
| ---------- | --------- | ------ |
| 50 callers | worker: 1 | 57 ±1  |
|            | worker: 3 | 60     |

<!-- end -->
<!-- bench police -->
<!-- end -->
<!-- bench reviews -->

| load                | | worker MB | server MB | worker KB a review | server KB a review | worker ready s | next decided s |
| ------------------- | -------------- | --- | --- | ---- | -- | --- | --- |
| 0 open reviews      | POST /transact | 50  | 200 |      |    | 1.5 | 2   |
| 40000 open reviews | POST /transact | 90 | 240 | 1.024 | 2.048 | 1.6 | 7 |

<!-- end -->
`), 0o600))
	r := &report{}
	require.NoError(t, r.grow(page))
	require.NoError(t, r.reviews(page))
	var cells [][]string
	for line := range strings.Lines(r.text.String()) {
		if row := cellsOf(line); row != nil {
			cells = append(cells, row)
		}
	}
	for _, row := range [][]string{
		{"worker", "1", "40", "1", "1,930", "57"},
		{"", "3", "44", "1.1", "1,800", "60"},
		{"fraud_police", notMeasured, "", "", "", ""},
		{"0", "50", "200", "1.5", "2"},
		{"40,000", "90", "240", "1.6", "7"},
	} {
		assert.Contains(t, cells, row)
	}
}

// The costs of the mix are those of docs/architecture.md.
func TestSizingCosts(t *testing.T) {
	text, err := os.ReadFile(pageOf(t, "architecture.md"))
	require.NoError(t, err)
	for _, p := range append(mix, delivered) {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(p.name) + ` \| \d+ \| ([\d,]+) \| (\d+) \|`).FindStringSubmatch(string(text))
		require.NotNil(t, row, p.name)
		assert.Equal(t, strconv.Itoa(int(p.bytes)), strings.ReplaceAll(row[1], ",", ""), "bytes of %s", p.name)
		assert.Equal(t, strconv.Itoa(int(p.transitions)), row[2], "transitions of %s", p.name)
	}
	assert.InDelta(t, 1, total(func(path) float64 { return 1 }), 1e-9, "the shares")
}

// What the model says of many callers, from what was measured with one, is what was measured with many.
func TestModelAgainstMeasured(t *testing.T) {
	all, err := figures(pageOf(t, "performance.md"), "loads")
	require.NoError(t, err)
	predicted := modelOf(all).figures(50)
	for _, column := range []string{"rate/s", "p50 ms", "p95 ms", "p99 ms"} {
		measured := all[figure{"50 callers", service, column}]
		require.Positive(t, measured, column)
		assert.InEpsilon(t, measured, predicted[column], 0.25, column)
	}
}

// Queues in the model wait as long as formulas say where there are any.
func TestQueues(t *testing.T) {
	t.Run("one server", func(t *testing.T) { assert.InDelta(t, 0.7, waits(1, 0.7), 1e-9) })
	t.Run("two servers, half busy", func(t *testing.T) { assert.InDelta(t, 1.0/3, waits(2, 1), 1e-9) })
	t.Run("the longest wait of one server", func(t *testing.T) {
		assert.InDelta(t, math.Log(0.5/0.01)*10/(1-0.5), waitOf(1, 0.5, 10, 0.01), 1e-9)
	})
	t.Run("callers that keep all cores busy", func(t *testing.T) {
		latencies, rate := machine{cores: 4, stages: 10, answer: 30, after: 10}.closedLoop(40, 20_000)
		assert.InEpsilon(t, 4/0.040, rate, 0.02, "cores by the time of each")
		sum := 0.0
		for _, latency := range latencies {
			sum += latency
		}
		assert.InEpsilon(t, 40/rate*1000, sum/float64(len(latencies)), 0.02, "Little's law")
	})
}
