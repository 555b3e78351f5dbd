package deploy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"dummyorders/internal/stack"
)

const observe = root + "/deploy/observe"

// rule is a rule of alerts.yml, as far as these tests look at it.
type rule struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile(observe + "/alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	require.NoError(t, yaml.Load(text, &file))
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

// alarms returns the alarms of alerts.yml by their names.
func alarms(t *testing.T) map[string]rule {
	t.Helper()
	found := map[string]rule{}
	for _, r := range rules(t) {
		if r.Alert != "" {
			require.NotContains(t, found, r.Alert)
			found[r.Alert] = r
		}
	}
	return found
}

// tool runs one of the programs of Debian's packages prometheus and prometheus-alertmanager.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "make test installs it")
	printed, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, "%s", printed)
}

func TestPrometheusReadsFiles(t *testing.T) {
	tool(t, "promtool", "check", "rules", observe+"/alerts.yml")
	tool(t, "promtool", "check", "config", observe+"/prometheus.yml")
	tool(t, "promtool", "check", "config", observe+"/prometheus-laptop.yml")
	tool(t, "amtool", "check-config", observe+"/alertmanager.yml")
}

// An alarm leads to its heading in docs/operating.md, and each such heading is of an alarm.
func TestRunbooks(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/operating.md")
	require.NoError(t, err)
	_, runbooks, found := strings.Cut(string(page), "\n## Alarms\n")
	require.True(t, found)
	runbooks, _, _ = strings.Cut(runbooks, "\n## ")
	var headings []string
	for line := range strings.Lines(runbooks) {
		if heading, is := strings.CutPrefix(line, "### "); is {
			headings = append(headings, strings.TrimSpace(heading))
		}
	}
	known := alarms(t)
	assert.ElementsMatch(t, slices.Collect(maps.Keys(known)), headings)
	for name, r := range known {
		assert.Equal(t, "docs/operating.md#"+strings.ToLower(name), r.Annotations["runbook_url"])
		assert.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], name)
	}
}

// The alarms that Alertmanager's file names exist, also those of its examples.
func TestAlertmanagerNamesAlarms(t *testing.T) {
	text, err := os.ReadFile(observe + "/alertmanager.yml")
	require.NoError(t, err)
	named := regexp.MustCompile(`alertname =~? ([\w|]+)`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, named)
	for _, names := range named {
		for name := range strings.SplitSeq(names[1], "|") {
			assert.Contains(t, slices.Collect(maps.Keys(alarms(t))), name)
		}
	}
}

// Alertmanager leaves out what another alarm says already, and nothing else.
func TestAlertmanagerInhibits(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	address, config := fmt.Sprintf("127.0.0.1:%d", port), observe+"/alertmanager.yml"
	p, err := stack.StartProcess(stack.Command{
		Name: "Alertmanager", Path: "prometheus-alertmanager", Log: filepath.Join(t.TempDir(), "log"),
		Args: []string{"--config.file=" + config, "--storage.path=" + t.TempDir(), "--cluster.listen-address=", "--web.listen-address=" + address},
	})
	require.NoError(t, err, "make test installs it")
	t.Cleanup(p.Kill)
	require.NoError(t, p.WaitHealthy(t.Context(), "http://"+address+"/-/ready"))
	known := alarms(t)
	fire := func(name string, labels ...string) {
		require.Contains(t, known, name)
		args := append([]string{"alert", "add", "--alertmanager.url=http://" + address, name, "severity=" + known[name].Labels["severity"]}, labels...)
		tool(t, "amtool", args...)
	}
	fire("AlertmanDown")
	fire("NoConsumer")
	fire("FraudPoliceDown")
	fire("ChecksWait")
	fire("CertificateExpired", "use=temporal")
	fire("CertificateExpires", "use=temporal")
	fire("CertificateExpires", "use=ledger")
	fire("TransactLate")
	fire("TransactLateSlowly")
	fire("DeliveredLateSlowly")
	want := map[string]bool{
		"AlertmanDown": true, "NoConsumer": false, "FraudPoliceDown": true, "ChecksWait": false,
		"CertificateExpired temporal": true, "CertificateExpires temporal": false, "CertificateExpires ledger": true,
		"TransactLate": true, "TransactLateSlowly": false, "DeliveredLateSlowly": true,
	}
	soon := func() {
		assert.EventuallyWithT(t, func(c *assert.CollectT) {
			got, err := shown(t, address)
			require.NoError(c, err)
			assert.Equal(c, want, got)
		}, 20*time.Second, 50*time.Millisecond)
	}
	soon()
	fire("DeliveredLate")
	want["DeliveredLate"], want["DeliveredLateSlowly"] = true, false
	soon()
}

