package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/internal/telemetry"
)

// Gauges are read every 15 seconds. A first failure is not logged, since connections may not be there yet, and of an outage only
// one is.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var log bytes.Buffer
		away := errors.New("connection refused")
		answers := []error{away, nil, away, away, away, nil}
		read := 0
		telemetry.Poll(ctx, slog.New(slog.NewTextHandler(&log, nil)), "queues", func(ctx context.Context) error {
			deadline, bounded := ctx.Deadline()
			assert.True(t, bounded && time.Until(deadline) <= 5*time.Second, "a reading may hang")
			switch read {
			case 1:
				assert.Empty(t, log.String())
			case len(answers) - 1:
				stop()
			}
			read++
			return answers[read-1]
		})
		assert.Equal(t, len(answers), read)
		assert.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log.String())
		assert.Contains(t, log.String(), "what=queues")
	})
}
