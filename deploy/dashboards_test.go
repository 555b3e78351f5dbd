package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dashboard is a dashboard of Grafana, as far as these tests look at it.
type dashboard struct {
	UID    string
	Title  string
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	paths, err := filepath.Glob(observe + "/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := map[string]dashboard{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(text, &d), path)
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = d
	}
	return all
}

// The names of a dashboard and its panels are their own, and no panel lies on another.
func TestDashboards(t *testing.T) {
	for name, d := range dashboards(t) {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "orders-"+name, d.UID)
			ids, taken := map[int]bool{}, map[[2]int]string{}
			for _, p := range d.Panels {
				assert.False(t, ids[p.ID], "%s: id %d", p.Title, p.ID)
				ids[p.ID] = true
				assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
				for x := range p.GridPos.W {
					for y := range p.GridPos.H {
						at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
						assert.Empty(t, taken[at], "%s lies on it", p.Title)
						taken[at] = p.Title
					}
				}
			}
		})
	}
}

// foreign matches the names of metrics that others make, whose dashboards internal/e2e asks a real Prometheus.
var foreign = regexp.MustCompile(`^(up|ALERTS|(temporal|go|process|rabbitmq|pg)_[a-z_]+|service_requests|persistence_latency_bucket|approximate_backlog_age_seconds)$`)

// Dashboards, alarms and the page of metrics know the same metrics.
func TestQueries(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/metrics.md")
	require.NoError(t, err)
	for from, queries := range queries(t) {
		for _, query := range queries {
			for _, name := range metrics(t, query) {
				if foreign.MatchString(name) || recorded(t)[name] {
					continue
				}
				series := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
				assert.Contains(t, string(page), "`"+series+"`", "%s asks for %s, which docs/metrics.md does not have: %s", from, name, query)
			}
		}
	}
}

// metrics returns the names of the metrics that a query asks for.
func metrics(t *testing.T, query string) []string {
	t.Helper()
	expression, err := parser.ParseExpr(query)
	require.NoError(t, err, query)
	var names []string
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			names = append(names, selector.Name)
		}
		return nil
	})
	return names
}

// queries returns the queries of all dashboards and rules, by where they are.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all[name+", "+p.Title] = append(all[name+", "+p.Title], target.Expr)
			}
		}
	}
	for _, r := range rules(t) {
		all[r.Alert+r.Record] = append(all[r.Alert+r.Record], r.Expr)
	}
	return all
}

// recorded returns the names of the recording rules.
func recorded(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, r := range rules(t) {
		names[r.Record] = true
	}
	return names
}
