package health

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// startUp is how long processes that are started together may take to become ready for each other. Meanwhile the worker
// creates the ledger's tables.
const startUp = 15 * time.Second

// Await repeats a check until it passes, however long that takes, and logs why it fails: at level info during start-up,
// then as errors. It reports whether the check passed before ctx ended.
func Await(ctx context.Context, log *slog.Logger, what string, check Check) bool {
	began := time.Now()
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, check(ctx) },
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			log.Log(ctx, level(began), "Not ready", "what", what, "error", err, "againIn", next.Round(time.Millisecond))
		}))
	return err == nil
}

// level returns the level at which to log that something is not ready.
func level(began time.Time) slog.Level {
	if time.Since(began) < startUp {
		return slog.LevelInfo
	}
	return slog.LevelError
}
