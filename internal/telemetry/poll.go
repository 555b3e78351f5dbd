package telemetry

import (
	"context"
	"log/slog"
	"time"
)

const (
	// pollEvery is how often gauges are read: no more often than Prometheus usually asks for them.
	pollEvery = 15 * time.Second
	// pollWithin bounds one reading.
	pollWithin = 5 * time.Second
)

// Poll has gauges read at once, and then again and again until ctx ends. It logs the first of several failures in a row.
func Poll(ctx context.Context, log *slog.Logger, what string, read func(context.Context) error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	failed := false
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, pollWithin)
		err := read(within)
		cancel()
		if err != nil && !failed && ctx.Err() == nil {
			log.WarnContext(ctx, "Metrics cannot be read now, and are left out until they can be", "what", what, "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
