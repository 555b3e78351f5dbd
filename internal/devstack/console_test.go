package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each of Grafana's dashboards is a page with its queries, which links to the others.
func TestConsoles(t *testing.T) {
	const dashboards = "../../deploy/observe/dashboards"
	dir := filepath.Join(t.TempDir(), "consoles")
	require.NoError(t, writeConsoles(dashboards, dir))
	files, err := os.ReadDir(dashboards)
	require.NoError(t, err)
	pages, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, pages, len(files))
	page, err := os.ReadFile(filepath.Join(dir, "on-call.html"))
	require.NoError(t, err)
	for _, text := range []string{
		`<title>On call</title>`, `href="payments.html"`, `expr: ["sum by (job) (up)"], name: ["[[ job ]]"]`,
		`expr: ["orders:delivered_late:ratio5m","orders:delivered_late:ratio1h"]`,
	} {
		assert.Contains(t, string(page), text)
	}
	assert.EqualError(t, writeConsoles(dir, dir), "find dashboards in "+dir+": file does not exist")
}

// Prometheus is planned where it is wanted, and for the servers that run here.
func TestPlanObserves(t *testing.T) {
	s := settings{
		HTTPAddress: ":9001", TemporalAddress: "temporal.example.com:7233", PublisherURL: "amqp://localhost/", ConsumerURL: "amqp://localhost/",
		PrometheusPort: 9090, AlertmanagerPort: 9093,
	}
	p, err := newPlan(s)
	require.NoError(t, err)
	assert.Zero(t, p.prometheus)
	assert.Zero(t, p.rabbitmqMetrics)
	s.Observe = true
	p, err = newPlan(s)
	require.NoError(t, err)
	assert.Equal(t, 9090, p.prometheus)
	assert.Equal(t, 9093, p.alertmanager)
	assert.NotZero(t, p.rabbitmqMetrics)
	assert.Zero(t, p.temporalMetrics)
}
