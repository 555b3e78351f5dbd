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

	"dummyorders/internal/health"
)

func TestAwaitAsksForAsLongAsItTakesAndSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		began := time.Now()
		passed := health.Await(t.Context(), slog.New(slog.NewTextHandler(&said, nil)), "ledger", func(context.Context) error {
			if time.Since(began) < 24*time.Hour {
				return errors.New("connection refused")
			}
			return nil
		})
		if !passed || !strings.Contains(said.String(), `msg="Not ready" what=ledger error="connection refused"`) {
			t.Errorf("passed %v; said %.200s", passed, &said)
		}
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if health.Await(ctx, slog.New(slog.DiscardHandler), "ledger", func(context.Context) error { return errors.New("never") }) {
			t.Error("what never passes has passed")
		}
	})
}
