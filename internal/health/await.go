package health

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// startUp is how long processes that are started together may take to be there for each other. The worker makes the
// ledger's tables meanwhile.
const startUp = 15 * time.Second

// Await asks until a check passes, however long that takes, and logs what is wrong meanwhile: as information in the time
// that starting takes, then as errors. It reports whether the check passed before ctx ended.
func Await(ctx context.Context, log *slog.Logger, what string, check Check) bool {
	began := time.Now()
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, check(ctx) },
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			log.Log(ctx, level(began), "Not ready", "what", what, "error", err, "againIn", next.Round(time.Millisecond))
		}))
	return err == nil
}

// level returns how loudly to log that something is not ready.
func level(began time.Time) slog.Level {
	if time.Since(began) < startUp {
		return slog.LevelInfo
	}
	return slog.LevelError
}
