package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With OTEL_METRICS_EXPORTER=none a process shows none.
func TestNoMetrics(t *testing.T) {
	setEnvironment(t, map[string]string{"OTEL_METRICS_EXPORTER": "none"})
	env, err := readEnvironment(t.Context(), lookup())
	require.NoError(t, err)
	metrics, err := env.metrics()
	require.NoError(t, err)
	families, err := metrics.Gather()
	require.NoError(t, err)
	assert.Empty(t, families)
}

// The api shows its metrics on HEALTH_ADDRESS, and on its own address only while callers need not say who they are.
func TestMetricsAddress(t *testing.T) {
	for name, test := range map[string]struct {
		keys string
		want int
	}{
		"callers need not say who they are": {"", http.StatusOK},
		"callers need an API key":           {"shop:0123456789abcdef-of-this-test", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			public, private := freeAddress(t), freeAddress(t)
			setEnvironment(t, map[string]string{
				"HTTP_ADDRESS": public, "HEALTH_ADDRESS": private, "API_KEYS": test.keys,
				"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
			})
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- run(ctx, map[string]part{"api": serveAPI}) }()
			t.Cleanup(func() {
				stop()
				require.NoError(t, <-ended)
			})
			require.Eventually(t, func() bool {
				return ask(t, public, "/livez").status != 0 && ask(t, private, "/livez").status != 0
			}, 10*time.Second, 10*time.Millisecond)
			assert.Equal(t, test.want, ask(t, public, "/metrics").status)
			assert.Eventually(t, func() bool {
				return strings.Contains(ask(t, private, "/metrics").text, `orders_ready{part="temporal"} 0`)
			}, 10*time.Second, 20*time.Millisecond)
			for _, line := range []string{`orders_build_info{goversion="go`, `orders_http_request_duration_seconds_count{method="GET",route="/livez",server="api",status="200"} `, "go_goroutines "} {
				assert.Contains(t, ask(t, private, "/metrics").text, line)
			}
		})
	}
}
