package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/devissuer"
	"dummyorders/internal/stack"
	"dummyorders/ops"
)

// firstStart is all processes on a machine that has Temporal, an issuer, and nothing else: no tables, and no RabbitMQ yet.
type firstStart struct {
	t         *testing.T
	dir       string
	env       []string
	addresses map[string]string // where each serves /readyz
}

// TestFirstStart starts the processes with the worker, which makes the tables, last and late. They log no error
// meanwhile, and orders status says what runs then.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	server, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	issuer, err := devissuer.Start(devissuer.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, issuer.Stop(context.Background())) })
	f := &firstStart{t: t, dir: t.TempDir(), addresses: map[string]string{}}
	const nowhere = "amqp://orders:orders@127.0.0.1:1/"
	f.env = append(os.Environ(), asMain+"=1", "TEMPORAL_ADDRESS="+server.Address(), "LEDGER_URL=sqlite:"+f.dir+"/new/ledger.db",
		"RABBITMQ_PUBLISHER_URL="+nowhere, "RABBITMQ_CONSUMER_URL="+nowhere, "CARD_FINGERPRINT_KEY="+aKey, "HTTP_ADDRESS="+freeAddress(t), "LOG_LEVEL=info",
		"OIDC_ISSUER="+issuer.URL(), "OIDC_AUDIENCE="+devissuer.ClientID, "OIDC_ROLES=admin=admin", "DESK_ADDRESS="+freeAddress(t))
	for _, name := range []string{"api", "fraud-police", "alertman", "desk"} {
		f.start(name)
	}
	require.Eventually(t, func() bool { // until start-up is over, so that what is not ready is more than news
		f.ready("api")
		return warned(f.said("api")) && !f.ready("fraud-police") && !f.ready("desk") &&
			strings.Contains(f.said("fraud-police"), "what=ledger")
	}, time.Minute, 200*time.Millisecond, "nothing warns that the ledger has no tables")
	f.start("worker")
	require.Eventually(t, func() bool { return f.ready("fraud-police") && f.ready("api") && f.ready("desk") }, time.Minute, 200*time.Millisecond)
	for name := range f.addresses {
		assert.NotContains(t, f.said(name), "level=ERROR", name)
		assert.LessOrEqual(t, strings.Count(f.said(name), "No connection to RabbitMQ"), 2, "%s says again and again that RabbitMQ is away", name)
	}
	f.status()
}

func (f *firstStart) start(name string) {
	f.t.Helper()
	f.addresses[name] = freeAddress(f.t)
	env := append(f.env, "HEALTH_ADDRESS="+f.addresses[name])
	p, err := stack.StartProcess(stack.Command{Name: name, Path: os.Args[0], Args: []string{name}, Env: env, Log: f.dir + "/" + name})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { assert.NoError(f.t, p.Stop(context.Background()), name) })
}

// warned reports whether a log warns that the ledger is not ready.
func warned(log string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") && strings.Contains(line, "what=ledger") {
			return true
		}
	}
	return false
}

func (f *firstStart) said(name string) string {
	text, _ := os.ReadFile(f.dir + "/" + name)
	return string(text)
}

// ready asks a process whether it is ready.
func (f *firstStart) ready(name string) bool {
	return ask(f.t, f.addresses[name], "/readyz").status == http.StatusOK
}

// status runs orders status until it says how everything is: what a process has just begun shows a moment later.
func (f *firstStart) status() {
	f.t.Helper()
	require.EventuallyWithT(f.t, func(c *assert.CollectT) {
		command := exec.CommandContext(f.t.Context(), os.Args[0], "status", "--json")
		command.Env = f.env
		out, _ := command.Output()
		assert.Equal(c, 3, command.ProcessState.ExitCode(), "RabbitMQ is down")
		var r ops.Report
		require.NoError(c, json.Unmarshal(out, &r), "%s", out)
		states := map[string]ops.State{}
		for _, l := range r.Parts {
			states[l.Group+" "+l.Name] = l.State
		}
		for name, want := range map[string]ops.State{
			"processes api": ops.OK, "processes worker": ops.OK, "processes fraud-police": ops.OK, "processes alertman": ops.OK,
			"processes channels": ops.OK, "processes desk": ops.OK, "servers temporal": ops.OK, "servers ledger": ops.OK, "servers rabbitmq": ops.Down,
			"queues alertman": ops.Unknown, "gateways simulated": ops.OK, "work reviews": ops.OK, "work transactions": ops.OK,
			"work failed alerts": ops.OK,
		} {
			assert.Equal(c, want, states[name], "%s: %s", name, out)
		}
	}, time.Minute, time.Second)
}
