// Package waittest waits in tests for what takes long on a slow machine.
package waittest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Eventually repeats try until it succeeds, for at most two minutes.
func Eventually(t testing.TB, try func() error) {
	t.Helper()
	Within(t, 2*time.Minute, try)
}

// Within repeats try until it succeeds, for at most that long.
func Within(t testing.TB, patience time.Duration, try func() error) {
	t.Helper()
	begun := time.Now()
	for {
		err := try()
		if err == nil {
			return
		}
		require.True(t, time.Now().Before(begun.Add(patience)), "not within %s: %v", patience, err)
		time.Sleep(min(50*time.Millisecond+time.Since(begun)/20, 200*time.Millisecond)) // what takes longer is asked for less often
	}
}

// Patience returns a context that generously limits a test's time.
func Patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