// shown returns, for each alarm that Alertmanager has, whether it gives it on.
func shown(t *testing.T, address string) (map[string]bool, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/api/v2/alerts", http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var all []struct {
		Labels map[string]string
		Status struct{ InhibitedBy []string }
	}
	err = json.NewDecoder(answer.Body).Decode(&all)
	names := map[string]bool{}
	for _, a := range all {
		names[strings.TrimSpace(a.Labels["alertname"]+" "+a.Labels["use"])] = len(a.Status.InhibitedBy) == 0
	}
	return names, err
}

// series are a test's values in promtool's notation, such as 0+2x40: from 0, 40 times 2 more.
type series map[string]string

// alarmTest says under which values an alarm stays quiet, and under which it fires.
type alarmTest struct {
	alarm  string
	quiet  series
	firing series
	every  string // between two values and two evaluations; 15s if empty
	at     string // when it fires; 2m if empty, since every outage has to be by then
	labels series // those of the alarm that fires, beside severity
	says   string // its summary
}

// outage is when an alarm must fire for a failure that begins at 10m: two minutes later, less one interval of 15 s. Values of such a row have been good for 40 intervals then. Nothing fires before.
const outage = "11m45s"

// A second row of an alarm is its expression's other half, or an outage.
var alarmTests = []alarmTest{
	{
		alarm: "APIDown", says: "No api answers Prometheus. Merchants cannot post transactions.",
		quiet:  series{`up{job="api", instance="a"}`: "1x40", `up{job="api", instance="b"}`: "0x40"},
		firing: series{`up{job="api", instance="a"}`: "0x40"},
	},
	{
		alarm: "WorkerDown", says: "No worker answers Prometheus. Transactions are accepted and wait.",
		quiet:  series{`up{job="worker"}`: "1x40"},
		firing: series{`up{job="api"}`: "1x40"},
	},
	{
		alarm:  "FraudPoliceDown",
		says:   "No fraud-police answers Prometheus. Transactions wait, and go to review after FRAUD_CHECK_DEADLINE.",
		quiet:  series{`up{job="fraud-police"}`: "1x40"},
		firing: series{`up{job="fraud-police"}`: "0x40"},
	},
	{
		alarm: "AlertmanDown", says: "No alertman answers Prometheus. Alerts wait in RabbitMQ.",
		quiet:  series{`up{job="alertman"}`: "1x40"},
		firing: series{`up{job="alertman"}`: "0x40"},
	},
	{
		alarm: "DeskDown", says: "No desk answers Prometheus. Reviews wait, and transactions go on.", at: "3m", labels: series{"job": "desk"},
		quiet:  series{`up{job="desk", instance="a"}`: "1x2 0x3 1x40", `up{job="desk", instance="b"}`: "0x40"},
		firing: series{`up{job="desk", instance="a"}`: "1x4 0x40"},
	},
	{
		alarm: "DeskDown", says: "No desk answers Prometheus. Reviews wait, and transactions go on.", at: "15m", labels: series{"job": "desk"},
		quiet:  series{`up{job="api"}`: "1x40"},
		firing: series{`up{job="desk"}`: "1x4 _x60"},
	},
	{
		alarm: "InstanceDown", says: "worker at b is down or not ready.", at: "6m", labels: series{"job": "worker", "instance": "b"},
		quiet:  series{`up{job="worker", instance="b"}`: "1x2 0x10 1x20"},
		firing: series{`up{job="worker", instance="a"}`: "1x40", `up{job="worker", instance="b"}`: "0x40"},
	},
	{
		alarm: "InstanceDown", says: "worker at b is down or not ready.", at: "6m", labels: series{"job": "worker", "instance": "b"},
		quiet: series{`orders_ready{job="worker", instance="b", part="ledger"}`: "1x40"},
		firing: series{
			`up{job="worker", instance="b"}`:                            "1x40",
			`orders_ready{job="worker", instance="b", part="ledger"}`:   "0x40",
			`orders_ready{job="worker", instance="b", part="temporal"}`: "1x40",
		},
	},
	{
		alarm: "NotReady", says: "No worker reaches its part rabbitmq.", labels: series{"job": "worker", "part": "rabbitmq"},
		quiet: series{
			`orders_ready{job="worker", instance="a", part="rabbitmq"}`: "0x40",
			`orders_ready{job="worker", instance="b", part="rabbitmq"}`: "1x40",
		},
		firing: series{`orders_ready{job="worker", instance="a", part="rabbitmq"}`: "0x40"},
	},
	{
		alarm: "LedgerErrors", says: "The ledger's database fails at: save.", labels: series{"operation": "save"},
		quiet:  series{`orders_ledger_errors_total{operation="save"}`: "0x2 1x40"},
		firing: series{`orders_ledger_errors_total{operation="save"}`: "0+1x40"},
	},
	{
		alarm: "LedgerLags", says: "Entries reach the ledger 4m 57s late.", at: "6m",
		quiet:  series{`orders_ledger_lag_seconds_bucket{le="60"}`: "0+1x40", `orders_ledger_lag_seconds_bucket{le="+Inf"}`: "0+1x40"},
		firing: series{`orders_ledger_lag_seconds_bucket{le="60"}`: "0x40", `orders_ledger_lag_seconds_bucket{le="300"}`: "0+1x40", `orders_ledger_lag_seconds_bucket{le="+Inf"}`: "0+1x40"},
	},
	{
		alarm: "TransactFails", says: "More than one in twenty POST /transact is answered 5xx.",
		quiet:  series{answers("200"): "0+98x40", answers("503"): "0+2x40"},
		firing: series{answers("200"): "0+90x40", answers("503"): "0+10x40"},
	},
	{
		alarm: "GatewayFails", says: "More than half of the calls of the gateway stripe fail.", labels: series{"gateway": "stripe"},
		quiet:  series{calls("declined"): "0+9x40", calls("failed"): "0+1x40"},
		firing: series{calls("ok"): "0+1x40", calls("failed"): "0+2x40"},
	},
	{
		alarm: "ChecksWait", says: "Fraud checks wait for a fraud-police that takes them.",
		quiet:  series{`temporal_num_pollers{task_queue="fraud_police"}`: "2x40", waits("1"): "0+1x40", waits("+Inf"): "0+1x40"},
		firing: series{`temporal_num_pollers{task_queue="fraud_police"}`: "2x40", waits("5"): "0x40", waits("10"): "0+1x40", waits("+Inf"): "0+1x40"},
	},
	{
		alarm: "ChecksWait", says: "Fraud checks wait for a fraud-police that takes them.",
		quiet:  series{`temporal_num_pollers{task_queue="fraud_police", instance="a"}`: "0x40", `temporal_num_pollers{task_queue="fraud_police", instance="b"}`: "2x40"},
		firing: series{`temporal_num_pollers{task_queue="fraud_police"}`: "0x40"},
	},
	{
		alarm: "ChecksWait", says: "Fraud checks wait for a fraud-police that takes them.",
		quiet:  series{`approximate_backlog_age_seconds{taskqueue="fraud_police"}`: "0x40", `approximate_backlog_age_seconds{taskqueue="orders"}`: "60x40"},
		firing: series{`approximate_backlog_age_seconds{taskqueue="fraud_police"}`: "0+15x40"},
	},
	{
		alarm: "RuleFails", says: "The rule new-card fails.", labels: series{"rule": "new-card"},
		quiet:  series{`orders_rule_failures_total{rule="new-card"}`: "0x40"},
		firing: series{`orders_rule_failures_total{rule="new-card"}`: "_x4 1x40"},
	},
	{
		alarm: "CallersLimited", says: "Requests are refused by the limit rate.", at: "11m", labels: series{"limit": "rate"},
		quiet:  series{`orders_http_limited_total{limit="rate"}`: "0+9x4 36x60"},
		firing: series{`orders_http_limited_total{limit="rate"}`: "0+1x60"},
	},
	{
		alarm: "LoginsRefused", says: "2 requests a second come without a key, a token or a link that is valid.", at: "14m",
		quiet:  series{`orders_logins_refused_total{reason="unknown_key"}`: "0+6x80"},
		firing: series{`orders_logins_refused_total{reason="unknown_key"}`: "0+30x80"},
	},
	{
		alarm: "CompensationFailed", says: "Money could not be given back: void.", labels: series{"step": "void"},
		quiet:  series{`orders_compensations_failed_total{step="void"}`: "0x40"},
		firing: series{`orders_compensations_failed_total{step="void"}`: "_x4 1x40"},
	},
	{
		alarm: "CompensationFailed", says: "Money could not be given back: refund.", labels: series{"step": "refund"}, at: "22m",
		quiet:  series{`orders_compensations_failed_total{step="void"}`: "0x100"},
		firing: series{`orders_compensations_failed_total{step="refund"}`: "1x80 2x40"},
	},
	{
		alarm: "MoneyHeldLong", says: "Money has been held for 5d 1h 59m 59s (review); gateways release most holds after 7 days.", every: "1h", at: "122h",
		labels: series{"reason": "review"},
		quiet:  series{`orders_money_held_oldest_timestamp_seconds{reason="review", instance="a"}`: "0x130", `orders_money_held_oldest_timestamp_seconds{reason="review", instance="b"}`: "9000x130"},
		firing: series{`orders_money_held_oldest_timestamp_seconds{reason="review"}`: "1x130"},
	},
	{
		alarm: "MoneyHeldLong", says: "Money has been held for 5d 1h 59m 59s (release); gateways release most holds after 7 days.", every: "1h", at: "122h",
		labels: series{"reason": "release"},
		quiet:  series{`orders_money_held_oldest_timestamp_seconds{reason="release"}`: "9000x130"},
		firing: series{`orders_money_held_oldest_timestamp_seconds{reason="review"}`: "400000x130", `orders_money_held_oldest_timestamp_seconds{reason="release"}`: "1x130"},
	},
	{
		alarm: "ReviewDue", says: "A review's deadline is in 44m 0s.", at: "6m",
		quiet:  series{`orders_review_next_deadline_timestamp_seconds{instance="a"}`: "0x40", `orders_review_next_deadline_timestamp_seconds{instance="b"}`: "9000x40"},
		firing: series{`orders_review_next_deadline_timestamp_seconds`: "3000x40"},
	},
	{
		alarm: "ReviewDue", says: "A review's deadline is in 44m 0s.", at: "6m",
		quiet:  series{`orders_review_next_deadline_timestamp_seconds`: "240x40"}, // it has passed
		firing: series{`orders_review_next_deadline_timestamp_seconds`: "3000x40"},
	},
	{
		alarm: "ReviewOverdue", says: "A review's deadline passed 7m 0s ago, and its transaction has not gone on.", at: "8m",
		quiet:  series{`orders_review_next_deadline_timestamp_seconds`: "60x15 9000x40"},
		firing: series{`orders_review_next_deadline_timestamp_seconds`: "60x40"},
	},
	{
		alarm: "AlertsUnpublished", says: "Alerts do not reach RabbitMQ.",
		quiet:  series{`orders_alerts_published_total{type="transaction.fraud", result="failed"}`: "0x2 1x40"},
		firing: series{`orders_alerts_published_total{type="transaction.fraud", result="failed"}`: "0+1x40"},
	},
	{
		alarm: "NoConsumer", says: "No alertman takes alerts from its queue.",
		quiet:  series{`orders_queue_consumers{queue="alertman"}`: "1x40", `orders_queue_consumers{queue="alertman.dead"}`: "0x40"},
		firing: series{`orders_queue_consumers{queue="alertman"}`: "0x40"},
	},
	{
		alarm: "NoConsumer", says: "No alertman takes alerts from its queue.",
		quiet:  series{`rabbitmq_queue_consumers{queue="alertman"}`: "1x40"},
		firing: series{`rabbitmq_queue_consumers{queue="alertman"}`: "0x40"},
	},
	{
		alarm: "DeadLetters", says: "3 messages wait in the queue alertman.dead.",
		quiet:  series{`orders_queue_messages{queue="alertman"}`: "5x40", `orders_queue_messages{queue="alertman.dead"}`: "0x40"},
		firing: series{`orders_queue_messages{queue="alertman.dead"}`: "3x40"},
	},
	{
		alarm: "DeliveriesFail", says: "More than half of the deliveries by mail fail.", labels: series{"channel": "mail"},
		quiet:  series{deliveries("ok"): "0+9x2 18x2 27+9x40", deliveries("failed"): "0x2 9 18x40"}, // half a minute
		firing: series{deliveries("ok"): "9x40", deliveries("failed"): "0+1x40"},
	},
	{
		alarm: "DeliveriesRefused", says: "A provider of mail refused a message for good.", labels: series{"channel": "mail"},
		quiet:  series{deliveries("ok"): "0+9x40", deliveries("refused"): "0x40"},
		firing: series{deliveries("ok"): "0+9x40", deliveries("refused"): "_x4 1x40"},
	},
	{
		alarm: "AlertExpired", says: "An alert was not acknowledged by the last step of its escalation.",
		quiet:  series{`orders_alerts_expired_total`: "0x40"},
		firing: series{`orders_alerts_expired_total`: "_x4 1x40"},
	},
	{
		alarm: "KeyExpires", says: "A client's last API key expires in 5d 23h 54m 0s.", at: "6m",
		quiet:  series{`orders_key_expiry_timestamp_seconds{instance="a"}`: "0x40", `orders_key_expiry_timestamp_seconds{instance="b"}`: "691200x40"},
		firing: series{`orders_key_expiry_timestamp_seconds`: "518400x40"},
	},
	{
		alarm: "CertificateExpires", says: "The certificate for temporal expires in 12d 23h 54m 0s.", at: "6m", labels: series{"use": "temporal"},
		quiet:  series{`orders_certificate_expiry_timestamp_seconds{use="temporal"}`: "1296000x40"},
		firing: series{`orders_certificate_expiry_timestamp_seconds{use="temporal"}`: "1123200x40"},
	},
	{
		alarm: "CertificateExpired", says: "The certificate for temporal expires in 23h 51m 20s.", labels: series{"use": "temporal"},
		quiet:  series{`orders_certificate_expiry_timestamp_seconds{use="temporal"}`: "90000x40"},
		firing: series{`orders_certificate_expiry_timestamp_seconds{use="temporal"}`: "86000x40"},
	},
	{
		alarm: "TransactLate", says: "50% of POST /transact are not answered in two seconds.", every: "1m", at: "70m",
		quiet:  series{answered("2"): "0+99x80", answers("200"): "0+100x80"},
		firing: series{answered("2.0"): "0+50x80", answers("200"): "0+100x80"},
	},
	{
		alarm: "TransactLate", says: "8% of POST /transact are not answered in two seconds.", every: "1m", at: "70m",
		quiet:  series{answered("2"): "0+0x80", answers("200"): "0+1x80"}, // too few
		firing: series{answered("2"): "0+92x80", answers("200"): "0+92x80", answers("500"): "0+8x80"},
	},
	{
		alarm: "TransactLateSlowly", says: "2% of POST /transact are not answered in two seconds.", every: "15m", at: "5h",
		quiet:  series{answered("2"): "0+995x30", answers("200"): "0+1000x30"},
		firing: series{answered("2"): "0+980x30", answers("200"): "0+1000x30"},
	},
	{
		alarm: "DeliveredLate", says: "50% of alerts sent immediately reach a person's channel later than in a minute.", every: "1m", at: "70m",
		quiet:  series{`orders_alert_delivered_seconds_bucket{le="60"}`: "0+99x80", `orders_alert_delivered_seconds_count`: "0+100x80"},
		firing: series{`orders_alert_delivered_seconds_bucket{le="60.0"}`: "0+50x80", `orders_alert_delivered_seconds_count`: "0+100x80"},
	},
	{
		alarm: "APIDown", says: "No api answers Prometheus. Merchants cannot post transactions.", at: outage,
		firing: series{`up{job="api", instance="a"}`: "1x40 0x20", `up{job="api", instance="b"}`: "1x40 stale"},
	},
	{
		alarm: "WorkerDown", says: "No worker answers Prometheus. Transactions are accepted and wait.", at: outage,
		firing: series{`up{job="worker"}`: "1x40 stale"},
	},
	{
		alarm: "FraudPoliceDown", says: "No fraud-police answers Prometheus. Transactions wait, and go to review after FRAUD_CHECK_DEADLINE.", at: outage,
		firing: series{`up{job="fraud-police"}`: "1x40 0x20"},
	},
	{
		alarm: "AlertmanDown", says: "No alertman answers Prometheus. Alerts wait in RabbitMQ.", at: outage,
		firing: series{`up{job="alertman"}`: "1x40 0x20"},
	},
	{
		alarm: "DeskDown", says: "No desk answers Prometheus. Reviews wait, and transactions go on.", at: outage, labels: series{"job": "desk"},
		firing: series{`up{job="desk"}`: "1x40 stale"},
	},
	{
		alarm: "NotReady", says: "No worker reaches its part temporal.", at: outage, labels: series{"job": "worker", "part": "temporal"},
		firing: series{`orders_ready{job="worker", part="temporal"}`: "1x41 0x20"}, // a process looks every 15 s, too
	},
	{
		alarm: "LedgerErrors", says: "The ledger's database fails at: save.", at: outage, labels: series{"operation": "save"},
		firing: series{`orders_ledger_errors_total{operation="save"}`: "_x41 1+3x20"},
	},
	{
		alarm: "TransactFails", says: "More than one in twenty POST /transact is answered 5xx.", at: outage,
		firing: series{answers("200"): "0+9x40 360x20", answers("503"): "_x41 9+9x20"},
	},
	{
		alarm: "GatewayFails", says: "More than half of the calls of the gateway stripe fail.", at: outage, labels: series{"gateway": "stripe"},
		firing: series{calls("ok"): "0+9x40 360x20", calls("failed"): "_x41 9+9x20"},
	},
	{
		alarm: "ChecksWait", says: "Fraud checks wait for a fraud-police that takes them.", at: outage,
		firing: series{
			waits("1"): "0+9x40 360x20", waits("+Inf"): "0+9x40 360x20", `temporal_num_pollers{task_queue="fraud_police"}`: "2x60",
			`approximate_backlog_age_seconds{taskqueue="fraud_police"}`: "0x40 15+15x20",
		},
	},
	{
		alarm: "AlertsUnpublished", says: "Alerts do not reach RabbitMQ.", at: outage,
		firing: series{
			`orders_alerts_published_total{type="transaction.fraud", result="confirmed"}`: "0+9x40 360x20",
			`orders_alerts_published_total{type="transaction.fraud", result="failed"}`:    "_x41 9+9x20",
		},
	},
	{
		alarm: "NoConsumer", says: "No alertman takes alerts from its queue.", at: outage,
		firing: series{`orders_queue_consumers{queue="alertman"}`: "1x41 0x20"},
	},
	{
		alarm: "DeliveriesFail", says: "More than half of the deliveries by mail fail.", at: outage, labels: series{"channel": "mail"},
		firing: series{deliveries("ok"): "0+9x40 360x20", deliveries("failed"): "_x41 9+9x20"},
	},
	{
		alarm: "DeliveredLateSlowly", says: "2% of alerts sent immediately reach a person's channel later than in a minute.", every: "15m", at: "5h",
		quiet:  series{`orders_alert_delivered_seconds_bucket{le="60"}`: "0+995x30", `orders_alert_delivered_seconds_count`: "0+1000x30"},
		firing: series{`orders_alert_delivered_seconds_bucket{le="60"}`: "0+980x30", `orders_alert_delivered_seconds_count`: "0+1000x30"},
	},
}

