package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

var (
	development = []string{"docker-compose.yml"}
	ownMail     = []string{"docker-compose.yml", "deploy/smtp.yml"}
	production  = []string{"docker-compose.yml", "deploy/smtp.yml", "deploy/production.yml"}
)

func TestComposeReadsFile(t *testing.T) {
	eachCompose(t, func(t *testing.T, c command) {
		config := c.mustConfig(t, settings(t), development)
		for _, name := range append([]string{"prometheus", "alertmanager", "grafana", "otel-collector", "jaeger"}, ours...) {
			assert.Contains(t, config.Services, name)
		}
	})
}

// A copy of the file env moves no server, and takes nothing from production. What the file sets stays. A copy of env says localhost
// for every server, which in a container means the container itself.
func TestCopyOfEnvFile(t *testing.T) {
	text, err := os.ReadFile(root + "/env")
	require.NoError(t, err)
	eachCompose(t, func(t *testing.T, c command) {
		for name, test := range map[string]struct {
			files []string
			lines []string // beside the copy
		}{
			"development": {development, nil},
			"production":  {production, demanded},
		} {
			t.Run(name, func(t *testing.T) {
				if test.lines != nil {
					c.skipProductionWhenOld(t)
				}
				bare := c.mustConfig(t, settings(t, test.lines...), test.files)
				copied := c.mustConfig(t, settings(t, append([]string{string(text)}, test.lines...)...), test.files)
				for _, name := range ours {
					for variable, value := range bare.Services[name].Environment {
						if value != nil {
							assert.Equal(t, value, copied.Services[name].Environment[variable], "%s of %s", variable, name)
						}
					}
				}
			})
		}
	})
}

// Settings for another mail server reach alertman.
func TestOwnMailServer(t *testing.T) {
	eachCompose(t, func(t *testing.T, c command) {
		env := settings(t, "SMTP_HOSTNAME=smtp.example.com", "SMTP_PORT=587", "SMTP_USE_TLS=starttls", "SMTP_USERNAME=us")
		given := c.mustConfig(t, env, ownMail).Services["alertman"].Environment
		assert.Equal(t, "smtp.example.com", *given["SMTP_HOSTNAME"])
		assert.Equal(t, "us", *given["SMTP_USERNAME"])
	})
}

// demanded lists the variables without which production does not run.
var demanded = []string{
	"ORDERS_IMAGE=registry.example.com/team/dummyorders:main-1a2b3c4",
	"CARD_FINGERPRINT_KEY=0123456789abcdef0123456789abcdef",
	"PAYMENT_GATEWAYS=card:stripe,*:refuse",
	"POSTGRES_PASSWORD=secret-p",
	"LEDGER_PASSWORD=secret-l",
	"LEDGER_READER_PASSWORD=secret-r",
	"LEDGER_DESK_PASSWORD=secret-d",
	"LEDGER_POLICE_PASSWORD=secret-f",
	"LEDGER_ALERTMAN_PASSWORD=secret-m",
	"RABBITMQ_DEFINITIONS=/etc/orders/definitions.json",
	"RABBITMQ_PUBLISHER_URL=amqp://orders:secret-o@rabbitmq:5672/",
	"RABBITMQ_CONSUMER_URL=amqp://alertman:secret-a@rabbitmq:5672/",
	"SMTP_HOSTNAME=smtp.example.com",
	"SMTP_PORT=587",
	"SMTP_USE_TLS=starttls",
	"TRANSACTION_FRAUD_EMAIL_ALERT_FROM=orders@example.com",
	"TRANSACTION_FRAUD_EMAIL_ALERT_TO=fraud@example.com",
	"WEB_UI_URL=https://temporal.example.com",
	"API_URL=https://orders.example.com",
}

// Production demands every secret.
func TestProductionNeedsSecrets(t *testing.T) {
	eachCompose(t, func(t *testing.T, c command) {
		c.skipProductionWhenOld(t)
		for i, setting := range demanded {
			name, _, _ := strings.Cut(setting, "=")
			rest := slices.Delete(slices.Clone(demanded), i, i+1)
			_, stderr, err := c.config(t, settings(t, rest...), production)
			require.Error(t, err, "without %s", name)
			assert.Contains(t, stderr, name)
		}
	})
}

// Production publishes no server and builds nothing.
func TestProductionServices(t *testing.T) {
	eachCompose(t, func(t *testing.T, c command) {
		c.skipProductionWhenOld(t)
		config := c.mustConfig(t, settings(t, demanded...), production)
		for name, s := range config.Services {
			assert.Nil(t, s.Build, "%s: build", name)
			if name != "api" && name != "desk" && name != "temporal-ui" && !slices.Contains(s.Profiles, "observe") {
				assert.Empty(t, s.Ports, "%s: ports", name)
			}
			for variable, value := range s.Environment {
				if value != nil {
					assert.NotContains(t, *value, "localhost", "%s of %s", variable, name)
				}
			}
		}
		assert.Equal(t, "registry.example.com/team/dummyorders:main-1a2b3c4", config.Services["worker"].Image)
		assert.NotContains(t, config.Services, "mail")
	})
}

// settings writes a file of variables for Compose.
func settings(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// command is a Compose on this machine.
type command struct {
	words        []string
	major, minor int
}

// eachCompose runs the test with the plugin docker compose and with docker-compose, if they are installed.
func eachCompose(t *testing.T, test func(*testing.T, command)) {
	t.Helper()
	for _, words := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			c := command{words: words}
			version, _, err := c.run(t, "version", "--short")
			if err != nil {
				t.Skipf("there is no %s here, and what it makes of the files stays untested: %v", strings.Join(words, " "), err)
			}
			_, err = fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d", &c.major, &c.minor)
			require.NoError(t, err, version)
			test(t, c)
		})
	}
}

func (c command) skipProductionWhenOld(t *testing.T) {
	t.Helper()
	if c.major < 2 || c.major == 2 && c.minor < 24 {
		t.Skipf("production needs Compose 2.24, and stays untested with this %d.%d", c.major, c.minor)
	}
}

// config returns Compose's output for the files, with the variables in a file.
func (c command) config(t *testing.T, env string, files []string) (stdout, stderr string, err error) {
	t.Helper()
	args := []string{"--profile", "desk", "--profile", "observe", "--env-file", env}
	for _, name := range files {
		args = append(args, "-f", name)
	}
	return c.run(t, append(args, "config")...)
}

func (c command) mustConfig(t *testing.T, env string, files []string) file {
	t.Helper()
	stdout, stderr, err := c.config(t, env, files)
	require.NoError(t, err, stderr)
	var f file
	require.NoError(t, yaml.Load([]byte(stdout), &f))
	return f
}

// run runs Compose in the project's folder, without this process's variables. None of this needs a Docker engine.
func (c command) run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.words[0], slices.Concat(c.words[1:], args)...)
	cmd.Dir = root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}
