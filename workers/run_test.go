package workers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"dummyorders/activities"
	"dummyorders/domain/fraud"
	"dummyorders/internal/stack"
	"dummyorders/workers"
)

// A worker that starts before Temporal works once Temporal is there.
func TestWorkerStartsBeforeTemporal(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	c, err := client.NewLazyClient(client.Options{HostPort: fmt.Sprintf("127.0.0.1:%d", port), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	defer c.Close()
	runner := workers.NewRunner("fraud_police", workers.NewFraudPolice(c, &activities.Fraud{Detector: fraud.Dummy{}}), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	require.Error(t, runner.Ready(ctx), "it is ready before Temporal is there")

	server, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir(), Port: port})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop(context.Background())) }()

	require.Eventually(t, func() bool { return runner.Ready(ctx) == nil }, time.Minute, 50*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	require.Error(t, runner.Ready(context.Background()), "it is ready after its end")
}

// A worker that the server refuses for good ends its process.
func TestFatalErrorEndsRun(t *testing.T) {
	refused := errors.New("namespace not found")
	w := &idle{}
	maker := func(o worker.Options) workers.Worker {
		go o.OnFatalError(refused)
		return w
	}
	require.ErrorIs(t, workers.NewRunner("orders", maker, slog.New(slog.DiscardHandler)).Run(t.Context()), refused)
	require.True(t, w.stopped, "what else it has in hand is cut off")
}

// idle is a worker that only starts and stops: the SDK's worker takes minutes to give up.
type idle struct{ stopped bool }

func (*idle) Start() error { return nil }
func (i *idle) Stop()      { i.stopped = true }
