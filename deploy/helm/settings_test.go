package helm_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Every variable of the file env can be set, and the chart sets no other.
func TestVariablesOfEnvFile(t *testing.T) {
	known := envFile(t)
	settable := slices.Concat(slices.Collect(maps.Keys(schema(t).Definitions["settings"].Properties)),
		slices.Collect(maps.Keys(schema(t).Definitions["secretRefs"].Properties)))
	given := map[string]bool{}
	each(t, func(t *testing.T, all objects) {
		for name, d := range all.deployments {
			for variable := range variables(d.Spec.Template.Spec.Containers[0]) {
				given[variable] = true
				if !strings.HasPrefix(variable, "OTEL_") {
					assert.Contains(t, slices.Concat(known, beside), withoutPart.ReplaceAllString(variable, "$1"), name)
				}
			}
		}
	})
	for _, variable := range known {
		assert.True(t, slices.Contains(settable, variable) || given[variable], "no value sets %s: see values.schema.json and files/variables.yaml", variable)
	}
	for _, variable := range settable {
		assert.Contains(t, known, variable, "values.schema.json allows what the file env does not have")
	}
}

// beside are variables of Go, which the file env does not list.
var beside = []string{"GOMEMLIMIT", "SSL_CERT_DIR"}

// withoutPart finds the variables from which a URL takes its user and password.
var withoutPart = regexp.MustCompile(`^(.*_URL)_(?:USERNAME|PASSWORD)$`)

// envFile returns the variables of the file env that the processes read, also those in comments.
func envFile(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(root + "env")
	require.NoError(t, err)
	read, _, found := strings.Cut(string(text), "# --- Only for make run and make start")
	require.True(t, found, "the file env has no part that the processes do not read")
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=`).FindAllStringSubmatch(read, -1) {
		if !strings.HasPrefix(match[1], "OTEL_") { // the schema allows all of them
			names = append(names, match[1])
		}
	}
	require.NotEmpty(t, names)
	return names
}

// schemaFile has the parts of values.schema.json that these tests look into.
type schemaFile struct {
	Definitions map[string]struct {
		Properties map[string]any `json:"properties"`
	} `json:"definitions"`
}

func schema(t *testing.T) schemaFile {
	t.Helper()
	text, err := os.ReadFile("orders/values.schema.json")
	require.NoError(t, err)
	var file schemaFile
	require.NoError(t, json.Unmarshal(text, &file))
	return file
}

// Each process gets the variables that it gets in Compose, those of set from the chart itself.
func TestVariablesAreThoseOfCompose(t *testing.T) {
	text, err := os.ReadFile("orders/files/variables.yaml")
	require.NoError(t, err)
	var reads map[string][]string
	require.NoError(t, yaml.UnmarshalStrict(text, &reads))
	set := []string{"HEALTH_ADDRESS", "HTTP_ADDRESS", "DESK_ADDRESS", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
	manifests, err := render(t, values(t, matrix["desk"]...))
	require.NoError(t, err)
	deployments := decode(t, manifests).deployments
	for _, process := range []string{"alertman", "api", "desk", "fraud-police", "worker"} {
		want := map[string]bool{}
		for _, file := range []string{"docker-compose.yml", "deploy/smtp.yml"} {
			for variable := range compose(t, file)[process].Environment {
				if slices.Contains(set, variable) {
					given := variables(deployments["orders-"+process].Spec.Template.Spec.Containers[0])
					assert.Contains(t, slices.Collect(maps.Keys(given)), variable, process)
				} else if !strings.HasPrefix(variable, "OTEL_") {
					want[variable] = true
				}
			}
		}
		got := slices.DeleteFunc(slices.Concat(reads["all"], reads[process]), func(variable string) bool {
			return strings.HasPrefix(variable, "TEMPORAL_") && variable != "TEMPORAL_COMPRESSION" // Compose sets none of these
		})
		assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), got, process)
	}
}

type service struct {
	Image       string         `json:"image"`
	Environment map[string]any `json:"environment"`
}

func compose(t *testing.T, name string) map[string]service {
	t.Helper()
	text, err := os.ReadFile(root + name)
	require.NoError(t, err)
	var file struct {
		Services map[string]service `json:"services"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	return file.Services
}

// The jobs get whole scripts, and run the images that Compose runs.
func TestSetupJobs(t *testing.T) {
	manifests, err := render(t, values(t, matrix["all"]...))
	require.NoError(t, err)
	all := decode(t, manifests)
	script, err := os.ReadFile(root + "temporal-config/setup.sh")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(script)), strings.TrimSpace(all.configMaps["orders-setup"].Data["setup.sh"]))
	services := compose(t, "docker-compose.yml")
	for job, service := range map[string]string{"orders-temporal-setup": "temporal-setup", "orders-ledger-setup": "ledger-setup"} {
		assert.Equal(t, services[service].Image, all.jobs[job].Spec.Template.Spec.Containers[0].Image, job)
	}
	migrate := all.jobs["orders-ledger-migrate"].Spec.Template.Spec.Containers[0]
	assert.Equal(t, []string{"ledger", "migrate"}, migrate.Args)
	assert.Contains(t, variables(migrate), "LEDGER_URL")
}

