package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/devissuer"
	"dummyorders/internal/stack"
)

var outages = flag.Bool("outages", false, "look at dashboards, and stop one part after the other and wait for its alarm, which takes half an hour")

var calm = flag.Duration("calm", 0, "how long transactions are posted while no alarm may fire; without it none are posted")

// observed is a world that a Prometheus with the rules of deploy/observe looks at.
type observed struct {
	*world
	prometheus *stack.Prometheus
}

// newObserved starts everything with a desk, and a Prometheus over it and over more targets.
func newObserved(t *testing.T, settings map[string]string, more ...stack.Target) observed {
	t.Helper()
	w := newWorld(t, settings)
	targets := append(more,
		stack.Target{Job: "rabbitmq", Address: fmt.Sprintf("127.0.0.1:%d", shared.metrics.rabbitmq), Path: "/metrics/per-object"},
		stack.Target{Job: "temporal", Address: fmt.Sprintf("127.0.0.1:%d", shared.metrics.temporal)},
	)
	issuer, err := devissuer.Start(devissuer.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, issuer.Stop(context.Background())) })
	persons := map[string]string{"DESK_ADDRESS": freeAddress(t), "OIDC_ISSUER": issuer.URL(), "OIDC_ROLES": "admin=admin"}
	for name, own := range map[string]map[string]string{worker: nil, fraudPolice: nil, alertman: nil, apiProcess: nil, desk: persons} {
		w.startWith(name, own)
		targets = append(targets, stack.Target{Job: name, Address: w.health[name]})
	}
	w.start() // waits
	root, err := stack.Root()
	require.NoError(t, err)
	p, err := stack.StartPrometheus(t.Context(), stack.PrometheusOptions{
		Dir: filepath.Join(shared.dir, "prometheus", t.Name()), Config: filepath.Join(root, "deploy", "observe"), Targets: targets,
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Stop(context.Background())) })
	return observed{w, p}
}

// ask calls Prometheus' API, and decodes the data of its answer.
func (o observed) ask(path string, into any) error {
	got, err := call(o.t.Context(), http.MethodGet, o.prometheus.URL()+"/api/v1/"+path, "")
	if err != nil {
		return err
	}
	answer := struct{ Data any }{into}
	return errors.Join(json.Unmarshal(got.body, &answer), unless(got.status == http.StatusOK, string(got.body)))
}

func unless(fine bool, complaint string) error {
	if fine {
		return nil
	}
	return errors.New(complaint)
}

// hasData returns nil if a query's answer has a value that is a number.
func (o observed) hasData(query string) error {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := o.ask("query?query="+url.QueryEscape(query), &data); err != nil {
		return err
	}
	for _, r := range data.Result {
		if r.Value[1] != "NaN" {
			return nil
		}
	}
	return errors.New("no data: " + query)
}

// firing returns the alarms that fire, by their names and the part that some are about.
func (o observed) firing() ([]string, error) {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	err := o.ask("alerts", &data)
	var names []string
	for _, a := range data.Alerts {
		if a.State == "firing" {
			names = append(names, strings.TrimSpace(a.Labels["alertname"]+" "+a.Labels["part"]))
		}
	}
	return names, err
}

// postgresExporter starts the exporter of a PostgreSQL's metrics.
func postgresExporter(t *testing.T, server *stack.Postgres) stack.Target {
	t.Helper()
	address := freeAddress(t)
	p, err := stack.StartProcess(stack.Command{
		Name: "postgres_exporter", Path: "prometheus-postgres-exporter", Args: []string{"--web.listen-address=" + address},
		Env: append(os.Environ(), "DATA_SOURCE_NAME="+server.URL("postgres", "postgres")), Log: filepath.Join(shared.dir, "postgres-exporter.log"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Stop(context.Background())) })
	require.NoError(t, p.WaitHealthy(t.Context(), "http://"+address+"/metrics"))
	return stack.Target{Job: "postgres", Address: address}
}

// dashboardQueries returns the queries of Grafana's dashboards.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	paths, err := filepath.Glob(filepath.Join(root, "deploy", "observe", "dashboards", "*.json"))
	require.NoError(t, err)
	var queries []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var board struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		require.NoError(t, json.Unmarshal(text, &board))
		for _, panel := range board.Panels {
			for _, target := range panel.Targets {
				queries = append(queries, target.Expr)
			}
		}
	}
	require.NotEmpty(t, queries)
	return queries
}

// eachAlone sends a mail for each alert.
const eachAlone = `
version: 1
receivers: [{name: shift, channels: [mail: shift@example.com], group: none}]
routes: [{name: all, tell: [shift]}]
`

// unheard asks for an acknowledgement that never comes.
var unheard = strings.Replace(eachAlone, "group: none", "group: none, acknowledge: {within: 1s}", 1)

