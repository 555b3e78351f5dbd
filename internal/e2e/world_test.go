package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/internal/waittest"
	"dummyorders/workflows"
)

// soon is how long to wait for what should take a moment, on a machine that is slow and busy.
const soon = 90 * time.Second

// These are the names of the processes, as the commands that run them.
const (
	apiProcess  = "api"
	worker      = "worker"
	fraudPolice = "fraud-police"
	alertman    = "alertman"
)

// world holds one test's processes.
type world struct {
	t         *testing.T
	binary    string // path of orders
	env       map[string]string
	api       string // the API's URL
	began     time.Time
	processes map[string]*stack.Process
	health    map[string]string // the HEALTH_ADDRESS of each process
	logs      *[]string         // shared with the subtests, see deskWorld.in
}

// newWorld prepares processes that decide by the amount (see fraudBody); settings override the environment.
func newWorld(t *testing.T, settings map[string]string) *world {
	t.Helper()
	address := freeAddress(t)
	_, mailPort, _ := strings.Cut(shared.mail.Address(), ":")
	w := &world{t: t, binary: shared.binary, began: time.Now(), api: "http://" + address, logs: new([]string), processes: map[string]*stack.Process{}, health: map[string]string{}, env: map[string]string{
		"HTTP_ADDRESS":                       address,
		"HEALTH_ADDRESS":                     "",
		"TEMPORAL_ADDRESS":                   shared.temporal.Address(),
		"RABBITMQ_PUBLISHER_URL":             shared.rabbitmq.URL("orders", "orders"),
		"RABBITMQ_CONSUMER_URL":              shared.rabbitmq.URL("alertman", "alertman"),
		"SMTP_HOSTNAME":                      "127.0.0.1",
		"SMTP_PORT":                          mailPort,
		"TRANSACTION_FRAUD_EMAIL_ALERT_TO":   "fraud-team@example.com",
		"TRANSACTION_FRAUD_EMAIL_ALERT_FROM": "orders@example.com",
		"CARD_FINGERPRINT_KEY":               "a key for tests, which is long enough",
		"FRAUD_DETECTOR":                     "limit",
		"LEDGER_URL":                         "sqlite:" + ledgerFile(t),
		"LOG_LEVEL":                          "debug",
		"GORACE":                             "halt_on_error=1 atexit_sleep_ms=0",
	}}
	maps.Copy(w.env, settings)
	t.Cleanup(w.stopAll)
	return w
}

// ledgerFile returns the path of a new ledger with its tables, which a worker takes long to make under the race detector. Each test has
// its own ledger, also when it is repeated with -count.
func ledgerFile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp(shared.dir, "ledger-"+strings.ReplaceAll(t.Name(), "/", "_")+"-") //nolint:usetesting // TestCardNumberIsNowhere looks through shared.dir
	require.NoError(t, err)
	path := filepath.Join(folder, "ledger.db")
	ledgertest.MakeFile(t, path)
	return path
}

// start starts processes, and waits until the API is ready if it is one of them.
func (w *world) start(names ...string) *world {
	w.t.Helper()
	for _, name := range names {
		w.startWith(name, nil)
	}
	if p := w.processes[apiProcess]; p != nil {
		require.NoError(w.t, p.WaitHealthy(w.t.Context(), w.api+"/readyz"))
		w.findsLedger()
	}
	return w
}

// findsLedger waits until the worker, if there is one, has brought the ledger's tables to this version.
func (w *world) findsLedger() {
	w.t.Helper()
	if w.processes[worker] == nil {
		return
	}
	store, err := ledgerdb.Open(w.env["LEDGER_URL"])
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, store.Close()) }()
	eventually(w.t, func() error { return store.Ready(w.t.Context()) })
}

// startWith starts a process with settings of its own.
func (w *world) startWith(name string, settings map[string]string) *stack.Process {
	w.t.Helper()
	return w.startAs(name, name, settings)
}

