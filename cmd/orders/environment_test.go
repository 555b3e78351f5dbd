package main

import (
	"maps"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
	"github.com/sethvargo/go-envconfig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	temporalenv "go.temporal.io/sdk/contrib/envconfig"
)

// envFile is the list of variables that people copy.
const envFile = "../../env"

// The file env lists every variable with its default.
func TestEnvFileIsComplete(t *testing.T) {
	listed, err := godotenv.Read(envFile)
	require.NoError(t, err)
	forMake := map[string]string{
		"RABBITMQ_MANAGEMENT_PORT": "15672", "OBSERVE": "false",
		"PROMETHEUS_PORT": "9090", "ALERTMANAGER_PORT": "9093", "DESK_PORT": "9002", "GRAFANA_PORT": "3000", "JAEGER_PORT": "16686",
	}
	for name, value := range forMake {
		assert.Equal(t, value, listed[name], "make run and docker-compose.yml read %s", name)
		delete(listed, name)
	}
	assert.Empty(t, cmp.Diff(defaults(t), listed), "the file env is not what the code reads (-code +file)")
}

func TestEnvFileHasNoDuplicates(t *testing.T) {
	names := variableLines(t, `(?m)^#?([A-Z][A-Z0-9_]*)=`)
	slices.Sort(names)
	require.Equal(t, slices.Compact(slices.Clone(names)), names)
}

// A shell reads the file env in the same way.
func TestEnvFileInShell(t *testing.T) {
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -eu; set -a; . "$0"; env`, "./"+envFile)
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := shell.Output()
	require.NoError(t, err)
	read := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		read[name] = value
	}
	for name, value := range defaults(t) {
		require.Equal(t, value, read[name], name)
	}
}

// The file env has Temporal's own variables in comments. The codec's variables are left out of the file: Temporal's
// library reads them, but this service uses no codec.
func TestEnvFileTemporalVariables(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // hides the profiles of the user who runs the tests
	asked := askedFor{}
	_, err := temporalenv.LoadClientOptions(temporalenv.LoadClientOptionsRequest{EnvLookup: asked})
	require.NoError(t, err)
	delete(asked, "TEMPORAL_CODEC_ENDPOINT")
	delete(asked, "TEMPORAL_CODEC_AUTH")
	named := variableLines(t, `(?m)^#([A-Z][A-Z0-9_]*)=`)
	require.ElementsMatch(t, slices.Collect(maps.Keys(asked)), named)
}

// defaults returns the variables that the code reads, by the tags of environment's fields, with their defaults.
func defaults(t *testing.T) map[string]string {
	t.Helper()
	env, err := readEnvironment(t.Context(), envconfig.MapLookuper(nil))
	require.NoError(t, err)
	all := map[string]string{}
	for field, value := range reflect.ValueOf(env).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		require.NotEmpty(t, name, field.Name)
		all[name] = value.String()
	}
	return all
}

func variableLines(t *testing.T, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(envFile)
	require.NoError(t, err)
	var names []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	return names
}

// askedFor is an empty environment that records which variables are read.
type askedFor map[string]bool

func (a askedFor) LookupEnv(name string) (string, bool) {
	a[name] = true
	return "", false
}

func (a askedFor) Environ() []string { return nil }
