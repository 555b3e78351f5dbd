package health_test

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
	"github.com/stretchr/testify/require"

	"dummyorders/internal/health"
)

// Await asks for as long as it takes, says once what is wrong, and warns only after start-up.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		began := time.Now()
		passed := health.Await(t.Context(), slog.New(slog.NewTextHandler(&said, nil)), "ledger", func(context.Context) error {
			if time.Since(began) < 24*time.Hour {
				return errors.New("connection refused")
			}
			return nil
		})
		const notReady = ` msg="Not ready" what=ledger error="connection refused"`
		require.True(t, passed, "%.2000s", &said)
		assert.Equal(t, 1, strings.Count(said.String(), "level=INFO"+notReady), "%.2000s", &said)
		assert.Contains(t, said.String(), "level=WARN"+notReady, "%.2000s", &said)
		assert.NotContains(t, said.String(), "level=ERROR", "%.2000s", &said)
		assert.Contains(t, said.String(), "level=INFO msg=Ready what=ledger failedChecks=")
	})
}

func TestAwaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		assert.False(t, health.Await(ctx, slog.New(slog.DiscardHandler), "ledger", func(context.Context) error { return errors.New("never") }),
			"what never passes has passed")
	})
}