// startAs starts one of several processes of a kind, like startWith but under a name of its own.
func (w *world) startAs(kind, name string, settings map[string]string) *stack.Process {
	w.t.Helper()
	log := filepath.Join(shared.dir, "logs", strings.ReplaceAll(w.t.Name(), "/", "_"), fmt.Sprintf("%s-%d.log", name, len(*w.logs)))
	require.NoError(w.t, os.MkdirAll(filepath.Dir(log), 0o750))
	w.health[name] = cmp.Or(settings["HEALTH_ADDRESS"], w.env["HEALTH_ADDRESS"], freeAddress(w.t))
	p, err := stack.StartProcess(stack.Command{
		Name: name, Path: w.binary, Args: []string{kind}, Env: append(w.environ(settings), "HEALTH_ADDRESS="+w.health[name]), Log: log,
	})
	require.NoError(w.t, err)
	w.processes[name] = p
	*w.logs = append(*w.logs, log)
	return p
}

// environ returns the environment of the world's processes.
func (w *world) environ(settings map[string]string) []string {
	env := os.Environ()
	for _, set := range []map[string]string{w.env, settings} {
		for key, value := range set {
			env = append(env, key+"="+value)
		}
	}
	return env
}

func (w *world) everything() *world {
	w.t.Helper()
	return w.start(worker, fraudPolice, alertman, apiProcess)
}

// kill kills a process as kill -9 does.
func (w *world) kill(name string) {
	w.processes[name].Kill()
}

func (w *world) stopAll() {
	var stopped sync.WaitGroup
	for name, p := range w.processes {
		stopped.Go(func() {
			if err := p.Stop(context.Background()); err != nil {
				w.t.Errorf("%s does not drain: %v", name, err)
			}
		})
	}
	stopped.Wait()
	w.abandon()
	for _, log := range *w.logs {
		text, err := os.ReadFile(log)
		if err != nil || bytes.Contains(text, []byte("DATA RACE")) || bytes.Contains(text, []byte("panic:")) {
			w.t.Errorf("%s: %v: %s", log, err, text)
		}
	}
}

// abandon stops what a test has left running, so that the next test starts clean.
func (w *world) abandon() {
	ctx := context.Background()
	left, err := running(ctx, "("+transactions+") OR ("+alertWorkflows+")")
	for _, id := range left {
		err = errors.Join(err, shared.client.TerminateWorkflow(ctx, id, "", "its test is over"))
	}
	if err != nil {
		w.t.Errorf("end what is left: %v", err)
	}
	purge(w.t)
}

// purge drops the alerts that are still queued, including those that a killed alertman gives back: the broker must
// first notice that it is gone.
func purge(t *testing.T) {
	t.Helper()
	connection, err := amqp.Dial(shared.rabbitmq.URL("operator", "operator"))
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	channel, err := connection.Channel()
	require.NoError(t, err)
	eventually(t, func() error {
		queue, err := channel.QueueDeclarePassive("alertman", true, false, false, false, nil)
		if err == nil && queue.Consumers > 0 {
			err = errors.New("a stopped alertman is still listed as a consumer")
		}
		return err
	})
	_, err = channel.QueuePurge("alertman", false)
	require.NoError(t, err)
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) answer(t *testing.T) ledger.Answer {
	t.Helper()
	var a ledger.Answer
	require.NoError(t, json.Unmarshal(r.body, &a), "no answer: %d %s", r.status, r.body)
	require.NotEmpty(t, a.TransactionID, "no answer: %d %s", r.status, r.body)
	return a
}

// send posts a transaction. It fails only if there is no reply at all.
func (w *world) send(body string, headers ...string) (reply, error) {
	return w.sendTo("/transact", body, headers...)
}

// reviewBy posts a reviewer's verdict. It may be called from any goroutine.
func (w *world) reviewBy(reviewer, id, verdict string, headers ...string) (reply, error) {
	return w.sendTo("/transactions/"+id+"/review", fmt.Sprintf(`{"decision": %q, "reviewer": %q}`, verdict, reviewer), headers...)
}

func (w *world) sendTo(path, body string, headers ...string) (reply, error) {
	return call(w.t.Context(), http.MethodPost, w.api+path, body, headers...)
}

// call makes a request. Its body is JSON, unless the headers, which are names and values by turns, say otherwise.
func call(ctx context.Context, method, url, body string, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, got}, err
}

func (w *world) post(body string, headers ...string) reply {
	w.t.Helper()
	r, err := w.send(body, headers...)
	require.NoError(w.t, err)
	return r
}

