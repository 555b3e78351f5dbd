package health

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Await asks until a check of something passes, for as long as that takes, and logs what is wrong meanwhile. It is false
// when ctx ended first.
func Await(ctx context.Context, log *slog.Logger, what string, check Check) bool {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, check(ctx) },
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			log.ErrorContext(ctx, "Not ready", "what", what, "error", err, "againIn", next.Round(time.Millisecond))
		}))
	return err == nil
}
