package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What OpenTelemetry's libraries would only log is a fault too, and shows no value: each of them may hold a secret.
func TestWrongTraceSettings(t *testing.T) {
	const canary = "Xanary-7"
	for name, c := range map[string]struct {
		vars map[string]string
		want string
	}{
		"a collector without a scheme": {
			map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "user:" + canary + "@collector:4318"},
			"OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as http://localhost:4318",
		},
		"a collector for traces of another scheme": {
			map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://collector/" + canary},
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL such as http://localhost:4318",
		},
		"headers without a name": {
			map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": canary},
			"OTEL_*: cannot=\"parse headers\"",
		},
		"a timeout in words": {
			map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TIMEOUT": canary},
			"OTEL_*: cannot=\"parse duration\"",
		},
		"an attribute without a value": {
			map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_RESOURCE_ATTRIBUTES": canary},
			"OTEL_RESOURCE_ATTRIBUTES: must be key=value pairs with commas between them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{c.want}, faultsOf(t, "fraud-police", c.vars))
		})
	}
}

// Spans are exported only where the settings say so.
func TestTracesAreOff(t *testing.T) {
	const collector = "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		vars map[string]string
		on   bool
	}{
		"by default":                {nil, false},
		"with a collector":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector}, true},
		"with one for traces alone": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector}, true},
		"with an exporter":          {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true},
		"with none":                 {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": collector}, false},
		"disabled":                  {map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector}, false},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, c.vars)
			p, err := newProcess(t.Context(), "worker", nil)
			require.NoError(t, err)
			defer p.close()
			require.Empty(t, p.values.faults)
			require.Equal(t, c.on, p.traces != nil)
		})
	}
}
