package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/stack"
	"dummyorders/internal/waittest"
	"dummyorders/workflows"
)

// world is a Temporal server with workers for scripted transactions and alerts, and the ledger that they write to. All
// tests share it: each uses transactions of its own.
type world struct {
	client client.Client
	// forgetful is a client of a namespace that never had a transaction, as after their retention.
	forgetful client.Client
	ledger    *memory
	till      *till
	trail     *trail
	clients   api.Clients // of the test that runs, as mutes and sessions
	mutes     alert.Mutes
	sessions  api.Sessions
	stop      func()
}

// till counts how often each transaction was charged.
type till struct {
	mu      sync.Mutex
	charges map[string]int
}

func (t *till) of(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.charges[id]
}

var shared = sync.OnceValues(startWorld)

func TestMain(m *testing.M) {
	started := false
	start := shared
	shared = func() (*world, error) { started = true; return start() }
	code := m.Run()
	if started {
		if w, err := start(); err == nil {
			w.stop()
		}
	}
	// When a worker stops, the SDK abandons the workflows that are under way, and leaves their coroutines parked.
	parked := goleak.IgnoreAnyFunction("go.temporal.io/sdk/internal.(*coroutineState).run")
	if err := goleak.Find(parked); code == 0 && err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

// realWorld returns the shared world, and starts it for the first test that asks.
func realWorld(t *testing.T) *world {
	t.Helper()
	w, err := shared()
	require.NoError(t, err)
	return w
}

func startWorld() (*world, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "api-test-")
	if err != nil {
		return nil, err
	}
	server, err := stack.StartTemporal(ctx, stack.TemporalOptions{Dir: dir, Namespace: "shop"})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c, err := dial(ctx, server.Address(), "shop")
	forgetful, forgetfulErr := dial(ctx, server.Address(), "default") // the dev server always has it
	if err = errors.Join(err, forgetfulErr); err != nil {
		server.Kill()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	w := &world{client: c, forgetful: forgetful, ledger: newMemory(), till: &till{charges: map[string]int{}}, trail: &trail{}}
	_, err = w.trail.Append(ctx, audit.Entry{Action: "labelTransaction", Merchant: "acme"})
	working := newWorker(c, &script{w.ledger, w.till})
	alertman := newAlertman(c)
	err = errors.Join(err, working.Start(), alertman.Start())
	w.stop = func() {
		working.Stop()
		alertman.Stop()
		c.Close()
		forgetful.Close()
		server.Kill()
		_ = os.RemoveAll(dir)
	}
	return w, err
}

func dial(ctx context.Context, address, namespace string) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: address, Namespace: namespace, Logger: quiet,
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithStatsHandler(temporal.SentHandler{})}},
	})
}

func newWorker(c client.Client, s *script) worker.Worker {
	w := worker.New(c, workflows.OrdersTaskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(s.process, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
	w.RegisterActivityWithOptions(s.charge, activity.RegisterOptions{Name: "charge"})
	w.RegisterActivityWithOptions(s.save, activity.RegisterOptions{Name: "save"})
	return w
}

// api returns a fresh API process, as after a restart.
func (w *world) api() http.Handler {
	o := options(w.client, w.ledger)
	o.MaxInFlight = 1000
	return handlerWith(o)
}

// request makes a call to the API. Headers are "Name: value".
func request(t testing.TB, handler http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

var eventually = waittest.Eventually
