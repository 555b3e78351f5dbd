package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
)

func previews(t *testing.T, c previewAlertmanCommand, routes *routing.Config) (string, error) {
	t.Helper()
	w := &templates.Writer{Links: alert.NewLinks("https://orders.test", nil), Subject: "Alert"}
	return printed(t, func(out output) error { return c.preview(w, routes, noon, out) })
}

// Without arguments a preview shows every type in every channel.
func TestPreviewAll(t *testing.T) {
	out, err := previews(t, previewAlertmanCommand{}, nil)
	require.NoError(t, err)
	for _, name := range append(alert.RoutingKeys(alert.Types), "alert.test") {
		for _, channel := range previewed {
			require.Contains(t, out, "=== "+name+", for fraud-team by "+channel+" (")
		}
	}
}

// No preview shows a test alert in a digest or one that asks to be acknowledged.
func TestPreviewOfTestAlert(t *testing.T) {
	for _, c := range []previewAlertmanCommand{{Digest: true}, {Ask: true}} {
		out, err := previews(t, c, nil)
		require.NoError(t, err)
		require.NotContains(t, out, "alert.test")
		require.Equal(t, len(alert.Types)*len(previewed), strings.Count(out, "==="))
		c.Type = "alert.test"
		require.ErrorContains(t, c.Validate(), "--type alert.test: a test comes in no digest and needs no acknowledgement")
	}
}

// A preview shows what was asked for.
func TestPreviewChoice(t *testing.T) {
	out, err := previews(t, previewAlertmanCommand{Channel: "sms", Type: "fraud.detected", Receiver: "desk"}, nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out, "=== fraud.detected, for desk by sms (+4915112345678)\nAlert: order 1234 declined, INR 123.00"), out)
	require.Equal(t, 1, strings.Count(out, "==="))
	out, err = previews(t, previewAlertmanCommand{Channel: "webhook", Type: "fraud.detected", Digest: true}, nil)
	require.NoError(t, err)
	require.Contains(t, out, "JSON, and as its summary: 25 more alerts, INR 3075.00 in all\n")
	out, err = previews(t, previewAlertmanCommand{Channel: "console", Type: "fraud.detected", Ask: true}, nil)
	require.NoError(t, err)
	require.Contains(t, out, "or it goes to on-call next")
}

// Without a configuration a preview is of the receiver that mail goes to.
func TestPreviewWithoutConfig(t *testing.T) {
	setEnvironment(t, map[string]string{"TRANSACTION_FRAUD_EMAIL_ALERT_TO": "risk@example.com"})
	out, notes := captured(t, inContext(t, previewAlertmanCommand{}.show))
	require.Contains(t, out, "=== fraud.detected, for mail by mail (risk@example.com)")
	require.Equal(t, strings.Count(out, "==="), strings.Count(out, "for mail by mail (risk@example.com)"))
	require.Contains(t, notes, "TRANSACTION_FRAUD_EMAIL_ALERT_TO: risk@example.com")
	_, err := printed(t, inContext(t, previewAlertmanCommand{Receiver: "fraud-team"}.show))
	require.ErrorContains(t, err, `"fraud-team" is not a receiver of TRANSACTION_FRAUD_EMAIL_ALERT_TO: it must be "mail"`)
	setEnvironment(t, map[string]string{"ALERTMAN_CONFIG": routesFile(t, twoReceivers)})
	out, notes = captured(t, inContext(t, previewAlertmanCommand{Receiver: "on-call"}.show))
	require.NotContains(t, out, "for mail by")
	require.Empty(t, notes)
}

// A preview uses the templates of the configuration.
func TestPreviewUsesTemplates(t *testing.T) {
	file := routesFile(t, strings.Replace(twoReceivers, "    throttle:", "    templates: {mail: {html: '<p>ours {{.Title}}</p>'}}\n    throttle:", 1))
	routes, err := routing.Load(file)
	require.NoError(t, err)
	page := filepath.Join(t.TempDir(), "mail.html")
	out, err := previews(t, previewAlertmanCommand{Config: file, Type: "fraud.detected", HTML: page}, routes)
	require.NoError(t, err)
	require.Contains(t, out, "=== fraud.detected, for fraud-team by mail (jo@example.com)\nSubject: Alert: order 1234 declined, INR 123.00\n")
	require.Contains(t, out, "=== fraud.detected, for fraud-team by console (-)\n")
	require.Contains(t, out, "=== fraud.detected, for on-call by sms (+4915112345678)\n")
	require.Equal(t, "<p>ours order 1234 declined, INR 123.00</p>\n", contents(t, page))

	for _, c := range []struct {
		command previewAlertmanCommand
		fault   string
	}{
		{previewAlertmanCommand{Receiver: "oncall"}, `did you mean "on-call"?`},
		{previewAlertmanCommand{Channel: "chat"}, "no receiver uses chat"},
		{previewAlertmanCommand{Channel: "sms", HTML: page}, "only mail has HTML"},
	} {
		_, err = previews(t, c.command, routes)
		require.ErrorContains(t, err, c.fault)
	}
}

// Wrong arguments have an exit code of their own.
func TestPreviewArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{"--channel=pager", "--type=fraud.detectd", "--digest --ask", "--type=alert.test --digest", "extra"} {
		require.Equal(t, exitConfig, execute(ended(t), append([]string{"alertman", "preview"}, strings.Fields(args)...)), args)
	}
	require.Zero(t, execute(t.Context(), []string{"alertman", "preview", "--channel=sms", "--type=alert.test"}))
}