func answers(status string) string {
	return `orders_http_request_duration_seconds_count{route="/transact", method="POST", status="` + status + `"}`
}

func answered(within string) string {
	return `orders_http_request_duration_seconds_bucket{route="/transact", method="POST", status="200", le="` + within + `"}`
}

func calls(result string) string {
	return `orders_gateway_calls_total{gateway="stripe", step="authorize", result="` + result + `"}`
}

func waits(within string) string {
	return `temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="fraud_police", le="` + within + `"}`
}

func deliveries(result string) string {
	return `orders_deliveries_total{channel="mail", result="` + result + `"}`
}

// Each alarm fires on what it is for, in time and with the right words, and stays quiet on what comes close to that.
func TestAlarms(t *testing.T) {
	known := alarms(t)
	untested := maps.Clone(known)
	args := []string{"test", "rules"}
	for i, test := range alarmTests {
		delete(untested, test.alarm)
		require.Contains(t, known, test.alarm)
		text, err := json.Marshal(test.forPromtool(t, known[test.alarm]))
		require.NoError(t, err)
		args = append(args, filepath.Join(t.TempDir(), fmt.Sprintf("%d-%s.json", i, test.alarm)))
		require.NoError(t, os.WriteFile(args[len(args)-1], text, 0o600))
	}
	tool(t, "promtool", args...)
	assert.Empty(t, slices.Collect(maps.Keys(untested)), "alarms without a test")
}

