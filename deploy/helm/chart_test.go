// Package helm_test checks the chart in orders/: what Helm makes of it with many values, decoded strictly into the types of
// Kubernetes. It is a module of its own, so that the service does not depend on Helm.
package helm_test

import (
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const root = "../../"

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // Helm notes there which values an example takes away
	os.Exit(m.Run())
}

// values reads values as Helm does with -f, each over the ones before. A name is an example's, other text the values.
func values(t *testing.T, names ...string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, name := range names {
		text := []byte(name)
		if !strings.ContainsAny(name, ": ") {
			var err error
			text, err = os.ReadFile("examples/" + name + ".yaml")
			require.NoError(t, err)
		}
		var next map[string]any
		require.NoError(t, yaml.UnmarshalStrict(text, &next), name)
		all = merged(all, next)
	}
	return all
}

// merged returns the values of one file with those of the next over them.
func merged(all, next map[string]any) map[string]any {
	result := maps.Clone(all)
	for key, value := range next {
		if inner, ok := value.(map[string]any); ok {
			if outer, ok := result[key].(map[string]any); ok {
				value = merged(outer, inner)
			}
		}
		result[key] = value
	}
	return result
}

// render returns what Helm sends to the cluster, by the names of the templates.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	chart, err := loader.LoadDir("orders")
	require.NoError(t, err)
	options := chartutil.ReleaseOptions{Name: "orders", Namespace: "payments", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// matrix has the values that the tests go through: each example, all at once, and what no example sets.
var matrix = map[string][]string{
	"minimal":                {"minimal"},
	"temporal-cloud-api-key": {"minimal", "temporal-cloud-api-key"},
	"temporal-cloud-mtls":    {"minimal", "temporal-cloud-mtls"},
	"rabbitmq-operator":      {"minimal", "rabbitmq-operator"},
	"ledger-setup":           {"minimal", "ledger-setup"},
	"rules-and-routes":       {"minimal", "rules-and-routes"},
	"desk":                   {"minimal", "desk"},
	"large":                  {"minimal", "large"},
	"all": {
		"minimal", "temporal-cloud-mtls", "rabbitmq-operator", "ledger-setup", "rules-and-routes", "desk", "large",
		"setup: {temporal: {enabled: true}}",
	},
	"everything off": {"minimal", `
setup: {temporal: {enabled: false}, migrate: {enabled: false}}
networkPolicy: {enabled: false}
podDisruptionBudget: {enabled: false}
serviceAccount: {create: false}
`},
	"rest": {"minimal", "temporal-cloud-api-key", `
fullnameOverride: payments
image: {digest: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
imagePullSecrets: [registry]
settings: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", HTTP_RATE_PER_CALLER: 1000000, IDEMPOTENCY_KEY_REQUIRED: true}
temporal: {tls: {enabled: true, serverName: temporal.example.com}}
trustedCAs: {configMap: company-cas}
worker:
  autoscaling: {by: backlog}
  settings: {LOG_LEVEL: debug}
  extraVolumes: [{name: more, emptyDir: {}}]
  extraVolumeMounts: [{name: more, mountPath: /more}]
alertman: {autoscaling: {by: backlog}}
api: {service: {type: LoadBalancer, annotations: {a: b}}}
podAnnotations: {a: b}
podLabels: {a: b}
nodeSelector: {kubernetes.io/arch: amd64}
tolerations: [{key: dedicated, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
priorityClassName: high
serviceAccount: {name: payments, annotations: {a: b}}
podDisruptionBudget: {maxUnavailable: 25%}
networkPolicy: {egress: {enabled: true}}
setup: {temporal: {enabled: true}}
`},
}

// each runs a test with the decoded objects of all values of the matrix.
func each(t *testing.T, test func(t *testing.T, all objects)) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(matrix)) {
		t.Run(name, func(t *testing.T) {
			all, done := decoded[name]
			if !done {
				manifests, err := render(t, values(t, matrix[name]...))
				require.NoError(t, err)
				all = decode(t, manifests)
				decoded[name] = all
			}
			test(t, all)
		})
	}
}

// decoded keeps what each has decoded, for the next tests.
var decoded = map[string]objects{}

// Every example is in the matrix, and helm lint --strict finds nothing in any.
func TestLint(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		assert.Contains(t, matrix, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	version, err := chartutil.ParseKubeVersion("v1.30.0")
	require.NoError(t, err)
	for name, files := range matrix {
		for _, message := range lint.AllWithKubeVersion("orders", values(t, files...), "payments", version).Messages {
			assert.Less(t, message.Severity, support.WarningSev, "%s: %s", name, message)
		}
	}
}

// What Helm says after an install names the objects that are there.
func TestNotes(t *testing.T) {
	manifests, err := render(t, values(t, "minimal"))
	require.NoError(t, err)
	notes := manifests["orders/templates/NOTES.txt"]
	assert.Contains(t, notes, "kubectl -n payments exec deploy/orders-worker -- /orders keys new")
	assert.Contains(t, notes, "http://orders-api.payments:9001")
}
