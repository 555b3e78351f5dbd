package ruleset

import (
	"context"
	"errors"
	"time"

	"dummyorders/domain/identity"
)

// KeptBacktest is a backtest of these merchants as its process kept it last.
type KeptBacktest struct {
	Backtest

	Of  identity.Merchants
	Age time.Duration // how long ago it was kept, by the store's clock: those of two processes may differ
}

// BacktestsKept is how long a backtest is kept.
const BacktestsKept = 24 * time.Hour

// Backtests keeps backtests, so that other processes can show them.
type Backtests interface {
	// KeepBacktest keeps a backtest in the place of what was kept of it before, and deletes those that were kept for BacktestsKept.
	KeepBacktest(ctx context.Context, k KeptBacktest) error
	// KeptBacktest returns what was kept of a backtest. It fails with ErrNoBacktest.
	KeptBacktest(ctx context.Context, id string) (KeptBacktest, error)
}

// ErrNoBacktest says that a backtest is unknown, or was kept too long ago.
var ErrNoBacktest = errors.New("no such backtest")
