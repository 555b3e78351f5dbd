package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/gateways/oidc"
	"dummyorders/internal/stack"
)

// defaults returns the settings of an empty environment.
func defaults(t *testing.T) settings {
	t.Helper()
	for _, name := range []string{
		"HTTP_ADDRESS", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "WEB_UI_URL", "RABBITMQ_PUBLISHER_URL", "RABBITMQ_CONSUMER_URL",
		"RABBITMQ_MANAGEMENT_PORT", "SMTP_HOSTNAME", "SMTP_PORT", "CARD_FINGERPRINT_KEY", "API_URL", "ALERT_LINK_KEY", "LEDGER_URL", "LOG_FORMAT",
		"OIDC_ISSUER", "API_KEYS", "API_KEYS_IN_LEDGER", "API_OPEN", "TEST_DOUBLES", "STRIPE_API_KEY", "PAYMENT_GATEWAYS",
	} {
		t.Setenv(name, "")
	}
	s, err := readSettings(t.Context(), nil)
	require.NoError(t, err)
	return s
}

// Without settings everything is on its usual port.
func TestPlanDefaults(t *testing.T) {
	p, err := newPlan(defaults(t))
	require.NoError(t, err)
	require.Equal(t, plan{
		api: "http://localhost:9001", temporal: 7233, ui: 8233, rabbitmq: 5672, management: 15672, mail: "127.0.0.1:1025",
	}, p)
}

// What is on another machine is not started here.
func TestPlanRemoteServers(t *testing.T) {
	s := defaults(t)
	s.TemporalAddress, s.SMTPHostname = "temporal.example.com:7233", "mail.example.com"
	s.PublisherURL, s.ConsumerURL = "amqp://a:b@rabbitmq.example.com/", "amqps://c:d@rabbitmq.example.com/"
	p, err := newPlan(s)
	require.NoError(t, err)
	require.Equal(t, plan{api: "http://localhost:9001"}, p)
}

// The dev stack signs persons in where nothing else is chosen, and only this machine calls.
func TestWantsSignIn(t *testing.T) {
	require.True(t, defaults(t).wantsSignIn())
	for name, change := range map[string]func(*settings){
		"an issuer":      func(s *settings) { s.OIDCIssuer = "https://login.example.com" },
		"keys":           func(s *settings) { s.APIKeys = "shop:0123456789abcdef" },
		"stored keys":    func(s *settings) { s.StoredKeys = "true" },
		"open":           func(s *settings) { s.APIOpen = "true" },
		"all interfaces": func(s *settings) { s.HTTPAddress = ":9001" },
		"an address":     func(s *settings) { s.HTTPAddress = "192.0.2.5:9001" },
		"production":     func(s *settings) { s.TestDoubles = "refuse" },
		"real payments":  func(s *settings) { s.StripeAPIKey = "sk_live_1" },
	} {
		s := defaults(t)
		change(&s)
		require.False(t, s.wantsSignIn(), name)
	}
}

// A person can choose any role there is.
func TestSignInRoles(t *testing.T) {
	roles, err := oidc.ParseRoles(signInRoles)
	require.NoError(t, err)
	require.Len(t, roles, len(identity.Roles))
	for _, role := range identity.Roles {
		require.Equal(t, role.Scopes(), roles[string(role)][0].Scopes)
	}
}

// All wrong addresses are named.
func TestPlanWrongAddresses(t *testing.T) {
	s := defaults(t)
	s.HTTPAddress, s.TemporalAddress, s.WebUIURL, s.SMTPPort = "9001", "localhost", "localhost:8233", "mail"
	s.PublisherURL = "amqp://orders:s3cret@[/"
	_, err := newPlan(s)
	require.ErrorContains(t, err, `HTTP_ADDRESS="9001": must be`)
	require.ErrorContains(t, err, `TEMPORAL_ADDRESS="localhost": must be`)
	require.ErrorContains(t, err, "RABBITMQ_PUBLISHER_URL: must be")
	require.ErrorContains(t, err, "SMTP_PORT=")
	require.NotContains(t, err.Error(), "s3cret")
}

// There is one broker for both its users.
func TestPlanOneBroker(t *testing.T) {
	s := defaults(t)
	s.PublisherURL = "amqp://orders:orders@localhost:5673/"
	_, err := newPlan(s)
	require.ErrorContains(t, err, "must name the same host and port")
}

