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

// make start starts the desk where OIDC_ISSUER is set, in the environment or in .env. The collector of the containers is not for other
// targets: make run has none.
func TestDeskNeedsIssuer(t *testing.T) {
	for name, c := range map[string]struct {
		arguments []string
		want      string
	}{
		"no issuer": {nil, ""},
		"issuer":    {[]string{"OIDC_ISSUER=https://login.example.com"}, "desk"},
		"observe":   {[]string{"OBSERVE=1"}, "observe"},
		"both":      {[]string{"OIDC_ISSUER=https://login.example.com", "OBSERVE=1"}, "desk,observe"},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := append([]string{"-s", "-f", "-", "-I", ".", "profiles"}, c.arguments...)
			cmd := exec.CommandContext(t.Context(), "make", arguments...)
			cmd.Dir = root
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
			cmd.Stdin = strings.NewReader("include Makefile\nprofiles:; @echo $$COMPOSE_PROFILES $$OTEL_EXPORTER_OTLP_ENDPOINT\n")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Equal(t, c.want, strings.TrimSpace(string(out)))
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

// A service that is restarted has a health check.
func TestHealthChecks(t *testing.T) {
	for name, s := range read(t, "docker-compose.yml").Services {
		if s.Restart != "" {
			assert.NotNil(t, s.Healthcheck, name)
			assert.Equal(t, "unless-stopped", s.Restart, name)
		}
	}
}