// The alarms reach Prometheus as they are, and look for the processes under the names that the ServiceMonitor gives their jobs.
func TestAlarms(t *testing.T) {
	manifests, err := render(t, values(t, matrix["large"]...))
	require.NoError(t, err)
	all := decode(t, manifests)
	text, err := os.ReadFile("orders/files/alerts.yml")
	require.NoError(t, err)
	want := &prometheusRule{}
	require.NoError(t, yaml.UnmarshalStrict(text, &want.Spec))
	require.NotEmpty(t, want.Spec.Groups)
	require.Contains(t, all.rules, "orders")
	assert.Equal(t, want.Spec, all.rules["orders"].Spec)
	relabelings := all.serviceMonitors["orders"].Spec.Endpoints[0].Relabelings
	require.Len(t, relabelings, 1)
	assert.Equal(t, "job", relabelings[0].TargetLabel)
	const component = "app.kubernetes.io/component"
	// Prometheus replaces what its label names cannot have.
	assert.Equal(t, []string{"__meta_kubernetes_pod_label_" + strings.NewReplacer(".", "_", "/", "_").Replace(component)}, relabelings[0].SourceLabels)
	for name, d := range all.deployments {
		job := d.Spec.Template.Labels[component]
		assert.Contains(t, string(text), `up{job="`+job+`"}`, name)
	}
}

// No manifest has a secret: what is secret comes from Secrets, and the chart makes none.
func TestSecretsByReference(t *testing.T) {
	secret := schema(t).Definitions["secretRefs"].Properties
	plain := schema(t).Definitions["settings"].Properties
	each(t, func(t *testing.T, all objects) {
		for name, pod := range all.pods() {
			for variable, v := range variables(pod.Spec.Containers[0]) {
				_, isSecret := secret[variable]
				_, isPlain := plain[variable]
				if isSecret && !isPlain || strings.HasSuffix(variable, "PASSWORD") || variable == "TEMPORAL_API_KEY" {
					assertReference(t, v, name)
				}
			}
		}
	})
}

func assertReference(t *testing.T, v corev1.EnvVar, name string) {
	t.Helper()
	if v.ValueFrom == nil {
		assert.Regexp(t, `^\w+://[^:@]+:\$\(`+v.Name+`_PASSWORD\)@`, v.Value, "%s: %s", name, v.Name)
		return
	}
	require.NotNil(t, v.ValueFrom.SecretKeyRef, "%s: %s", name, v.Name)
	assert.NotEmpty(t, v.ValueFrom.SecretKeyRef.Name, "%s: %s", name, v.Name)
	assert.NotEmpty(t, v.ValueFrom.SecretKeyRef.Key, "%s: %s", name, v.Name)
}

// A setting of one process wins over that of all, numbers and flags are written as the processes read them, and URLs get their
// user and password from variables that stand before them.
func TestSettings(t *testing.T) {
	manifests, err := render(t, values(t, "minimal", "rabbitmq-operator", `
settings: {HTTP_RATE_PER_CALLER: 1000000, IDEMPOTENCY_KEY_REQUIRED: true, SMTP_PORT: "465", LOG_LEVEL: warn, NO_COLOR: "1"}
worker: {settings: {LOG_LEVEL: debug}}
fraudPolice: {settings: {NO_COLOR: ""}}
`))
	require.NoError(t, err)
	all := decode(t, manifests)
	of := func(process string) map[string]corev1.EnvVar {
		return variables(all.deployments["orders-"+process].Spec.Template.Spec.Containers[0])
	}
	assert.Equal(t, "1000000", of("api")["HTTP_RATE_PER_CALLER"].Value)
	assert.Equal(t, "true", of("api")["IDEMPOTENCY_KEY_REQUIRED"].Value)
	assert.Equal(t, "465", of("alertman")["SMTP_PORT"].Value)
	assert.NotContains(t, of("api"), "SMTP_PORT")
	assert.Equal(t, "debug", of("worker")["LOG_LEVEL"].Value)
	assert.Equal(t, "warn", of("api")["LOG_LEVEL"].Value)
	assert.Equal(t, "1", of("api")["NO_COLOR"].Value)
	assert.Empty(t, of("fraud-police")["NO_COLOR"].Value)
	env := all.deployments["orders-worker"].Spec.Template.Spec.Containers[0].Env
	at := func(name string) int {
		return slices.IndexFunc(env, func(v corev1.EnvVar) bool { return v.Name == name })
	}
	assert.Equal(t, "amqp://$(RABBITMQ_PUBLISHER_URL_USERNAME):$(RABBITMQ_PUBLISHER_URL_PASSWORD)@rabbitmq.queues.svc:5672/", env[at("RABBITMQ_PUBLISHER_URL")].Value)
	for _, part := range []string{"USERNAME", "PASSWORD"} {
		assert.True(t, 0 <= at("RABBITMQ_PUBLISHER_URL_"+part) && at("RABBITMQ_PUBLISHER_URL_"+part) < at("RABBITMQ_PUBLISHER_URL"), part)
	}
}