// idOf posts a body, and returns the id of the transaction that was accepted. It may be called from any goroutine.
func (w *world) idOf(body string, headers ...string) string {
	got, err := w.send(body, headers...)
	var accepted ledger.Answer
	if err != nil || got.status >= 300 || json.Unmarshal(got.body, &accepted) != nil {
		w.t.Errorf("not accepted: %v: %d %s", err, got.status, got.body)
	}
	return accepted.TransactionID
}

// store opens the ledger for as long as the test runs.
func (w *world) store() *ledgerdb.Ledger {
	w.t.Helper()
	store, err := ledgerdb.Open(w.env["LEDGER_URL"])
	require.NoError(w.t, err)
	w.t.Cleanup(func() { assert.NoError(w.t, store.Close()) })
	return store
}

func (w *world) get(path string) reply {
	w.t.Helper()
	r, err := w.fetch(path)
	require.NoError(w.t, err)
	return r
}

// fetch is like get. It may be called from any goroutine.
func (w *world) fetch(path string) (reply, error) {
	var headers []string
	if _, key, named := strings.Cut(strings.Split(w.env["API_KEYS"], ",")[0], ":"); named {
		headers = []string{"Authorization", "Bearer " + key}
	}
	return call(w.t.Context(), http.MethodGet, w.api+path, "", headers...)
}

// metrics returns what a process shows to Prometheus, in the form that has exemplars.
func (w *world) metrics(name string) string {
	w.t.Helper()
	r, err := call(w.t.Context(), http.MethodGet, "http://"+w.health[name]+"/metrics", "", "Accept", "application/openmetrics-text")
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, r.status, name)
	return string(r.body)
}

// record asks Temporal for a transaction as `temporal workflow query --type status` does.
func record(ctx context.Context, id string) (ledger.Record, error) {
	var r ledger.Record
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	value, err := shared.client.QueryWorkflow(ctx, workflows.TransactionWorkflowID(id), "", workflows.StatusQuery)
	if err == nil {
		err = value.Get(&r)
	}
	return r, err
}

// reaches waits until a transaction has a status.
func (w *world) reaches(id string, status transaction.Status) {
	w.t.Helper()
	eventually(w.t, func() error {
		r, err := record(w.t.Context(), id)
		if err == nil && r.TransactionStatus.Code != status {
			err = fmt.Errorf("transaction %s is %s, want %s", id, r.TransactionStatus.Status, status)
		}
		return err
	})
}

// endAs waits until transactions have ended, according to their search attribute: that needs no worker, and is quick.
func (w *world) endAs(ids []string, status transaction.Status) {
	w.t.Helper()
	for _, id := range ids {
		eventually(w.t, func() error {
			answer, err := shared.client.DescribeWorkflowExecution(w.t.Context(), workflows.TransactionWorkflowID(id), "")
			if err != nil {
				return err
			}
			got := answer.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()["TransactionStatus"].GetData()
			if string(got) != fmt.Sprintf("%q", status) {
				return fmt.Errorf("transaction %s is %s, want %s", id, got, status)
			}
			return nil
		})
	}
}

// mails returns all mails to the worlds' default address, by the transaction that they name. Tests of alerting send to
// addresses of their own.
func mails(t *testing.T) map[string][]stack.Message {
	t.Helper()
	all, err := shared.mail.Messages()
	require.NoError(t, err)
	about := map[string][]stack.Message{}
	for _, m := range all {
		if !slices.Contains(m.To, "fraud-team@example.com") {
			continue
		}
		id := transactionLine.FindStringSubmatch(string(m.Text))
		require.NotNil(t, id, "a mail about no transaction: %s", m.Text)
		about[id[1]] = append(about[id[1]], m)
	}
	return about
}

var transactionLine = regexp.MustCompile(`(?m)^Transaction  ([0-9a-f-]{36})`)

// isMailed waits until the delivery of a transaction's alert is recorded. count is the expected number of mails.
func (w *world) isMailed(id string, count int) {
	w.t.Helper()
	w.areMailed([]string{id}, count)
}

// areMailed is like isMailed, for many transactions.
func (w *world) areMailed(ids []string, count int) {
	w.t.Helper()
	for _, id := range ids {
		eventually(w.t, func() error { return delivered(w.t.Context(), id) })
	}
	about := mails(w.t)
	for _, id := range ids {
		assert.Len(w.t, about[id], count, id)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := stack.FreePort()
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	eventuallyWithin(t, soon, check)
}

var eventuallyWithin = waittest.Within
