package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"dummyorders/internal/stack"
	"dummyorders/workers"
)

// NO_COLOR turns colours off, whatever the log is written to.
func TestNoColor(t *testing.T) {
	for value, coloured := range map[string]bool{"": true, "1": false} {
		t.Run(value, func(t *testing.T) {
			setEnvironment(t, map[string]string{"LOG_FORMAT": "pretty", "NO_COLOR": value})
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			require.NoError(t, err)
			defer func(stderr *os.File) { os.Stderr = stderr }(os.Stderr)
			os.Stderr = log
			p, err := newProcess(t.Context(), "api", nil)
			require.NoError(t, err)
			p.log.Warn("Started", "error", errors.New("none"))
			p.close()
			require.NoError(t, log.Close())
			text := contents(t, log.Name())
			require.Contains(t, text, "Started")
			require.Equal(t, coloured, strings.Contains(text, "\x1b"), text)
		})
	}
}

// Answers are not to be cached, and large headers are refused.
func TestServeAPI(t *testing.T) {
	address := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, slog.New(slog.DiscardHandler), address, fewConnections, http.NotFoundHandler(), time.Second)
	}()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	get := func(header string) (status int, answered http.Header) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", http.NoBody)
		require.NoError(t, err)
		request.Header.Set("X-Large", header)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, nil
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode, answer.Header
	}
	require.Eventually(t, func() bool { status, _ := get(""); return status != 0 }, 10*time.Second, 10*time.Millisecond)
	status, headers := get("small")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "nosniff", headers.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", headers.Get("Cache-Control"))
	status, _ = get(strings.Repeat("x", 64<<10))
	require.Contains(t, []int{0, http.StatusRequestHeaderFieldsTooLarge}, status, "0: the server has hung up first")
}

// A process that was asked to stop serves on for a while, and has each answer close its connection.
func TestServeDelayed(t *testing.T) {
	const delay = time.Second
	for name, serves := range map[string]part{"api": serveAPI, "desk": serveDesk} {
		t.Run(name, func(t *testing.T) {
			address := freeAddress(t)
			setEnvironment(t, map[string]string{
				"HTTP_ADDRESS": address, "DESK_ADDRESS": address, "SHUTDOWN_DELAY": delay.String(),
				"OIDC_ISSUER": "https://127.0.0.1:1", "OIDC_ROLES": "staff=reviewer",
				"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
			})
			running, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- run(running, map[string]part{name: serves}) }()
			require.Eventually(t, func() bool { return ask(t, address, "/nowhere").status != 0 }, 10*time.Second, 10*time.Millisecond)
			require.False(t, ask(t, address, "/nowhere").closes)
			stop()
			stopped := time.Now()
			require.Eventually(t, func() bool { return ask(t, address, "/readyz").closes }, delay/2, time.Millisecond, "it has stopped serving, or its connection stays open")
			require.NoError(t, <-ended)
			require.GreaterOrEqual(t, time.Since(stopped), delay)
		})
	}
}

// What work needs goes on until work has ended, and work ends when that fails.
func TestOutlast(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	needed := make(chan context.Context, 1)
	require.NoError(t, outlast(ctx,
		func(ctx context.Context) error {
			<-ctx.Done()
			return (<-needed).Err()
		},
		func(ctx context.Context) error {
			needed <- ctx
			<-ctx.Done()
			return nil
		}))
	require.ErrorIs(t, outlast(t.Context(),
		func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		},
		func(context.Context) error { return io.ErrUnexpectedEOF }), io.ErrUnexpectedEOF)
}

// Parts of one process serve the health of all at one address.
func TestHealthOfAllParts(t *testing.T) {
	address := freeAddress(t)
	setEnvironment(t, map[string]string{
		"HTTP_ADDRESS": freeAddress(t), "HEALTH_ADDRESS": address, "LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, map[string]part{"api": serveAPI, "fraud-police": checkForFraud}) }()
	require.Eventually(t, func() bool { return strings.Contains(ask(t, address, "/readyz").text, "temporal, worker;") }, 10*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

// slowToStop is a worker that is draining until drained is closed.
type slowToStop struct{ drained chan struct{} }

func (slowToStop) Start() error { return nil }
func (w slowToStop) Stop()      { <-w.drained }

// A worker says on /readyz that it is draining until it has ended.
func TestWorkerSaysThatItDrains(t *testing.T) {
	drained := make(chan struct{})
	p := &process{env: environment{HealthAddress: freeAddress(t)}, values: &values{}, log: slog.New(slog.DiscardHandler), metrics: http.NotFoundHandler()}
	work := p.withHealth(p.work(worker{name: "slow", maker: func(sdk.Options) workers.Worker { return slowToStop{drained} }}))
	running, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- work(running) }()
	require.Eventually(t, func() bool { return ask(t, p.env.HealthAddress, "/livez").status != 0 }, 10*time.Second, 10*time.Millisecond)
	stop()
	require.Eventually(t, func() bool {
		return ask(t, p.env.HealthAddress, "/readyz").status == http.StatusServiceUnavailable
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, http.StatusOK, ask(t, p.env.HealthAddress, "/livez").status)
	close(drained)
	require.NoError(t, <-ended)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := stack.FreePort()
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// answered is how a request was answered.
type answered struct {
	status int // 0 if it was not
	closes bool
	text   string
}

func ask(t *testing.T, address, path string) answered {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return answered{}
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	return answered{answer.StatusCode, answer.Close, string(text)}
}
