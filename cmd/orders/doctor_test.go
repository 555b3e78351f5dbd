package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/ops"
)

var everyProcess = []string{"api", "worker", "fraud-police", "alertman"}

// The faults in the settings of all processes are found at once, each once, as their starts find them.
func TestDoctorFaults(t *testing.T) {
	wrong := map[string]string{
		"LOG_LEVEL": "loud", "HEALTH_ADDRESS": "localhost", "HTTP_MAX_IN_FLIGHT": "0", "PAYMENT_DEADLINE": "15", "FRAUD_DETECTOR": "guess",
		"ALERTMAN_PREFETCH": "0", "LEDGER_URL": "mysql:x",
	}
	setEnvironment(t, wrong)
	d, end, err := doctorCommand{Process: everyProcess}.doctor(t.Context())
	require.NoError(t, err)
	defer end()
	for name := range wrong {
		found := 0
		for _, fault := range d.Faults {
			if strings.HasPrefix(fault, name) {
				found++
			}
		}
		assert.Equal(t, 1, found, "%s: %q", name, d.Faults)
	}
	assert.Len(t, d.Faults, len(wrong), "%q", d.Faults)
	assert.Nil(t, d.Ledger)
	assert.Nil(t, d.Broker)

	d, end, err = doctorCommand{Process: []string{"fraud-police"}}.doctor(t.Context())
	require.NoError(t, err)
	defer end()
	assert.NotContains(t, strings.Join(d.Faults, " "), "ALERTMAN_PREFETCH", "it is a setting of another process")
}

// Published passwords in RabbitMQ's definitions are found where payments are real.
func TestDoctorDefinitions(t *testing.T) {
	setEnvironment(t, map[string]string{"TEST_DOUBLES": "refuse", "FRAUD_DETECTOR": "limit"})
	d, end, err := doctorCommand{Process: []string{"fraud-police"}, Definitions: "../../gateways/rabbitmq/definitions.json"}.doctor(t.Context())
	require.NoError(t, err)
	defer end()
	for _, user := range []string{"alertman", "operator", "orders"} {
		about := "../../gateways/rabbitmq/definitions.json: password_hash of the user " + user
		assert.True(t, slices.ContainsFunc(d.Faults, func(fault string) bool { return strings.HasPrefix(fault, about) }), "nothing is said by itself of %s: %q", user, d.Faults)
	}
}

// The issuer is asked for the processes that persons call.
func TestDoctorIssuer(t *testing.T) {
	setEnvironment(t, map[string]string{"OIDC_ISSUER": "https://issuer.example", "OIDC_ROLES": "staff=reviewer"})
	for process, asks := range map[string]bool{"api": true, "desk": true, "worker": false} {
		d, end, err := doctorCommand{Process: []string{process}}.doctor(t.Context())
		require.NoError(t, err)
		defer end()
		asked := slices.ContainsFunc(d.Connections, func(c ops.Connection) bool { return c.Name == "issuer" })
		assert.Equal(t, asks, asked, process)
	}
}

// What the checks of routes and rules warn of is in the report.
func TestDoctorWarnings(t *testing.T) {
	untried, _, _ := strings.Cut(rule, "    cases:")
	folder := ruleset(t, strings.Replace(untried, "score: 40", "score: 4", 1))
	setEnvironment(t, map[string]string{"FRAUD_RULESET": folder})
	d, end, err := doctorCommand{Process: everyProcess}.doctor(t.Context())
	require.NoError(t, err)
	defer end()
	assert.Empty(t, d.Faults, "it can be used")
	warnings := strings.Join(d.Warnings, "\n")
	assert.Contains(t, warnings, "the rule velocity has no cases")
	assert.Contains(t, warnings, "can be used, but has rules that never apply")
}
