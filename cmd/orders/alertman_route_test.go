package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
)

// twoReceivers is a routing file with two receivers.
const twoReceivers = `version: 1
receivers:
  - name: fraud-team
    channels: [mail: jo@example.com, console]
    throttle: {most: 20, per: 1h}
    acknowledge: {within: 15m, then: on-call}
  - name: on-call
    channels: [sms: "+4915112345678"]
    acknowledge: {within: 5m}
routes:
  - {name: large, when: {score: {at_least: 95}}, tell: [on-call], continue: true}
  - {name: rest, tell: [fraud-team]}
`

// Check says what the configuration holds.
func TestCheckAlertman(t *testing.T) {
	account := map[string]string{"SMS_ACCOUNT_SID": "AC01", "SMS_AUTH_TOKEN": "token", "SMS_FROM": "+4930123456"}
	setEnvironment(t, account)
	file := routesFile(t, twoReceivers+"windows: {unused: {zone: UTC}}\n")
	out, err := printed(t, inContext(t, checkAlertmanCommand{File: file}.check))
	require.NoError(t, err)
	require.Regexp(t, `^warning: .*alertman\.yaml:13:11: the window unused is not used\n2 receivers, 2 routes, 0 mutes, sha256:[0-9a-f]{12}\n$`, out)
	require.Zero(t, execute(t.Context(), []string{"alertman", "check", file}))

	account["ALERTMAN_CONFIG"] = file
	setEnvironment(t, account)
	again, err := printed(t, inContext(t, checkAlertmanCommand{}.check))
	require.NoError(t, err)
	require.Equal(t, out, again)
}

// Check reports every fault of the configuration.
func TestCheckAlertmanFaults(t *testing.T) {
	setEnvironment(t, nil)
	file := routesFile(t, strings.NewReplacer("tell: [on-call]", "tell: [oncall]", "within: 5m", "within: 5").Replace(twoReceivers))
	_, err := printed(t, inContext(t, checkAlertmanCommand{File: file}.check))
	require.EqualError(t, err, file+" cannot be used:\n"+
		file+":9:27: must be a duration from 1s to 72h, such as 90s, 15m or 2h\n"+
		file+`:11:57: no receiver is called "oncall": did you mean "on-call"?`)
	require.Equal(t, exitFailure, execute(t.Context(), []string{"alertman", "check", file}))
	require.Equal(t, exitFailure, execute(t.Context(), []string{"alertman", "check", file + ".none"}))
}

// Without a file the variables for mail are checked.
func TestCheckAlertmanWithoutFile(t *testing.T) {
	setEnvironment(t, nil)
	out, notes := captured(t, inContext(t, checkAlertmanCommand{}.check))
	require.Equal(t, "1 receiver, 1 route, 0 mutes\n", out)
	require.Contains(t, notes, "ALERTMAN_CONFIG is not set")
	setEnvironment(t, map[string]string{"TRANSACTION_FRAUD_EMAIL_ALERT_TO": "nobody"})
	require.Equal(t, exitConfig, execute(t.Context(), []string{"alertman", "check"}))
}

// The output says where an event would go and why.
func TestRoute(t *testing.T) {
	setEnvironment(t, nil)
	at := moment{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	c := routeAlertmanCommand{Config: routesFile(t, twoReceivers), At: at}
	document, err := cloudevents.Encode(alert.Sample(alert.FraudDetected, "e-1", at.Time))
	require.NoError(t, err)
	out, err := printed(t, func(out output) error { return c.route(t.Context(), strings.NewReader(string(document)), out) })
	require.NoError(t, err)
	require.Equal(t, `fraud.detected "e-1": decline, score 90, INR 123.00, taken at 2026-11-23T12:00:00Z
route large: no, score is 90, not 95 or more
route rest: yes
  fraud-team by mail jo@example.com, console -
    the first of its group, fraud.detected, card 123456******4321, CARD_VELOCITY, at once; those that follow within 5m as a digest
    at most 20 messages in 1h, the rest as a digest
    if not acknowledged within 15m, on-call by sms +4915112345678
    if not acknowledged within 5m, the escalation ends
`, out)

	standardInput(t, string(document))
	require.Zero(t, execute(t.Context(), []string{"alertman", "route"}), "the mail variables do")
	standardInput(t, "{}")
	require.Equal(t, exitFailure, execute(t.Context(), []string{"alertman", "route"}))
	require.Equal(t, exitConfig, execute(t.Context(), []string{"alertman", "route", "--at=noon"}))
}

// The output says which routes were not asked.
func TestRouteNotAsked(t *testing.T) {
	setEnvironment(t, nil)
	c := routeAlertmanCommand{Config: routesFile(t, strings.NewReplacer("95", "90", ", continue: true", "").Replace(twoReceivers))}
	document, err := cloudevents.Encode(alert.Sample(alert.FraudDetected, "e-1", time.Now()))
	require.NoError(t, err)
	out, err := printed(t, func(out output) error { return c.route(t.Context(), strings.NewReader(string(document)), out) })
	require.NoError(t, err)
	require.Contains(t, out, "route large: yes\n  on-call by sms +4915112345678\n")
	require.Contains(t, out, "\nroute rest: not asked, since large has decided\n")
}

// The output says why no receiver gets an event.
func TestRouteNoReceiver(t *testing.T) {
	setEnvironment(t, nil)
	c := routeAlertmanCommand{Config: routesFile(t, twoReceivers+"mutes:\n  - {name: drill, when: {customer: c-1}, until: 2126-01-01T00:00:00Z}\n")}
	document, err := cloudevents.Encode(alert.Sample(alert.FraudDetected, "e-1", time.Now()))
	require.NoError(t, err)
	out, err := printed(t, func(out output) error { return c.route(t.Context(), strings.NewReader(string(document)), out) })
	require.NoError(t, err)
	_, out, _ = strings.Cut(out, "\n")
	require.Equal(t, "mute drill: yes\n  not sent: muted by drill until 2126-01-01T00:00:00Z\n", out)
}

// What is not an event is refused with the reason.
func TestRouteNotEvent(t *testing.T) {
	for text, why := range map[string]string{
		"nonsense": "the event on the standard input: no CloudEvent in JSON", strings.Repeat(" ", cloudevents.MaxSize+1): "is larger than alertman takes, which is 128 KiB",
	} {
		_, err := readEvent(strings.NewReader(text))
		require.ErrorContains(t, err, why)
	}
}

// routesFile writes a routing file and returns its path.
func routesFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "alertman.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// inContext returns do with the test's context as its first argument.
func inContext(t *testing.T, do func(context.Context, output) error) func(output) error {
	t.Helper()
	return func(out output) error { return do(t.Context(), out) }
}