// forPromtool returns the file for promtool test rules: quiet at every evaluation, then firing. In a row without quiet values, those that
// fire are quiet until the outage begins.
func (a alarmTest) forPromtool(t *testing.T, r rule) any {
	t.Helper()
	path, err := filepath.Abs(observe + "/alerts.yml")
	require.NoError(t, err)
	every, at := a.duration(t, a.every, "15s"), a.duration(t, a.at, "2m")
	labels := maps.Clone(r.Labels)
	maps.Copy(labels, a.labels)
	type object = map[string]any
	fires := []any{object{"exp_labels": labels, "exp_annotations": map[string]string{"summary": a.says, "runbook_url": r.Annotations["runbook_url"]}}}
	test := func(values series, expected ...any) object {
		var input []any
		for name, v := range values {
			input = append(input, object{"series": name, "values": v})
		}
		return object{"interval": every.String(), "input_series": input, "alert_rule_test": expected}
	}
	expect := func(at time.Duration, alerts []any) any {
		return object{"alertname": a.alarm, "eval_time": at.String(), "exp_alerts": alerts}
	}
	until := at
	if a.quiet == nil {
		until = 10 * time.Minute
	}
	var never []any
	for when := time.Duration(0); when <= until; when += every {
		never = append(never, expect(when, nil))
	}
	tests := []any{test(a.quiet, never...), test(a.firing, expect(at, fires))}
	if a.quiet == nil {
		tests = []any{test(a.firing, append(never, expect(at, fires))...)}
	}
	return object{"rule_files": []string{path}, "evaluation_interval": every.String(), "tests": tests}
}

func (a alarmTest) duration(t *testing.T, text, otherwise string) time.Duration {
	t.Helper()
	if text == "" {
		text = otherwise
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}
