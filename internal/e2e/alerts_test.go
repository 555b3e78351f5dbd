package e2e_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

// A storm of frauds on one card is one alert and a few digests, and none is missing.
func TestAlertStorm(t *testing.T) {
	const frauds = 1000
	w := newWorld(t, nil)
	p := newProviders(t, w)
	w.alertsTo(fmt.Sprintf(`
version: 1
receivers:
  - {name: team, channels: [webhook: {url: %q, secret: %q}], group: {by: [card, reason], window: 5s}}
routes: [{name: all, tell: [team]}]
`, p.hookURL(), hookSecret))
	w.start(alertman)
	broker := publisher(t, rabbitmq.Config{URL: shared.rabbitmq.URL("orders", "orders")})
	var storm errgroup.Group
	storm.SetLimit(16)
	ids := map[string]int{}
	for range frauds {
		event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().UTC())
		ids[event.ID] = 0
		storm.Go(func() error { return broker.Publish(t.Context(), event) })
	}
	require.NoError(t, storm.Wait())
	eventuallyWithin(t, 5*time.Minute, func() error {
		got := 0
		for _, body := range hooked(t, p) {
			got += max(1, len(members(body)))
		}
		if got < frauds {
			return fmt.Errorf("%d alerts were told, want %d", got, frauds)
		}
		return noneRuns(t.Context(), alertWorkflows)
	})
	singles, digests := 0, 0
	for _, body := range hooked(t, p) {
		if body.Data.Digest == nil {
			singles++
			ids[body.Data.AlertID]++
			continue
		}
		digests++
		count, sum := body.Data.Digest.Count, body.Data.Digest.Sums[0]
		assert.Equal(t, len(body.Data.Digest.Members), count, sum.Amount)
		assert.Equal(t, fmt.Sprintf("%d.00", 123*count), sum.Amount.String(), sum.Amount)
		for _, m := range body.Data.Digest.Members {
			ids[m.EventID]++
		}
	}
	for id, deliveries := range ids {
		assert.Equal(t, 1, deliveries, id)
	}
	t.Logf("%d frauds were %d alert and %d digests", frauds, singles, digests)
	if singles > 5 || digests > 30 { // an alert that comes alone in a window is not a digest
		t.Errorf("%d alerts and %d digests, want a few of both", singles, digests)
	}
}

// hooked returns the bodies that the webhook accepted.
func hooked(t *testing.T, p *providers) []webhook.Body {
	t.Helper()
	var bodies []webhook.Body
	for _, a := range p.hook.Accepted() {
		var body webhook.Body
		require.NoError(t, json.Unmarshal(a.Body, &body))
		bodies = append(bodies, body)
	}
	return bodies
}

func members(b webhook.Body) []alert.Member {
	if b.Data.Digest == nil {
		return nil
	}
	return b.Data.Digest.Members
}

// chain waits two seconds for the first receiver's acknowledgement, and for the second's so long that no further
// receiver is reached in this test.
const chain = `
version: 1
receivers:
  - {name: shift, channels: [mail: shift@example.com], group: none, acknowledge: {within: 2s, then: on-call}}
  - {name: on-call, channels: [mail: on-call@example.com], group: none, acknowledge: {within: 1h, then: boss}}
  - {name: boss, channels: [mail: boss@example.com], group: none}
routes: [{name: all, tell: [shift]}]
`

