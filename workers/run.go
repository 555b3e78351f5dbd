// Package workers is which worker does what: one file a worker, each saying what it registers and on which task queue.
package workers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/sdk/worker"
)

// drainTime is how long a stopping worker's activities may go on. It is longer than publishing an alert or asking a
// gateway takes; what is cut off all the same is retried by another worker.
const drainTime = 15 * time.Second

// options: the SDK's default of two pollers a queue starves a busy worker, and its StopTimeout of zero cuts off
// activities in the middle of their work.
func options(activityPollers, workflowPollers int) worker.Options {
	return worker.Options{
		WorkerStopTimeout:                drainTime,
		MaxConcurrentActivityTaskPollers: activityPollers,
		MaxConcurrentWorkflowTaskPollers: workflowPollers,
	}
}

// Run works until ctx ends, then drains. Temporal may be away when it starts: it is asked again until it is there.
func Run(ctx context.Context, name string, w worker.Worker, log *slog.Logger) error {
	start := func() (struct{}, error) { return struct{}{}, w.Start() }
	retry := backoff.NewExponentialBackOff()
	retry.MaxInterval = 5 * time.Second
	_, err := backoff.Retry(ctx, start, backoff.WithBackOff(retry), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			log.Warn("Temporal cannot be reached, trying again", "worker", name, "error", err, "in", next)
		}))
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start worker %s: %w", name, err)
	}
	log.Info("Worker started", "worker", name)
	<-ctx.Done()
	w.Stop()
	log.Info("Worker stopped", "worker", name)
	return nil
}