// Values that are wrong are refused, and the message says where and why.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		values string
		want   []string
	}{
		"unknown value":         {"api: {replica: 3}", []string{"/api", "'replica' not allowed"}},
		"unknown setting":       {"settings: {LOG_LEVL: debug}", []string{"/settings", "'LOG_LEVL' not allowed"}},
		"wrong type":            {"worker: {replicas: two}", []string{"/worker/replicas", "want integer"}},
		"a secret as a setting": {"settings: {STRIPE_API_KEY: sk_live_1}", []string{"/settings", "'STRIPE_API_KEY' not allowed"}},
		"a secret's value":      {"secretRefs: {API_KEYS: shop:0123456789abcdef}", []string{"/secretRefs/API_KEYS", "want object"}},
		"a password in a URL": {
			"worker: {secretRefs: {LEDGER_URL: {name: a, url: 'postgres://orders:geheim@db/orders'}}}",
			[]string{"/worker/secretRefs/LEDGER_URL/url", "does not match pattern"},
		},
		"a reference without a key": {"secretRefs: {API_KEYS: {name: orders}}", []string{"/secretRefs/API_KEYS", "missing property 'key'"}},
		"latest":                    {"image: {tag: latest}", []string{"image.tag: latest may be another image tomorrow"}},
		"no tag":                    {"image: {tag: ''}", []string{"image.tag or image.digest is needed"}},
		"no repository":             {"image: {repository: ''}", []string{"image.repository is needed"}},
		"no server":                 {"temporal: {address: ''}", []string{"temporal.address is needed"}},
		"a server without a port":   {"temporal: {address: temporal}", []string{"/temporal/address", "does not match pattern"}},
		"another's setting":         {"api: {settings: {SMTP_PORT: 25}}", []string{"api does not read SMTP_PORT"}},
		"another's secret":          {"fraudPolice: {secretRefs: {STRIPE_API_KEY: {name: a, key: b}}}", []string{"fraud-police does not read STRIPE_API_KEY"}},
		"an API by backlog":         {"api: {autoscaling: {by: backlog}}", []string{"/api/autoscaling/by", "must be one of '', 'cpu'"}},
		"a backlog over TLS": {
			"{temporal: {tls: {enabled: true}}, fraudPolice: {autoscaling: {by: backlog}}}",
			[]string{"fraudPolice.autoscaling.by: backlog needs temporal.apiKey or temporal.tls.clientSecret"},
		},
		"a backlog over TLS by a setting": {
			"{settings: {TEMPORAL_TLS_SERVER_CA_CERT_PATH: /ca.pem}, worker: {autoscaling: {by: backlog}}}",
			[]string{"worker.autoscaling.by: backlog needs temporal.apiKey or temporal.tls.clientSecret"},
		},
		"too short to end":         {"terminationGracePeriodSeconds: 10", []string{"/terminationGracePeriodSeconds", "minimum"}},
		"an Ingress without hosts": {"api: {ingress: {enabled: true}}", []string{"api.ingress.hosts is needed"}},
		"a setup without a host":   {"setup: {ledger: {enabled: true}}", []string{"setup.ledger.host is needed"}},
		"no limits":                {"api: {resources: {limits: {cpu: 1}}}", nil}, // the chart's memory stays
		"limits taken away":        {"api: {resources: {limits: null}}", []string{"/api/resources", "missing property 'limits'"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, values(t, "minimal", c.values))
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, want := range c.want {
				assert.Contains(t, strings.ReplaceAll(err.Error(), "at '", "'/"), want)
			}
		})
	}
}

// Without the settings that every installation needs, the chart names the one that is missing.
func TestNeeded(t *testing.T) {
	for _, needed := range []string{
		"settings.PAYMENT_GATEWAYS", "settings.API_URL", "settings.WEB_UI_URL", "secretRefs.CARD_FINGERPRINT_KEY",
		"secretRefs.RABBITMQ_PUBLISHER_URL", "secretRefs.RABBITMQ_CONSUMER_URL", "api.secretRefs.LEDGER_URL",
		"worker.secretRefs.LEDGER_URL", "fraudPolice.secretRefs.LEDGER_URL", "alertman.secretRefs.LEDGER_URL",
		"desk.secretRefs.LEDGER_URL", "settings.DESK_URL", "settings.OIDC_ISSUER", "settings.OIDC_ROLES",
	} {
		t.Run(needed, func(t *testing.T) {
			given := values(t, "minimal", "desk")
			path := strings.Split(needed, ".")
			inner := given
			for _, key := range path[:len(path)-1] {
				inner = inner[key].(map[string]any)
			}
			require.Contains(t, inner, path[len(path)-1])
			delete(inner, path[len(path)-1])
			_, err := render(t, given)
			require.ErrorContains(t, err, path[len(path)-2]+"."+path[len(path)-1]+" is needed")
		})
	}
}