func alertmanConfig(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "alertman.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// faultyRule cannot be evaluated for an order of one item, and is only recorded.
const faultyRule = `  - id: faulty
    name: A rule that fails
    mode: shadow
    when: 1 / (order.items - 1) > 2
    score: 1
    reason: FAULTY
    message: never
`

// Every panel of the dashboards shows something once everything has happened.
func TestDashboardsShow(t *testing.T) {
	if !*outages {
		t.Skip("make test-alarms runs it")
	}
	live, shadow := rulesetFolder(t, "live"), rulesetFolder(t, "shadow")
	appendTo(t, filepath.Join(live, "rules", "all.yaml"), faultyRule)
	strict := strings.Replace(rulesFor, "payment.amount > 200000", "payment.amount > 2", 1)
	require.NoError(t, os.WriteFile(filepath.Join(shadow, "rules", "all.yaml"), []byte(strict), 0o600))
	postgres := startPostgres(t)
	t.Cleanup(func() { purgeDead(t) }) // once alertman has stopped: it may just be about to put another letter there
	o := newObserved(t, map[string]string{
		"LEDGER_URL":     postgres.URL("orders", "orders"),
		"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": live, "FRAUD_SHADOW_RULESET": shadow, "PAYMENT_DEADLINE": "10s",
		"API_KEYS": "shop:the-key-of-the-shop,greedy:the-key-of-another", "HTTP_RATE_PER_CALLER": "20", "HTTP_BURST_PER_CALLER": "40",
		"ALERTMAN_CONFIG": alertmanConfig(t, unheard), "ALERT_LINK_KEY": "a key for links, which is long enough",
	}, postgresExporter(t, postgres))
	missing := dashboardQueries(t)
	eventuallyWithin(t, 4*time.Minute, func() error {
		o.oneOfEverything() // again and again: a rate needs two values
		var faults []error
		missing = slices.DeleteFunc(missing, func(query string) bool {
			err := o.hasData(query)
			faults = append(faults, err)
			return err == nil
		})
		return errors.Join(faults...)
	})
}

// oneOfEverything makes everything happen that is counted.
func (o observed) oneOfEverything() {
	o.t.Helper()
	key := []string{"Authorization", "Bearer the-key-of-the-shop"}
	oneItem := strings.Replace(body(small, goodCard), `"currency": "INR"}, "paymentMethod"`,
		`"currency": "INR", "items": [{"id": "1", "name": "book", "cost": 123.00, "quantity": 1}]}, "paymentMethod"`, 1)
	for range 2 {
		assert.Equal(o.t, http.StatusOK, o.post(oneItem, append(key, "Idempotency-Key", o.began.String())...).status)
	}
	for _, b := range []string{body(tooMuch, goodCard), body(forReview, goodCard), body(small, declinedCard), body(small, unvoidableCard), body(small, goodCard)} {
		o.idOf(b, append(key, "Prefer", "wait=2")...)
	}
	stranger := o.post(body(small, goodCard), "Authorization", "Bearer the-key-of-a-stranger")
	assert.Contains(o.t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, stranger.status, "the latter after twenty a minute")
	for range 60 {
		_, _ = o.send("{}", "Authorization", "Bearer the-key-of-another") // past its limit
	}
	publishRaw(o.t, "no-event", "no event")
}

// purgeDead drops the dead letters.
func purgeDead(t *testing.T) {
	t.Helper()
	connection, err := amqp.Dial(shared.rabbitmq.URL("operator", "operator"))
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	channel, err := connection.Channel()
	require.NoError(t, err)
	_, err = channel.QueuePurge("alertman.dead", false)
	require.NoError(t, err)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(before, text...), 0o600))
}

// outage is something that breaks, and the alarms that say so.
type outage struct {
	name       string
	begin, end func() error
	alarms     []string
	good       string // a query that has an answer once what breaks has worked for as long as its alarm looks back; may be empty
}

