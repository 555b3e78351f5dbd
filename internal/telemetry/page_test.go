package telemetry_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	difference "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/telemetry"
)

var updateMetrics = flag.Bool("update-metrics", false, "write the table of docs/metrics.md anew")

const (
	pageFile   = "../../docs/metrics.md"
	tableBegin = "<!-- go test ./internal/telemetry -run TestMetricsPage -update-metrics writes from here -->\n"
	tableEnd   = "<!-- to here -->\n"
)

// The page lists the metrics as the code declares them.
func TestMetricsPage(t *testing.T) {
	written, err := os.ReadFile(pageFile)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(written), tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	require.True(t, found && ends, "the page lacks the marks around its table")
	page := before + tableBegin + "\n" + table() + "\n" + tableEnd + after
	if *updateMetrics {
		require.NoError(t, os.WriteFile(pageFile, []byte(page), 0o644))
		return
	}
	assert.Empty(t, difference.Diff(page, string(written)), "-code +file")
}

func table() string {
	var text strings.Builder
	text.WriteString("| metric | kind | unit | labels | meaning |\n|--|--|--|--|--|\n")
	for _, m := range telemetry.Metrics() {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		unit := map[string]string{"s": "seconds"}[m.Unit]
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Kind, cmp.Or(unit, "–"), cmp.Or(labels, "–"), m.Meaning)
	}
	return text.String()
}
