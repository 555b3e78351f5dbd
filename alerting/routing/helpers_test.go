package routing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	slackURL   = "https://hooks.slack.example.com/services/T0/B0/verysecret"
	hookSecret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
)

// secrets holds the files that good names.
var secrets = map[string]string{"secrets/slack": slackURL + "\n", "secrets/hook": hookSecret + "\n", "short": "whsec_c2hvcnQ=", "empty": " \n"}

// good is a valid file that uses every kind of setting.
const good = `version: 1
receivers:
  - name: fraud-team
    channels:
      - mail: [jo@example.com, "Al <al@example.com>"]
      - chat: {url_file: secrets/slack}
      - webhook: {url: https://case.example.com/hook, secret_file: secrets/hook, name: case-tool}
    throttle: {most: 20, per: 1h}
    acknowledge: {within: 15m, then: on-call}
    templates: {mail: {subject: "Fraud {{.ID}}"}}
  - name: on-call
    channels:
      - sms: "+4915112345678"
      - console
    group: none
windows:
  office: {zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00"}
mutes:
  - {name: load-test, when: {customer: [loadtest]}, from: 2026-11-23T22:00:00Z, until: 2026-11-24T02:00:00Z}
routes:
  - name: give-back
    when: {type: [payment.compensation_failed]}
    tell: [on-call]
  - name: large
    when: {amount: {currency: EUR, at_least: 500}, during: office}
    tell: [on-call]
    continue: true
  - name: noise
    when: {score: {below: 10}}
    tell: []
  - name: rest
    tell: [fraud-team]
`

// noon is noon of a Monday.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, content string) *routing.Config {
	t.Helper()
	c, err := routing.Read(content, secrets)
	require.NoError(t, err)
	return c
}

// routed returns a configuration of the receivers a to d, each with one mail address, and of routes.
func routed(t testing.TB, routes string) *routing.Config {
	t.Helper()
	return read(t, `version: 1
windows:
  office: {zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00"}
  night: {zone: Europe/Berlin, days: [fri], from: "22:00", to: "06:00"}
  small: {zone: Europe/Berlin, from: "02:00", to: "03:00"}
  weekend: {zone: Asia/Kolkata, days: [sat, sun]}
receivers:
  - {name: a, channels: [mail: a@example.com]}
  - {name: b, channels: [mail: b@example.com]}
  - {name: c, channels: [mail: [a@example.com, c@example.com]]}
  - {name: d, channels: [mail: a@example.com], acknowledge: {within: 5m, then: b}}
`+routes)
}

// event returns a changed sample.
func event(change func(*alert.Event)) alert.Event {
	e := alert.Sample(alert.FraudDetected, "e-1", noon)
	if change != nil {
		change(&e)
	}
	return e
}

// receivers returns the receivers of the assignments, and why an assignment has none.
func receivers(assigned []alert.Assignment) []string {
	var all []string
	for _, a := range assigned {
		if a.Muted != "" {
			all = append(all, a.Muted)
		} else {
			all = append(all, a.Receiver)
		}
	}
	return all
}

func declined(score int) func(*alert.Event) {
	return func(e *alert.Event) { e.Data.Decision = fraud.Decision{Outcome: fraud.Decline, Score: score} }
}
