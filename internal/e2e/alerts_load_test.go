package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
)

var backlog = flag.Int("backlog", 0, "alerts that wait while alertman's memory is looked at; without it none wait")

// mostGrowth is how much alertman's memory may grow while alerts wait, with the race detector's overhead. Holding all
// alerts in memory would take several times that.
const mostGrowth = 64 << 20

// Alertman's memory does not grow with the alerts that wait.
func TestAlertmanMemory(t *testing.T) {
	if *backlog == 0 {
		t.Skip("make chaos-alerts runs it")
	}
	w := newWorld(t, nil)
	temporal := startProxy(t, shared.temporal.Address())
	p := w.startWith(alertman, map[string]string{"TEMPORAL_ADDRESS": temporal.Listen})
	broker := publisher(t, rabbitmq.Config{URL: shared.rabbitmq.URL("orders", "orders")})
	id := uuid.NewString()
	require.NoError(t, broker.Publish(t.Context(), alert.Sample(alert.FraudDetected, id, time.Now().UTC())))
	mailTo(t, "fraud-team@example.com", id) // everything is warm
	temporal.hold(toServer)                 // alerts are taken off the queue but get no further
	before := resident(t, p.Pid())
	var waiting errgroup.Group
	waiting.SetLimit(32)
	for range *backlog {
		waiting.Go(func() error {
			return broker.Publish(t.Context(), alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().UTC()))
		})
	}
	require.NoError(t, waiting.Wait())
	after := resident(t, p.Pid())
	t.Logf("%d alerts wait: %d MiB in place of %d MiB", *backlog, after>>20, before>>20)
	assert.LessOrEqual(t, after, before+mostGrowth, "alertman has grown by %d MiB", (after-before)>>20)
	w.kill(alertman)
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// resident returns the most memory that a process has had so far, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := peak.FindSubmatch(status)
	require.NotNil(t, found, "no peak in %s", status)
	kib, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kib << 10
}

// An alertman that is asked to stop finishes what it is sending.
func TestAlertmanStop(t *testing.T) {
	w := newWorld(t, nil)
	p := newProviders(t, w)
	w.alertsTo(fmt.Sprintf("version: 1\nreceivers: [{name: team, channels: [webhook: {url: %q, secret: %q}], group: none}]\nroutes: [{name: all, tell: [team]}]\n",
		p.hookURL(), hookSecret))
	health := freeAddress(t)
	process := w.startWith(alertman, map[string]string{"HEALTH_ADDRESS": health})
	require.NoError(t, process.WaitHealthy(t.Context(), "http://"+health+"/readyz"))
	taken, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p.onAccepted(func() {
		once.Do(func() { close(taken) })
		<-answer
	})
	broker := publisher(t, rabbitmq.Config{URL: shared.rabbitmq.URL("orders", "orders")})
	id := uuid.NewString()
	require.NoError(t, broker.Publish(t.Context(), alert.Sample(alert.FraudDetected, id, time.Now().UTC())))
	<-taken
	stopped := make(chan error, 1)
	go func() { stopped <- process.Stop(t.Context()) }()
	eventually(t, func() error { // until it has heard
		if got, err := call(t.Context(), http.MethodGet, "http://"+health+"/readyz", ""); err != nil || got.status != http.StatusServiceUnavailable {
			return errors.Join(fmt.Errorf("/readyz answers %d", got.status), err)
		}
		return nil
	})
	close(answer)
	require.NoError(t, <-stopped)
	w.start(alertman)
	eventually(t, func() error { return noneRuns(t.Context(), alertWorkflows) })
	delivery := w.deliveries(id).Chains[0].Steps[0].Deliveries[0]
	require.Len(t, p.hook.Accepted(), 1, "%+v", delivery)
	assert.Equal(t, alert.Delivered, delivery.State, "%+v", delivery)
	assert.Len(t, delivery.Attempts, 1, "%+v", delivery)
}