// Each outage under steady traffic fires its alarms within two minutes, and they are quiet again after its end.
func TestOutageAlarms(t *testing.T) {
	if !*outages {
		t.Skip("make test-alarms runs it")
	}
	postgres, gateway := startPostgres(t), startProxy(t, startStripe(t).Listener.Addr().String())
	o := newObserved(t, map[string]string{
		"LEDGER_URL": postgres.URL("orders", "orders"), "PAYMENT_GATEWAYS": "card:stripe,*:simulated",
		"STRIPE_API_KEY": "sk_test_outages", "STRIPE_URL": "http://" + gateway.Listen, "ALERTMAN_CONFIG": alertmanConfig(t, eachAlone),
	})
	ctx := t.Context()
	stop := func(name string) func() error { return func() error { return o.processes[name].Stop(ctx) } }
	start := func(name string) func() error { return func() error { return o.processes[name].Start() } }
	o.keepPosting(byStripe.Replace(body(small, goodCard)))
	o.keepPosting(body(tooMuch, goodCard))
	for _, test := range []outage{
		{"api", stop(apiProcess), start(apiProcess), []string{"APIDown"}, ""},
		{"worker", stop(worker), start(worker), []string{"WorkerDown"}, ""},
		{"fraud_police", stop(fraudPolice), start(fraudPolice), []string{"FraudPoliceDown"}, ""},
		{"alertman", stop(alertman), start(alertman), []string{"AlertmanDown"}, ""},
		{"the desk", stop(desk), start(desk), []string{"DeskDown"}, ""},
		{
			"RabbitMQ", func() error { return shared.rabbitmq.Stop(ctx) }, func() error { return shared.rabbitmq.Start(ctx) },
			[]string{"NotReady rabbitmq", "AlertsUnpublished"},
			`sum(increase(orders_alerts_published_total{result="confirmed"}[1m])) > 15`,
		},
		{"the ledger", func() error { postgres.Kill(); return nil }, func() error { return postgres.Start(ctx) }, []string{"NotReady ledger"}, ""},
		{
			"Temporal", func() error { return shared.temporal.Stop(ctx) }, func() error { return shared.temporal.Start(ctx) },
			[]string{"NotReady temporal", "TransactFails"},
			`sum(increase(orders_http_request_duration_seconds_count{route="/transact", status="202"}[1m])) > 30`,
		},
		{
			"the gateway", func() error { gateway.Stop(); return nil }, gateway.Start,
			[]string{"GatewayFails"},
			`increase(orders_gateway_calls_total{gateway="stripe", result="ok"}[2m]) > 30`,
		},
		{
			"the mail server", func() error { return shared.mail.Stop(ctx) }, shared.mail.Start,
			[]string{"DeliveriesFail"},
			`increase(orders_deliveries_total{channel="mail", result="ok"}[5m]) > 75`,
		},
	} {
		t.Run(test.name, func(t *testing.T) { o.outage(t, test) })
	}
}

// outage waits until all has been well for long enough, then for the outage's alarms, and then for their silence.
func (o observed) outage(t *testing.T, test outage) {
	t.Helper()
	quiet := func() error {
		firing, err := o.firing()
		among := func(alarm string) bool { return slices.Contains(firing, alarm) }
		return errors.Join(err, unless(!slices.ContainsFunc(test.alarms, among), fmt.Sprint("it fires: ", firing)))
	}
	eventuallyWithin(t, 7*time.Minute, func() error {
		if test.good == "" {
			return quiet()
		}
		return errors.Join(quiet(), o.hasData(test.good))
	})
	require.NoError(t, test.begin())
	began := time.Now()
	for _, alarm := range test.alarms {
		eventuallyWithin(t, 2*time.Minute-time.Since(began), func() error {
			firing, err := o.firing()
			return errors.Join(err, unless(slices.Contains(firing, alarm), fmt.Sprint("it fires: ", firing)))
		})
		t.Logf("%s fires after %s", alarm, time.Since(began).Round(time.Second))
	}
	require.NoError(t, test.end())
	began = time.Now()
	eventuallyWithin(t, 7*time.Minute, quiet)
	t.Logf("silent after %s", time.Since(began).Round(time.Second))
}

// keepPosting posts a body every three seconds until the test ends.
func (o observed) keepPosting(text string) {
	go func() {
		pace := time.NewTicker(3 * time.Second)
		defer pace.Stop()
		for o.t.Context().Err() == nil {
			_, _ = o.send(text, "Prefer", "respond-async")
			<-pace.C
		}
	}()
}

// No alarm fires while all works, whatever becomes of transactions.
func TestNoAlarm(t *testing.T) {
	if *calm == 0 {
		t.Skip("make test-alarms CALM=1h runs it")
	}
	grouped := strings.Replace(eachAlone, "group: none", "group: {by: [card, reason], window: 1m}", 1)
	o := newObserved(t, map[string]string{"ALERTMAN_CONFIG": alertmanConfig(t, grouped)})
	pace := time.NewTicker(3 * time.Second)
	defer pace.Stop()
	for n := 0; time.Since(o.began) < *calm; n++ {
		o.ordinary(n)
		firing, err := o.firing()
		require.NoError(t, err)
		require.Empty(t, firing, "after %s", time.Since(o.began).Round(time.Second))
		<-pace.C
	}
}

// ordinary posts the n-th transaction of a normal day: of twenty, one card's three tries with stolen data, of which the first is sent
// at once and the others as a digest, a review that is decided, a card that is refused, and a request that is repeated.
func (o observed) ordinary(n int) {
	o.t.Helper()
	switch text := body(small, goodCard); n % 20 {
	case 0, 5, 10:
		o.idOf(body(tooMuch, withCheckDigit(fmt.Sprintf("%s%09d", goodCard[:6], n/20))), "Prefer", "respond-async")
	case 3:
		got, err := o.reviewBy("ada", o.held(), "approve")
		require.NoError(o.t, err)
		assert.Less(o.t, got.status, http.StatusBadRequest, "%s", got.body)
	case 8:
		o.idOf(body(small, declinedCard), "Prefer", "respond-async")
	case 13:
		key := fmt.Sprint(o.began, n)
		first := o.idOf(text, "Idempotency-Key", key)
		assert.Equal(o.t, first, o.idOf(text, "Idempotency-Key", key))
	default:
		o.idOf(text, "Prefer", "respond-async")
	}
}
