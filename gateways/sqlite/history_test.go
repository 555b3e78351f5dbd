package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
	"dummyorders/internal/usagetest"
)

func TestACheckThatWaitsForAnotherProcessEndsWithItsContextAndWhoLooksDoesNotWait(t *testing.T) {
	l, other := busy(t)
	use := usagetest.Use(1, "a")
	check := func(ctx context.Context) error {
		_, err := l.Decide(ctx, usagetest.Check(use), use, nil, func(usage.Past) fraud.Decision { return fraud.Decision{} })
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, check(ctx), context.DeadlineExceeded)
	past, err := l.Look(t.Context(), "", []usage.Lookup{{By: usage.Card, Value: "a"}})
	require.NoError(t, err)
	require.Empty(t, past)
	pruning, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err = l.PruneHistory(pruning, time.Now(), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, other.Rollback())
	require.NoError(t, check(t.Context()))
}
