package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/smtp"
)

// aKey is the shortest fingerprint key that is allowed.
const aKey = "0123456789abcdef0123456789abcdef"

// processes holds the commands that read settings.
var processes = map[string]interface {
	Run(ctx context.Context) error
}{
	"api":          apiCommand{},
	"worker":       workerCommand{},
	"fraud-police": fraudPoliceCommand{},
	"alertman":     runAlertmanCommand{},
}

// wrongValues holds values that a process must refuse, and what it must say would be right.
var wrongValues = []struct {
	process, name, value string
	right                string
}{
	{"api", "LOG_LEVEL", "loud", "one of debug, info, warn, error"},
	{"api", "LOG_FORMAT", "xml", "one of text, json, pretty"},
	{"api", "OTEL_SDK_DISABLED", "no traces", "true or false"},
	{"api", "OTEL_METRICS_EXPORTER", "otlp", "one of prometheus, none"},
	{"api", "OTEL_TRACES_EXPORTER", "jaeger", "one of otlp, console, none"},
	{"api", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "one of http/protobuf, grpc"},
	{"api", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC", "one of http/protobuf, grpc"},
	{"api", "OTEL_TRACES_SAMPLER", "sometimes", "one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"},
	{"api", "OTEL_TRACES_SAMPLER_ARG", "10%", "a number from 0 to 1, such as 0.1"},
	{"api", "HTTP_ADDRESS", "9001", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"api", "HTTP_ADDRESS", ":65536", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"api", "HTTP_ADDRESS", ":http", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"api", "HTTP_MAX_IN_FLIGHT_PER_CALLER", "0", "a whole number from 1 to 100000"},
	{"api", "HTTP_RATE_PER_CALLER", "0", "a whole number from 1 to 1000000"},
	{"api", "HTTP_BURST_PER_CALLER", "-1", "a whole number from 1 to 1000000"},
	{"api", "HTTP_MAX_CONNECTIONS", "0", "a whole number from 1 to 100000"},
	{"api", "HTTP_MAX_CONNECTIONS_PER_ADDRESS", "all", "a whole number from 1 to 100000"},
	{"api", "TRUSTED_PROXIES", "10.0.0.0/8, proxy", `networks and addresses with commas between them, such as 10.0.0.0/8,2001:db8::7 (at "proxy")`},
	{"api", "TRUSTED_PROXIES", "10.0.0.0/33", `networks and addresses with commas between them, such as 10.0.0.0/8,2001:db8::7 (at "10.0.0.0/33")`},
	{"api", "HTTP_MAX_IN_FLIGHT", "0", "a whole number from 1 to 100000"},
	{"api", "HTTP_MAX_IN_FLIGHT", "100001", "a whole number from 1 to 100000"},
	{"api", "HTTP_MAX_IN_FLIGHT", "1e3", "a whole number from 1 to 100000"},

	{"worker", "OTEL_TRACES_SAMPLER_ARG", "NaN", "a number from 0 to 1, such as 0.1"},
	{"worker", "LOG_LEVEL", "verbose", "one of debug, info, warn, error"},
	{"worker", "LOG_FORMAT", "JSON", "one of text, json, pretty"},
	{"worker", "HEALTH_ADDRESS", "localhost", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"worker", "FRAUD_CHECK_DEADLINE", "15", "a duration from 1s to 720h0m0s, such as 90s or 15m"},
	{"worker", "FRAUD_CHECK_DEADLINE", "999ms", "a duration from 1s to 720h0m0s, such as 90s or 15m"},
	{"worker", "FRAUD_CHECK_DEADLINE", "721h", "a duration from 1s to 720h0m0s, such as 90s or 15m"},
	{"worker", "WEB_UI_URL", "localhost:8233", "a URL such as http://localhost:8233, or empty"},
	{"worker", "WEB_UI_URL", "ftp://localhost", "a URL such as http://localhost:8233, or empty"},
	{"worker", "RABBITMQ_EXCHANGE", " ", "set"},
	{"worker", "RABBITMQ_QUEUE", "\t", "set"},
	{"worker", "RABBITMQ_DEAD_EXCHANGE", " ", "set"},
	{"worker", "RABBITMQ_DEAD_QUEUE", " ", "set"},
	{"worker", "RABBITMQ_DELIVERY_LIMIT", "-1", "a whole number from 1 to 1000000"},
	{"worker", "RABBITMQ_DECLARE_TOPOLOGY", "yes", "true or false"},
	{"worker", "RABBITMQ_CONFIRM_TIMEOUT", "99ms", "a duration from 100ms to 6s, such as 90s or 15m"},
	{"worker", "RABBITMQ_CONFIRM_TIMEOUT", "7s", "a duration from 100ms to 6s, such as 90s or 15m"},

	{"fraud-police", "LOG_LEVEL", "5", "one of debug, info, warn, error"},
	{"fraud-police", "LOG_FORMAT", "colour", "one of text, json, pretty"},
	{"fraud-police", "HEALTH_ADDRESS", ":-1", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"fraud-police", "FRAUD_DETECTOR", "Dummy", "one of rules, limit, dummy"},

	{"alertman", "LOG_LEVEL", "all", "one of debug, info, warn, error"},
	{"alertman", "LOG_FORMAT", "logfmt", "one of text, json, pretty"},
	{"alertman", "HEALTH_ADDRESS", "::9002", "an address to listen on, such as :9001 or 127.0.0.1:9001"},
	{"alertman", "RABBITMQ_EXCHANGE", " ", "set"},
	{"alertman", "RABBITMQ_DELIVERY_LIMIT", "1000001", "a whole number from 1 to 1000000"},
	{"alertman", "ALERTMAN_PREFETCH", "10001", "a whole number from 1 to 10000"},
	{"alertman", "ALERTMAN_DELIVERIES", "0", "a whole number from 1 to 10000"},
	{"alertman", "API_URL", "orders.example.com", "a URL such as http://localhost:8233, or empty"},
	{"alertman", "DESK_URL", "desk.example.com", "the https:// URL by which browsers reach the desk, without a path, such as https://desk.example.com; or http:// and this machine"},
	{"alertman", "SMTP_HOSTNAME", " ", "set"},
	{"alertman", "SMTP_HOSTNAME", "bücher..example.com", "the name of a mail server, such as mail.example.com, or its address"},
	{"alertman", "SMTP_HELO", "3f2a1b0c9d8e", "a full name such as mail.example.com, an address in brackets such as [192.0.2.5] or [IPv6:2001:db8::5], or empty"},
	{"alertman", "SMTP_PORT", "65536", "a whole number from 1 to 65535"},
	{"alertman", "SMTP_USE_TLS", "yes", "none, starttls or implicit"},
	{"alertman", "TRANSACTION_FRAUD_EMAIL_ALERT_FROM", "orders", "a mail address such as orders@example.com"},
	{"alertman", "TRANSACTION_FRAUD_EMAIL_ALERT_FROM", "a@b.c, d@e.f", "a mail address such as orders@example.com"},
	{"alertman", "TRANSACTION_FRAUD_EMAIL_ALERT_TO", "a@example.com b@example.com", "mail addresses with commas between them, such as a@example.com, b@example.com"},
	{"alertman", "TRANSACTION_FRAUD_EMAIL_ALERT_SUBJECT", " ", "set"},
}

// A wrong value is refused with its variable and what would be right.
func TestWrongValues(t *testing.T) {
	for _, c := range wrongValues {
		t.Run(fmt.Sprintf("%s %s %q", c.process, c.name, c.value), func(t *testing.T) {
			want := fmt.Sprintf("%s=%q: must be %s", c.name, c.value, c.right)
			require.Equal(t, []string{want}, faultsOf(t, c.process, map[string]string{c.name: c.value}))
		})
	}
}

// All wrong values of a process are reported at once.
func TestWrongValuesAtOnce(t *testing.T) {
	for process := range processes {
		t.Run(process, func(t *testing.T) {
			vars := map[string]string{}
			for _, wrong := range wrongValues {
				if wrong.process == process {
					vars[wrong.name] = wrong.value
				}
			}
			vars["TEMPORAL_PROFILE"] = "nowhere"
			faults := faultsOf(t, process, vars)
			require.Len(t, faults, len(vars), "%q", faults)
			for name := range vars {
				about := name + "="
				if name == "TEMPORAL_PROFILE" {
					about = "read Temporal's settings: unable to find profile nowhere"
				}
				require.True(t, slices.ContainsFunc(faults, func(fault string) bool { return strings.HasPrefix(fault, about) }),
					"nothing is said of %s: %q", name, faults)
			}
		})
	}
}

func TestWrongSecretIsNotShown(t *testing.T) {
	const canary = "Xanary-7"
	const amqpURL = ": must be a URL such as amqp://user:password@localhost:5672/ (or amqps://), with "
	const malformed = amqpURL + "special characters percent-encoded, and whole numbers for heartbeat, connection_timeout and channel_max"
	for _, c := range []struct{ process, name, value, want string }{
		{
			"api", "CARD_FINGERPRINT_KEY", canary,
			"CARD_FINGERPRINT_KEY: must be a secret of at least 32 characters, such as `openssl rand -hex 32` prints",
		},
		{"worker", "RABBITMQ_PUBLISHER_URL", "http://orders:" + canary + "@localhost/", "RABBITMQ_PUBLISHER_URL" + malformed},
		{"worker", "RABBITMQ_PUBLISHER_URL", "amqp://orders:" + canary + "%zz@localhost/", "RABBITMQ_PUBLISHER_URL" + malformed},
		{"alertman", "RABBITMQ_CONSUMER_URL", "amqp://alertman:" + canary + "@localhost:port/", "RABBITMQ_CONSUMER_URL" + malformed},
		{"alertman", "RABBITMQ_CONSUMER_URL", "amqp:" + canary, "RABBITMQ_CONSUMER_URL" + malformed},
		{"alertman", "RABBITMQ_CONSUMER_URL", "amqp://alertman:" + canary + "@localhost/a vhost", "RABBITMQ_CONSUMER_URL" + malformed},
		{"worker", "RABBITMQ_PUBLISHER_URL", "amqp://orders:" + canary + "@localhost/?heartbeat=often", "RABBITMQ_PUBLISHER_URL" + malformed},
		{
			"worker", "RABBITMQ_PUBLISHER_URL", "amqp://guest@localhost/",
			"RABBITMQ_PUBLISHER_URL" + amqpURL + "a user and a password, unless auth_mechanism=external logs in by a certificate",
		},
		{"alertman", "SMTP_PORT", "0", `SMTP_PORT="0": must be a whole number from 1 to 65535`},
	} {
		faults := faultsOf(t, c.process, map[string]string{
			"SMTP_USERNAME": canary, "SMTP_PASSWORD": canary, "TEMPORAL_API_KEY": canary, c.name: c.value,
		})
		require.Equal(t, []string{c.want}, faults)
		require.NotContains(t, strings.Join(faults, ""), canary)
	}
}

// The defaults need only a fingerprint key. The test sets one wrong value: if it is the only fault, nothing else is
// wrong, and the test need not start anything.
func TestDefaults(t *testing.T) {
	const deliberate = `LOG_LEVEL="loud": must be one of debug, info, warn, error`
	for process := range processes {
		require.Equal(t, []string{deliberate}, faultsOf(t, process, map[string]string{"LOG_LEVEL": "loud"}), process)
	}
	keyless := faultsOf(t, "api", map[string]string{"CARD_FINGERPRINT_KEY": ""})
	require.Len(t, keyless, 1)
	require.Contains(t, keyless[0], "CARD_FINGERPRINT_KEY")
}

func TestWrongSettingsExitCode(t *testing.T) {
	setEnvironment(t, map[string]string{"LOG_LEVEL": "loud"})
	for process := range processes {
		require.Equal(t, exitConfig, execute(ended(t), []string{process}), process)
	}
}

// The words of earlier versions are taken too.
func TestMailSecurity(t *testing.T) {
	for value, want := range map[string]smtp.Security{
		"none": smtp.Plain, "starttls": smtp.StartTLS, "implicit": smtp.Implicit, "STARTTLS": smtp.StartTLS,
		"True": smtp.Implicit, "true": smtp.Implicit, "False": smtp.Plain, "false": smtp.Plain,
	} {
		v := &values{}
		require.Equal(t, want, environment{SMTPUseTLS: value}.mailSecurity(v), value)
		require.NoError(t, v.err(), value)
	}
}

// faultsOf returns the faults that a process finds in an environment with a fingerprint key and these variables.
func faultsOf(t *testing.T, process string, vars map[string]string) []string {
	t.Helper()
	setEnvironment(t, vars)
	var wrong *configError
	require.ErrorAs(t, processes[process].Run(ended(t)), &wrong, "%v were accepted", vars)
	return wrong.faults
}

// ended returns a context that immediately ends a process that should not have started at all.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// setEnvironment hides the environment of the user who runs the tests. A process that wrongly starts finds no Temporal.
func setEnvironment(t *testing.T, vars map[string]string) {
	t.Helper()
	for name := range defaults(t) {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("TEMPORAL_PROFILE", "")
	t.Setenv("CARD_FINGERPRINT_KEY", aKey)
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

// One process for all reports the faults of all.
func TestDevFaultsOfAll(t *testing.T) {
	t.Setenv("HTTP_ADDRESS", "9001")
	t.Setenv("SMTP_PORT", "x")
	t.Setenv("TEMPORAL_ADDRESS", "nonsense")
	err := devCommand{}.Run(t.Context())
	var wrong *configError
	require.ErrorAs(t, err, &wrong)
	for _, name := range []string{"HTTP_ADDRESS", "SMTP_PORT", "TEMPORAL_ADDRESS", "CARD_FINGERPRINT_KEY"} {
		require.Contains(t, wrong.Error(), name)
	}
	require.Equal(t, 1, strings.Count(wrong.Error(), "TEMPORAL_ADDRESS"), "a fault of all is told once")
}

// The version is a flag and a command.
func TestVersion(t *testing.T) {
	var out strings.Builder
	ended := errors.New("ended")
	parser, err := newParser(t.Context(), kong.Writers(&out, &out), kong.Exit(func(code int) {
		require.Zero(t, code)
		panic(ended)
	}))
	require.NoError(t, err)
	require.PanicsWithError(t, ended.Error(), func() { _, _ = parser.Parse([]string{"--version"}) })
	require.Regexp(t, `^orders \S+, go1\.\S+, time zones 20\d\d[a-z]\n$`, out.String())
	require.Equal(t, versions()+"\n", out.String())
}

func TestEmptyArgumentIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"alertman", "preview", "--receiver="},
		{"alertman", "preview", "--receiver", ""},
		{"alertman", "preview", "--receiver", " "},
		{"ledger", "export", "--since="},
		{"ledger", "export", "--output="},
		{"rules", "explain", ""},
	} {
		require.Equal(t, exitConfig, execute(ended(t), args), "%q", args)
	}
}

func TestOutputCannotBeWritten(t *testing.T) {
	setEnvironment(t, nil)
	event, err := os.Open(anEvent)
	require.NoError(t, err)
	defer func() { _ = event.Close() }()
	was, stdin := os.Stdout, os.Stdin
	defer func() { os.Stdout, os.Stdin = was, stdin }()
	os.Stdin = event
	for _, c := range []struct {
		file string
		want int
	}{{"/dev/full", exitFailure}, {os.DevNull, 0}} {
		out, err := os.OpenFile(c.file, os.O_WRONLY, 0)
		require.NoError(t, err)
		os.Stdout = out
		for _, command := range []string{
			"version", "rules check default", "rules test default", "rules vocabulary", "rules diff default ../../rules/default", "alertman preview", "alertman route",
		} {
			_, _ = event.Seek(0, io.SeekStart)
			code := execute(t.Context(), strings.Fields(command))
			assert.Equal(t, c.want, code, "%s > %s", command, c.file)
		}
		require.NoError(t, out.Close())
	}
}

// anEvent is the file of an event on record.
const anEvent = "../../gateways/cloudevents/testdata/fraud_detected.json"