// An alert is escalated until it is acknowledged by the link in the mail.
func TestAlertEscalation(t *testing.T) {
	w := newWorld(t, map[string]string{"ALERT_LINK_KEY": "a key for links, which is long enough"})
	w.env["API_URL"] = w.api
	w.alertsTo(chain)
	w.everything()
	transactionID := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	id := workflows.EventID(workflows.TransactionWorkflowID(transactionID), 1)
	mail := mailTo(t, "on-call@example.com", id)
	assert.Contains(t, string(mail.Text), "shift", "the second receiver is not told who was asked before")
	link := linkIn(t, mail)
	page := fetch(t, http.MethodGet, link, "")
	assert.Equal(t, http.StatusOK, page.status, "%s", page.body)
	assert.Contains(t, page.header.Get("Content-Type"), "html", "%s", page.body)
	require.Nil(t, w.deliveries(id).Acknowledgement, "who looks at the link acknowledges")
	forged := strings.Replace(link, "on-call", "boss", 1)
	if page := fetch(t, http.MethodPost, forged, "name=eve"); page.status != http.StatusForbidden {
		t.Errorf("a forged link: %d %s", page.status, page.body)
	}
	if page := fetch(t, http.MethodPost, link, "name=ada&note=calling"); page.status != http.StatusOK {
		t.Fatalf("acknowledge: %d %s", page.status, page.body)
	}
	eventually(t, func() error { return deliveredNumber(t.Context(), transactionID, 1) })
	log := w.deliveries(id)
	require.NotNil(t, log.Acknowledgement, "the log: %+v", log)
	assert.Contains(t, log.Acknowledgement.By, "ada", "the log: %+v", log)
	require.Len(t, log.Chains, 1, "the log: %+v", log)
	assert.Len(t, log.Chains[0].Steps, 2, "the log: %+v", log)
	var shown struct {
		Alerts []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"alerts"`
	}
	got := w.get("/alerts?transaction=" + transactionID)
	require.NoError(t, json.Unmarshal(got.body, &shown), "the transaction's alerts: %d %s", got.status, got.body)
	require.Len(t, shown.Alerts, 1, "the transaction's alerts: %d %s", got.status, got.body)
	assert.Equal(t, id, shown.Alerts[0].ID, "the transaction's alerts: %d %s", got.status, got.body)
	assert.Equal(t, "delivered", shown.Alerts[0].State, "the transaction's alerts: %d %s", got.status, got.body)
}

// mailTo waits for a mail to an address about an alert.
func mailTo(t *testing.T, address, id string) stack.Message {
	t.Helper()
	var found stack.Message
	eventually(t, func() error {
		all, err := shared.mail.Messages()
		for _, m := range all {
			if m.To[0] == address && headerOf(m, "X-Alert-ID") == id {
				found = m
				return nil
			}
		}
		if err == nil {
			err = fmt.Errorf("no mail to %s about alert %s", address, id)
		}
		return err
	})
	return found
}

var signedLink = regexp.MustCompile(`http://[^\s"<>]+/(acknowledge|review)\?[^\s"<>]+`)

func linkIn(t *testing.T, m stack.Message) string {
	t.Helper()
	text := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(m.Text)) // quoted-printable
	link := signedLink.FindString(text)
	require.NotEmpty(t, link, text)
	return html.UnescapeString(link)
}

func fetch(t *testing.T, method, link, form string) reply {
	t.Helper()
	_, err := url.ParseQuery(form)
	require.NoError(t, err)
	got, err := call(t.Context(), method, link, form, "Content-Type", "application/x-www-form-urlencoded")
	require.NoError(t, err)
	return got
}

// A changed configuration is taken over and a broken one refused.
func TestAlertmanConfigReload(t *testing.T) {
	const config = `
version: 1
receivers: [{name: team, channels: [mail: %s], group: none}]
routes: [{name: all, tell: [team]}]
`
	w := newWorld(t, nil)
	w.alertsTo(fmt.Sprintf(config, "first@example.com"))
	w.start(worker, fraudPolice, alertman, apiProcess)
	preview := func() string {
		id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
		return workflows.EventID(workflows.TransactionWorkflowID(id), 1)
	}
	mailTo(t, "first@example.com", preview())
	change := func(text, logged string) {
		require.NoError(t, os.WriteFile(w.env["ALERTMAN_CONFIG"], []byte(text), 0o600))
		eventually(t, func() error { return w.logged(alertman, logged) })
	}
	change(fmt.Sprintf(config, "second@example.com"), "Changed routes of alerts are in force from now on")
	mailTo(t, "second@example.com", preview())
	change("version: 1\nreceivers: []\n", "alertman.yaml:2")
	mailTo(t, "second@example.com", preview())
}

// Receivers are tried, and dead letters handled, from the command line.
func TestAlertmanCommands(t *testing.T) {
	w := newWorld(t, nil)
	w.alertsTo("version: 1\nreceivers: [{name: team, channels: [mail: team@example.com]}]\nroutes: [{name: all, tell: [team]}]\n")
	w.env["RABBITMQ_PUBLISHER_URL"] = shared.rabbitmq.URL("orders", "orders")
	w.start(worker, alertman)
	out, code := w.command("alertman", "test", "team")
	assert.Zero(t, code)
	assert.Contains(t, out, "team@example.com")
	if out, code := w.command("alertman", "test", "taem"); code != 1 || !strings.Contains(out, "team") {
		t.Errorf("alertman test of nobody: %d %s", code, out)
	}
	publishRaw(t, "no-event-1", "this is not an event")
	eventually(t, func() error {
		if out, _ := w.command("alertman", "dead", "list"); !strings.Contains(out, "no-event-1") {
			return fmt.Errorf("not dead: %s", out)
		}
		return nil
	})
	if out, code := w.command("alertman", "dead", "show", "no-event-1"); code != 0 || !strings.Contains(out, "no CloudEvent") {
		t.Errorf("dead show: %d %s", code, out)
	}
	if out, code := w.command("alertman", "dead", "replay", "no-event-1"); code != 1 {
		t.Errorf("dead replay of what is not an event: %d %s", code, out)
	}
	if out, code := w.command("alertman", "dead", "purge", "no-event-1", "--yes"); code != 0 {
		t.Errorf("dead purge: %d %s", code, out)
	}
	if out, _ := w.command("alertman", "dead", "list"); strings.Contains(out, "no-event-1") {
		t.Errorf("purged, and still there: %s", out)
	}
}

// command runs orders alongside the world's processes.
func (w *world) command(args ...string) (out string, code int) {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), w.binary, args...)
	command.Env = w.environ(nil)
	printed, _ := command.CombinedOutput()
	return string(printed), command.ProcessState.ExitCode()
}

// publishRaw publishes any text, as a program might that does not know the format of events.
func publishRaw(t *testing.T, id, text string) {
	t.Helper()
	publishTo(t, "orders", "alerts", "fraud.detected", amqp.Publishing{MessageId: id, DeliveryMode: amqp.Persistent, Body: []byte(text)})
}

// publishDead puts an event among the dead letters, as if it had been delivered in vain.
func publishDead(t *testing.T, event alert.Event) {
	t.Helper()
	body, err := cloudevents.Encode(event)
	require.NoError(t, err)
	publishTo(t, "alertman", "alerts.dead", event.Type.RoutingKey(), amqp.Publishing{
		MessageId: event.ID, ContentType: cloudevents.ContentType, DeliveryMode: amqp.Persistent, Body: body,
	})
}

func publishTo(t *testing.T, user, exchange, key string, message amqp.Publishing) {
	t.Helper()
	connection, err := amqp.Dial(shared.rabbitmq.URL(user, user))
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	channel, err := connection.Channel()
	require.NoError(t, err)
	require.NoError(t, channel.PublishWithContext(t.Context(), exchange, key, true, false, message))
	require.NoError(t, channel.Close())
}
