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

// Await repeats a check until it passes, however long that takes. It logs once that it waits, and why, at level info; if it
// still waits after start-up, it warns. It reports whether the check passed before ctx ended.
func Await(ctx context.Context, log *slog.Logger, what string, check Check) bool {
	began, failed := time.Now(), 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, check(ctx) },
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			if failed++; failed == 1 || time.Since(began) >= startUp {
				log.Log(ctx, firstLevel(began), "Not ready", "what", what, "error", err, "againIn", next.Round(time.Millisecond))
			}
		}))
	if err == nil && failed > 0 {
		log.InfoContext(ctx, "Ready", "what", what, "failedChecks", failed, "after", time.Since(began).Round(time.Millisecond))
	}
	return err == nil
}

// firstLevel returns the level at which to log that something is not ready that never was.
func firstLevel(began time.Time) slog.Level {
	if time.Since(began) < startUp {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
