package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
)

// routesWith returns a configuration with one receiver that has these channels.
func routesWith(t *testing.T, channels string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "alertman.yaml")
	require.NoError(t, os.WriteFile(file, []byte("version: 1\nreceivers: [{name: team, channels: ["+channels+"]}]\nroutes: [{name: all, tell: [team]}]\n"), 0o600))
	return file
}

// Alertman does not start with a broken configuration.
func TestAlertmanBrokenConfig(t *testing.T) {
	faults := faultsOf(t, "alertman", map[string]string{"ALERTMAN_CONFIG": routesWith(t, "mial: jo@example.com")})
	require.Len(t, faults, 1)
	require.Contains(t, faults[0], "ALERTMAN_CONFIG: ")
	require.Contains(t, faults[0], "alertman.yaml:2:")
	require.Contains(t, faults[0], `did you mean "mail"?`)
}

// An account for SMS is required where a receiver gets them.
func TestSMSAccountIsRequired(t *testing.T) {
	sms := routesWith(t, `sms: "+4915112345678"`)
	faults := faultsOf(t, "alertman", map[string]string{"ALERTMAN_CONFIG": sms})
	require.Equal(t, []string{"SMS_ACCOUNT_SID, SMS_AUTH_TOKEN and SMS_FROM: must be set, as a receiver in ALERTMAN_CONFIG has SMS"}, faults)
	faults = faultsOf(t, "alertman", map[string]string{"SMS_ACCOUNT_SID": "AC01", "SMS_FROM": "+4930123456"})
	require.Equal(t, []string{"SMS_URL, SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, SMS_FROM: SMS account: must have a token"}, faults)
}

// A reloaded configuration that needs an account is refused without one.
func TestReloadNeedsSMSAccount(t *testing.T) {
	file := routesWith(t, "mail: jo@example.com")
	setEnvironment(t, map[string]string{"ALERTMAN_CONFIG": file})
	env, err := readEnvironment(t.Context(), lookup())
	require.NoError(t, err)
	v, logged := &values{}, &bytes.Buffer{}
	a := env.alerting(v, slog.New(slog.NewTextHandler(logged, nil)))
	require.NoError(t, v.err())
	before := a.routes()
	require.NoError(t, os.Rename(routesWith(t, `mail: jo@example.com, sms: "+4915112345678"`), file))
	for range 2 { // a change counts once it is the same in two looks
		a.watch.Look(t.Context(), time.Now())
	}
	require.Same(t, before, a.routes())
	require.Contains(t, logged.String(), "level=ERROR")
	require.Contains(t, logged.String(), "alertman.yaml:2:")
	require.Contains(t, logged.String(), "sms cannot be used: alertman must be started with SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, SMS_FROM")
}

// A key for links that is too short is refused and not shown.
func TestShortLinkKey(t *testing.T) {
	for _, process := range []string{"api", "alertman"} {
		faults := faultsOf(t, process, map[string]string{"ALERT_LINK_KEY": "short-canary"})
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], "ALERT_LINK_KEY: must be a secret of at least 32 characters")
		require.NotContains(t, faults[0], "canary")
	}
}

// Two spellings of an address are one receiver.
func TestAddressSpellings(t *testing.T) {
	v := &values{}
	to := v.addresses("TO", "ada@BÜCHER.example, Ada <ada@xn--bcher-kva.example>, jo@Example.com")
	require.NoError(t, v.err())
	assignment, _ := routing.ToMail(to).Receiver("mail")
	require.Equal(t, []alert.Target{"mail ada@xn--bcher-kva.example", "mail jo@example.com"}, assignment.Steps[0].Targets)
	require.Equal(t, `"Fraud" <orders@xn--bcher-kva.example>`, v.address("FROM", "Fraud <orders@bücher.example>"))
	require.Equal(t, "[192.0.2.5]", v.greeting("SMTP_HELO", "[192.0.2.5]"))
	require.NoError(t, v.err())
}

// Every channel is there without a configuration.
func TestChannelsWithoutConfig(t *testing.T) {
	setEnvironment(t, map[string]string{"SMS_ACCOUNT_SID": "AC00000000000000000000000000000001", "SMS_AUTH_TOKEN": "token", "SMS_FROM": "+4930123456"})
	env, err := readEnvironment(t.Context(), lookup())
	require.NoError(t, err)
	v := &values{}
	a := env.alerting(v, slog.New(slog.DiscardHandler))
	require.NoError(t, v.err())
	for _, name := range alert.Channels {
		require.Contains(t, a.channels, name)
	}
	require.Equal(t, []string{"mail"}, a.routes().Receivers())
}