// Every taken port is named with the variable that moves it.
func TestTakenPorts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	taken := listener.Addr().(*net.TCPAddr).Port
	free, err := stack.FreePort()
	require.NoError(t, err)
	err = plan{temporal: taken, ui: free, rabbitmq: taken}.checkPorts(settings{HTTPAddress: fmt.Sprintf(":%d", free)})
	require.EqualError(t, err, fmt.Sprintf("port %d (Temporal) is taken by another program: stop it, or put another port into TEMPORAL_ADDRESS\n"+
		"port %d (RabbitMQ) is taken by another program: stop it, or put another port into RABBITMQ_PUBLISHER_URL and RABBITMQ_CONSUMER_URL", taken, taken))
}

// The environment wins over the files, and .env over env.
func TestSettingsOrder(t *testing.T) {
	defaults(t)
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	read := func() settings {
		file, err := readFile(root)
		require.NoError(t, err)
		s, err := readSettings(t.Context(), file)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, "127.0.0.1:9001", read().HTTPAddress, "no other machine reaches it")
	const rest = "\nLOG_FORMAT=text\nAPI_URL=http://localhost:9001\nCARD_FINGERPRINT_KEY=\n"
	write("env", "HTTP_ADDRESS=:9002"+rest)
	require.Equal(t, ":9002", read().HTTPAddress)
	write(".env", "HTTP_ADDRESS=:9003"+rest)
	require.Equal(t, ":9003", read().HTTPAddress)
	require.Empty(t, read().LogFormat+read().APIURL, "what env says of them is a default, also in a copy of env")
	write(".env", "HTTP_ADDRESS=:9003\nLOG_FORMAT=json\nAPI_URL=http://orders.example.com\n")
	require.Equal(t, "json http://orders.example.com", read().LogFormat+" "+read().APIURL)
	t.Setenv("HTTP_ADDRESS", ":9004")
	require.Equal(t, ":9004", read().HTTPAddress)
	require.Equal(t, "http://127.0.0.1:9002", read().DeskURL)
	for address, url := range map[string]string{
		"127.0.0.1:9302": "http://127.0.0.1:9302", ":9302": "http://127.0.0.1:9302", "[::]:9302": "http://127.0.0.1:9302",
		"[::1]:9302": "http://[::1]:9302", "192.0.2.1:9302": "http://192.0.2.1:9302",
	} {
		t.Setenv("DESK_ADDRESS", address)
		require.Equal(t, url, read().DeskURL)
	}
	t.Setenv("DESK_URL", "http://localhost:9302")
	require.Equal(t, "http://localhost:9302", read().DeskURL)

	write(".env", "not a line of such a file\n")
	_, err := readFile(root)
	require.ErrorContains(t, err, "read .env")
}

// Processes get what is set, and no empty variable of Temporal's.
func TestProcessEnvironment(t *testing.T) {
	s := defaults(t)
	t.Setenv("TEMPORAL_TLS_SERVER_NAME", "") // an empty variable would turn TLS on
	t.Setenv("GOGC", "")                     // make test sets it
	d := &devStack{root: "/project", settings: s}
	env := d.environment(map[string]string{"FRAUD_DETECTOR": "limit", "TEMPORAL_API_KEY": ""})
	require.Contains(t, env, "FRAUD_DETECTOR=limit")
	require.Contains(t, env, "GOGC=400")
	require.Contains(t, env, "PAYMENT_GATEWAYS=*:simulated")
	require.Contains(t, d.environment(map[string]string{"GOGC": "100"}), "GOGC=100", "what is set wins")
	require.Contains(t, env, "TEMPORAL_CONFIG_FILE=/project/temporal-config/temporal.toml")
	require.False(t, slices.ContainsFunc(env, func(entry string) bool {
		return entry == "TEMPORAL_TLS_SERVER_NAME=" || entry == "TEMPORAL_API_KEY="
	}))
}

// The keys of a Temporal elsewhere are not used for a local one.
func TestLocalTemporalGetsNoKeys(t *testing.T) {
	s := defaults(t)
	t.Setenv("TEMPORAL_API_KEY", "secret")
	t.Setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", "/home/somebody/cert.pem")
	elsewhere, here := &devStack{settings: s}, &devStack{settings: s, plan: plan{temporal: 7233}}
	require.Contains(t, elsewhere.environment(nil), "TEMPORAL_API_KEY=secret")
	require.NotContains(t, here.environment(nil), "TEMPORAL_API_KEY=secret")
	require.NotContains(t, here.environment(nil), "TEMPORAL_TLS_CLIENT_CERT_PATH=/home/somebody/cert.pem")
}
