// Package workers says which worker does what: each worker has a file, which says what it registers and on which task queue.
package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/sdk/worker"
)

// drainTime is how long a stopping worker's activities may go on. It is longer than publishing an alert or asking a gateway takes,
// except for a charge, which may make two calls and take 20 seconds. An activity that is cut off is tried again by another worker; a
// gateway repeats to the same idempotency key what it answered before.
const drainTime = 15 * time.Second

// Maker makes a worker with the given options.
type Maker func(worker.Options) Worker

// Worker is one worker of the SDK, or several that work as one.
type Worker interface {
	Start() error
	Stop()
}

// workerGroup is several workers, each with its own task queue.
type workerGroup []worker.Worker

// Start starts all workers, or none.
func (f workerGroup) Start() error {
	for i, w := range f {
		if err := w.Start(); err != nil {
			f[:i].Stop()
			return err
		}
	}
	return nil
}

// Stop drains all workers at the same time.
func (f workerGroup) Stop() {
	var all sync.WaitGroup
	for _, w := range f {
		all.Go(w.Stop)
	}
	all.Wait()
}

// Runner keeps a worker running.
type Runner struct {
	name    string
	maker   Maker
	log     *slog.Logger
	working atomic.Bool
}

// NewRunner returns a Runner, and starts nothing: Run does.
func NewRunner(name string, maker Maker, log *slog.Logger) *Runner {
	return &Runner{name: name, maker: maker, log: log}
}

// Ready returns nil while the worker takes tasks.
func (r *Runner) Ready(context.Context) error {
	if !r.working.Load() {
		return errors.New("the worker is not started: Temporal has not been reached")
	}
	return nil
}

// Run works until ctx ends, then drains. Temporal may be down at first: Run retries until it can be reached. If the SDK
// gives a worker up, because the server refuses it for good, Run fails, so that the process ends and its supervisor sees it.
func (r *Runner) Run(ctx context.Context) error {
	broken := make(chan error, 1)
	w, err := r.start(ctx, broken)
	if w == nil {
		return err
	}
	r.working.Store(true)
	r.log.InfoContext(ctx, "Worker started", "worker", r.name)
	select {
	case <-ctx.Done():
		w.Stop()
	case err = <-broken:
		w.Stop() // if there are several workers, only the one that was given up has stopped
		err = fmt.Errorf("worker %s: %w", r.name, err)
	}
	r.working.Store(false)
	r.log.InfoContext(ctx, "Worker stopped", "worker", r.name)
	return err
}

// start starts a new worker, or returns none if ctx ends first. Each attempt makes a new worker: the SDK's worker remembers
// that its start failed, and returns that error on every later start.
func (r *Runner) start(ctx context.Context, broken chan<- error) (Worker, error) {
	retry := backoff.NewExponentialBackOff()
	retry.MaxInterval = 5 * time.Second
	w, err := backoff.Retry(ctx, func() (Worker, error) {
		w := r.maker(options(broken))
		if err := w.Start(); err != nil {
			return nil, err
		}
		return w, nil
	}, backoff.WithBackOff(retry), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, next time.Duration) {
		r.log.WarnContext(ctx, "Temporal cannot be reached, trying again", "worker", r.name, "error", err, "in", next)
	}))
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("start worker %s: %w", r.name, err)
	}
	return w, nil
}

// options returns the SDK's options. Its default StopTimeout of zero would cut off activities in the middle of their work.
func options(broken chan<- error) worker.Options {
	return worker.Options{
		WorkerStopTimeout: drainTime,
		OnFatalError: func(err error) {
			select {
			case broken <- err:
			default: // one is enough to end the process
			}
		},
	}
}
