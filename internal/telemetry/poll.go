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

// Poll has gauges read at once, and then again and again until ctx ends. It logs the second of several failures in a row: at a
// start, connections may not be there yet.
func Poll(ctx context.Context, log *slog.Logger, what string, read func(context.Context) error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	failures := 0
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, pollWithin)
		err := read(within)
		cancel()
		if failures++; err == nil {
			failures = 0
		}
		if failures == 2 && ctx.Err() == nil {
			log.WarnContext(ctx, "Metrics cannot be read now, and are left out until they can be", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
