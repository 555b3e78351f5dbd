package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

const root = ".."

// ours lists the services that run the orders binary.
var ours = []string{"alertman", "api", "desk", "fraud-police", "worker"}

// file holds the parts of a Compose file, or of Compose's output, that these tests check.
type file struct {
	Services map[string]service `yaml:"services"`
}

type service struct {
	Image         string                `yaml:"image"`
	Build         any                   `yaml:"build"`
	ContainerName string                `yaml:"container_name"`
	Environment   map[string]*string    `yaml:"environment"` // nil means the value of the shell or .env
	Ports         []any                 `yaml:"ports"`
	Profiles      []string              `yaml:"profiles"`
	ReadOnly      bool                  `yaml:"read_only"`
	CapDrop       []string              `yaml:"cap_drop"`
	SecurityOpt   []string              `yaml:"security_opt"`
	Healthcheck   *struct{}             `yaml:"healthcheck"`
	Restart       string                `yaml:"restart"`
	Volumes       []any                 `yaml:"volumes"`
	Entrypoint    []string              `yaml:"entrypoint"`
	Command       []string              `yaml:"command"`
	DependsOn     map[string]dependency `yaml:"depends_on"`
}

type dependency struct {
	Condition string `yaml:"condition"`
}

func read(t *testing.T, path string) file {
	t.Helper()
	text, err := os.ReadFile(root + "/" + path)
	require.NoError(t, err)
	var f file
	require.NoError(t, yaml.Load(text, &f), path)
	require.NotEmpty(t, f.Services, path)
	return f
}

// Processes get only variables that they read.
func TestServicesGetOnlyOwnVariables(t *testing.T) {
	known := variables(t)
	for _, path := range []string{"docker-compose.yml", "deploy/smtp.yml"} {
		for name, s := range read(t, path).Services {
			if !slices.Contains(ours, name) {
				continue
			}
			for variable := range s.Environment {
				if !strings.HasPrefix(variable, "TEMPORAL_") {
					assert.Contains(t, known, variable, "%s, service %s", path, name)
				}
			}
		}
	}
}

func TestEveryVariableReachesProcess(t *testing.T) {
	given := map[string]bool{}
	for _, path := range []string{"docker-compose.yml", "deploy/smtp.yml"} {
		f := read(t, path)
		for _, name := range ours {
			for variable := range f.Services[name].Environment {
				given[variable] = true
			}
		}
	}
	for _, variable := range variables(t) {
		assert.True(t, given[variable], "docker-compose.yml passes %s to no service", variable)
	}
}

// Processes have no rights and no disk.
func TestServicesHaveNoRights(t *testing.T) {
	services := read(t, "docker-compose.yml").Services
	for _, name := range append([]string{"mail"}, ours...) {
		s := services[name]
		assert.True(t, s.ReadOnly, "%s: read_only", name)
		assert.Equal(t, []string{"ALL"}, s.CapDrop, "%s: cap_drop", name)
		assert.Contains(t, s.SecurityOpt, "no-new-privileges:true", "%s: security_opt", name)
	}
}

func TestServicesCanBeScaled(t *testing.T) {
	for name, s := range read(t, "docker-compose.yml").Services {
		assert.Empty(t, s.ContainerName, "%s: container_name", name)
		if slices.Contains(ours, name) && name != "api" && name != "desk" {
			assert.Empty(t, s.Ports, "%s: ports", name)
		}
	}
}

// Servers are published on this machine only.
func TestPortsAreLocal(t *testing.T) {
	for name, s := range read(t, "docker-compose.yml").Services {
		for _, port := range s.Ports {
			host := "127.0.0.1:"
			if name == "api" {
				host = "${API_HOST:-127.0.0.1}:"
			}
			assert.True(t, strings.HasPrefix(fmt.Sprint(port), host), "%s: %s", name, port)
		}
	}
}

// The processes see only the container's address, and so are given the one at which its port is published.
func TestAPIPublishedOn(t *testing.T) {
	published := read(t, "docker-compose.yml").Services["api"].Environment["API_PUBLISHED_ON"]
	require.NotNil(t, published)
	assert.Equal(t, "${API_HOST:-127.0.0.1}", *published)
}

// The desk starts only where the Makefile has seen an issuer, and without it the API goes on.
func TestDeskIsAProfile(t *testing.T) {
	for name, s := range read(t, "docker-compose.yml").Services {
		if name == "desk" {
			assert.Equal(t, []string{"desk"}, s.Profiles)
		}
		assert.NotContains(t, s.DependsOn, "desk", name)
	}
}

