package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
	"dummyorders/ops"
)

// asMain is the variable that makes this test's binary the program itself.
const asMain = "ORDERS_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Wrong arguments are refused.
func TestReportArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{"status --every=1ms", "status --most=0", "status --most=501", "doctor --every=2h", "doctor --process=none"} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields(args)), args)
	}
	setEnvironment(t, map[string]string{"RABBITMQ_CONSUMER_URL": "nonsense"})
	require.Equal(t, exitConfig, execute(ended(t), []string{"status"}))
}

// A command that reports ends by itself, and leaves HEALTH_ADDRESS to the processes.
func TestReportsEnd(t *testing.T) {
	health, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, health.Close()) }()
	const nowhere = "amqp://orders:orders@127.0.0.1:1/"
	setEnvironment(t, map[string]string{
		"HEALTH_ADDRESS": health.Addr().String(), "HTTP_ADDRESS": "127.0.0.1:1", "LEDGER_URL": "sqlite:" + t.TempDir() + "/ledger.db",
		"RABBITMQ_PUBLISHER_URL": nowhere, "RABBITMQ_CONSUMER_URL": nowhere,
	})
	for _, command := range []string{"status", "doctor"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		require.Equal(t, 3, execute(ctx, []string{command, "--json"}), command)
		require.NoError(t, ctx.Err(), command)
		cancel()
	}
}

// The exit code says how bad it is.
func TestReportExitCodes(t *testing.T) {
	for state, code := range map[ops.State]int{ops.OK: 0, ops.Unknown: 0, ops.Degraded: 1, ops.Wrong: 2, ops.Down: 3} {
		r := ops.Report{State: state, Parts: []ops.Line{{Name: "ledger", State: state}}}
		err := reportFlags{}.run(t.Context(), "orders status", func(context.Context) ops.Report { return r }, output{results: &bytes.Buffer{}})
		if code == 0 {
			require.NoError(t, err, state)
			continue
		}
		require.EqualError(t, err, string(state)+": ledger")
		assert.Equal(t, code, exitCode(err), state)
	}
	assert.Equal(t, exitConfig, exitCode(&configError{}))
	assert.Equal(t, exitFailure, exitCode(errors.New("other")))
}

// With --watch the report is written again and again, as JSON on one line each time, until the command is interrupted.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 21*time.Second)
		defer stop()
		var out bytes.Buffer
		err := reportFlags{jsonFlag: asJSON, Watch: true, Every: 5 * time.Second}.run(ctx, "orders status",
			func(context.Context) ops.Report { return ops.Report{State: ops.Down} }, output{results: &out})
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 5)
		for _, line := range lines {
			require.True(t, json.Valid([]byte(line)), line)
		}
	})
}

// SIGINT and SIGTERM end a command that watches, with success.
func TestWatchEndsOnSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			log := t.TempDir() + "/log"
			env := append(os.Environ(), asMain+"=1", "TEMPORAL_ADDRESS=127.0.0.1:1", "LEDGER_URL=sqlite:"+t.TempDir()+"/ledger.db",
				"RABBITMQ_CONSUMER_URL=amqp://alertman:alertman@127.0.0.1:1/", "HTTP_ADDRESS=127.0.0.1:1")
			p, err := stack.StartProcess(stack.Command{Name: "status", Path: os.Args[0], Args: []string{"status", "--watch", "--every=1s"}, Env: env, Log: log})
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				text, err := os.ReadFile(log)
				return err == nil && strings.Count(string(text), "orders status: down") > 1
			}, time.Minute, 50*time.Millisecond, "it does not print again")
			require.NoError(t, syscall.Kill(p.Pid(), signal))
			require.NoError(t, p.Wait(t.Context()))
		})
	}
}