// make start reads what it decides by from the shell and, where that has nothing, from .env. The collector of the containers is not for
// other targets.
func TestMakeStart(t *testing.T) {
	const (
		issuer    = "OIDC_ISSUER=https://login.example.com"
		collector = "http://otel-collector:4318"
		smtp      = "deploy/smtp.yml"
		all       = issuer + "\nOBSERVE=true\nOTEL_EXPORTER_OTLP_ENDPOINT=http://ours:4318\nSMTP_HOSTNAME=\"smtp.example.com\"\n"
		makefile  = "include Makefile\ndocker-engine: ;\n" +
			"start other:; @echo $@ profiles=$$COMPOSE_PROFILES collector=$$OTEL_EXPORTER_OTLP_ENDPOINT smtp=$(filter %smtp.yml,$(development))\n"
	)
	env, err := os.ReadFile(root + "/env")
	require.NoError(t, err)
	folder, err := filepath.Abs(root)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		shell                     []string
		file                      string // .env
		profiles, collector, smtp string
	}{
		"nothing":                 {},
		"a copy of env":           {file: string(env)},
		"issuer":                  {shell: []string{issuer}, profiles: "desk"},
		"observe":                 {shell: []string{"OBSERVE=1"}, profiles: "observe", collector: collector},
		"observe, beside a copy":  {shell: []string{"OBSERVE=1"}, file: string(env), profiles: "observe", collector: collector},
		"both":                    {shell: []string{issuer, "OBSERVE=1"}, profiles: "desk,observe", collector: collector},
		"a collector":             {shell: []string{"OBSERVE=1", "OTEL_EXPORTER_OTLP_ENDPOINT=http://mine:4318"}, profiles: "observe", collector: "http://mine:4318"},
		"a mail server":           {shell: []string{"SMTP_HOSTNAME=smtp.example.com"}, smtp: smtp},
		"all in .env":             {file: all, profiles: "desk,observe", collector: "http://ours:4318", smtp: smtp},
		"the shell before .env":   {shell: []string{"OBSERVE=false", "SMTP_HOSTNAME=localhost"}, file: all, profiles: "desk"},
		"the last of two in .env": {file: "OBSERVE=false\nOBSERVE=1\n", profiles: "observe", collector: collector},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "make", "-s", "-f", "-", "-I", folder, "start", "other")
			cmd.Dir = t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, ".env"), []byte(c.file), 0o600))
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, c.shell...)
			cmd.Stdin = strings.NewReader(makefile)
			out, err := cmd.Output()
			require.NoError(t, err)
			start, other, _ := strings.Cut(string(out), "\n")
			assert.Equal(t, fmt.Sprintf("start profiles=%s collector=%s smtp=%s", c.profiles, c.collector, c.smtp), start)
			assert.NotContains(t, other, collector)
		})
	}
}

// What protects production is fixed, so that a copy of the file env, which has the defaults for development, does not take it away.
func TestProductionIsFixed(t *testing.T) {
	services := read(t, "deploy/production.yml").Services
	for _, name := range ours {
		fixed := map[string]string{"TEST_DOUBLES": "refuse", "LOG_FORMAT": "json"}
		if name == "api" {
			fixed["API_KEYS_IN_LEDGER"] = "true"
		}
		for variable, want := range fixed {
			assert.Equal(t, want, *services[name].Environment[variable], "%s of %s", variable, name)
		}
	}
	assert.Equal(t, "refuse", *services["check-secrets"].Environment["TEST_DOUBLES"])
}

// The servers start in production once check-secrets has looked at the passwords that they take.
func TestProductionChecksSecrets(t *testing.T) {
	services := read(t, "deploy/production.yml").Services
	check := services["check-secrets"]
	for name, variable := range map[string]string{"postgres": "POSTGRES_PASSWORD", "ledger-setup": "PGPASSWORD", "temporal-schema": "SQL_PASSWORD", "temporal": "POSTGRES_PWD"} {
		assert.Equal(t, check.Environment["POSTGRES_PASSWORD"], services[name].Environment[variable], name)
	}
	definitions := func(s service) string {
		file, _, _ := strings.Cut(fmt.Sprint(s.Volumes), ":/")
		return file[:strings.IndexAny(file, ":}")]
	}
	assert.Equal(t, definitions(check), definitions(services["rabbitmq"]))
	assert.Equal(t, "[${RABBITMQ_DEFINITIONS", definitions(check))
	for _, name := range []string{"postgres", "rabbitmq"} {
		assert.Equal(t, map[string]dependency{"check-secrets": {"service_completed_successfully"}}, services[name].DependsOn, name)
	}
}

var (
	settingOr = regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)
	pathWord  = regexp.MustCompile(`^(?:--[a-z.]+=)?(/.+)$`)
)

// What containers mount of this repository is there, and other users than the one who cloned it can read it. What they run or read by a
// path below it is there too.
func TestMountedFiles(t *testing.T) {
	for name, s := range read(t, "docker-compose.yml").Services {
		mounts := map[string]string{} // by the path in the container
		for _, volume := range s.Volumes {
			parts := strings.Split(settingOr.ReplaceAllString(fmt.Sprint(volume), "$1"), ":")
			if strings.HasPrefix(parts[0], "./") {
				mounts[parts[1]] = filepath.Join(root, parts[0])
				assertReadable(t, mounts[parts[1]])
			}
		}
		words := slices.Concat(s.Entrypoint, s.Command)
		own := len(words) > 0 // else the image says what runs
		for _, value := range s.Environment {
			if value != nil {
				words = append(words, *value)
			}
		}
		for i, word := range words {
			for target, source := range mounts {
				path := pathWord.FindStringSubmatch(word)
				if path == nil || path[1] != target && !strings.HasPrefix(path[1], target+"/") {
					continue
				}
				found, err := os.Stat(source + strings.TrimPrefix(path[1], target))
				if assert.NoError(t, err, "%s: %s", name, word) && own && i == 0 && word == path[1] {
					assert.NotZero(t, found.Mode()&0o001, "%s cannot run %s", name, word)
				}
			}
		}
	}
}

// assertReadable looks at a file, or at all of a folder.
func assertReadable(t *testing.T, path string) {
	t.Helper()
	assert.NoError(t, filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		needed := fs.FileMode(0o004)
		if entry.IsDir() {
			needed = 0o005
		}
		assert.Equal(t, needed, info.Mode().Perm()&needed, "%s: %s", path, info.Mode())
		return nil
	}))
}

// A service that is restarted has a health check. One that runs to its end is waited for by another, as wait.sh expects.
func TestHealthChecks(t *testing.T) {
	services := read(t, "docker-compose.yml").Services
	for name, s := range services {
		if s.Restart != "" {
			assert.NotNil(t, s.Healthcheck, name)
			assert.Equal(t, "unless-stopped", s.Restart, name)
		}
		if s.Healthcheck != nil || slices.Contains([]string{"otel-collector", "jaeger"}, name) {
			continue
		}
		waited := false
		for _, other := range services {
			waited = waited || other.DependsOn[name].Condition == "service_completed_successfully"
		}
		assert.True(t, waited, "%s has no health check, and no other service waits until it has ended", name)
	}
}

// wait.sh goes on once each container is healthy, runs without a health check or has done its work, and gives up on one that has failed or
// takes too long.
func TestWaitForContainers(t *testing.T) {
	for state, want := range map[string]string{
		"running 0 healthy":   "",
		"running 0 none":      "", // such as otel-collector
		"exited 0 none":       "", // such as ledger-setup
		"created 0 none":      "still not ready: one",
		"running 0 starting":  "still not ready: one",
		"running 0 unhealthy": "still not ready: one", // it may yet get better
		"exited 0 healthy":    "failed: one",
		"exited 1 none":       "failed: one",
		"restarting 1 none":   "failed: one",
		"dead 0 none":         "failed: one",
	} {
		t.Run(state, func(t *testing.T) {
			docker := script(t, `case $1 in inspect) printf '/other running 0 healthy\n/one %s\n' "$STATE" ;; logs) echo "log of $4" ;; esac`)
			cmd := exec.CommandContext(t.Context(), root+"/deploy/wait.sh", "1", "2")
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DOCKER=" + docker, "STATE=" + state, "WAIT_SECONDS=0"}
			out, err := cmd.CombinedOutput()
			if want == "" {
				require.NoError(t, err, "%s", out)
				assert.Empty(t, string(out))
				return
			}
			require.Error(t, err)
			assert.Equal(t, "wait.sh: "+want+"; the last lines of one:\nlog of one\n", string(out))
		})
	}
}

// The addresses are those at which this machine reaches what is published, and the desk's is the one that the issuer sends browsers
// back to: another name of this machine would lack the session's cookie.
func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		api, desk, mail string
		want            []string
		not             string
	}{
		"laptop": {
			api: "127.0.0.1:9001", desk: "http://127.0.0.1:9002", mail: "mail",
			want: []string{"API         http://localhost:9001 ", "docs: http://localhost:9001/docs", "Desk        http://127.0.0.1:9002 ", "make check-mail-dev"},
			not:  "Jaeger",
		},
		"all addresses": {
			api: "0.0.0.0:9001", desk: "https://desk.example.com", mail: "smtp.example.com",
			want: []string{"API         http://localhost:9001 ", "\ncurl http://localhost:9001/transact ", "Desk        https://desk.example.com ", "goes to smtp.example.com"},
			not:  "check-mail",
		},
		"one address": {api: "192.0.2.5:9001", mail: "mail", want: []string{"API         http://192.0.2.5:9001 ", "\ncurl http://192.0.2.5:9001/transact "}, not: "Desk"},
		"IPv6":        {api: "[2001:db8::5]:9001", mail: "mail", want: []string{"API         http://[2001:db8::5]:9001 "}, not: "Desk"},
	} {
		t.Run(name, func(t *testing.T) {
			compose := script(t, `case $* in "port api 9001") echo "$API" ;; "ps -q alertman") echo alertman ;; "ps -q desk") [ -z "$DESK" ] || echo desk ;; *) exit 1 ;; esac`)
			docker := script(t, `case $* in *" alertman") echo "SMTP_HOSTNAME=$MAIL" ;; *" desk") echo "DESK_URL=$DESK" ;; *) exit 1 ;; esac`)
			cmd := exec.CommandContext(t.Context(), root+"/deploy/addresses.sh")
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "COMPOSE=" + compose, "DOCKER=" + docker, "API=" + c.api, "DESK=" + c.desk, "MAIL=" + c.mail}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, want := range c.want {
				assert.Contains(t, string(out), want)
			}
			assert.NotContains(t, string(out), c.not)
		})
	}
}

// script writes a program for sh, and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	return path
}
