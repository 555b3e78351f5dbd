package backtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/rules/backtest"
)

func TestFailureEndsBacktest(t *testing.T) {
	away := errors.New("the database is away")
	b := &backtest.Backtest{Ledger: broken{away}, Candidate: answers(nil), Since: start, Until: after(day)}
	_, err := b.Run(t.Context())
	require.ErrorIs(t, err, away)

	store, c, _ := small()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	b = &backtest.Backtest{Ledger: store, Candidate: c, Since: start, Until: after(10 * day)}
	_, err = b.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// broken is a ledger that cannot be read.
type broken struct{ err error }

func (b broken) Find(context.Context, identity.Merchants, string) (ledger.Entry, error) {
	return ledger.Entry{}, b.err
}

func (b broken) List(context.Context, ledger.Query) (ledger.Page, error) {
	return ledger.Page{}, b.err
}

func TestProgress(t *testing.T) {
	store, c, _ := small()
	c.features = features[:1]
	store[0].Record.Explanation.Features[features[0].String()] = 1
	var all []backtest.Progress
	run(t, store, c, func(b *backtest.Backtest) {
		b.Since, b.Progress = after(-day), func(p backtest.Progress) { all = append(all, p) }
	})
	require.Equal(t, backtest.Progress{Read: 5, Decided: 1, ToFold: 4, ReadTo: store[0].Record.StartTime}, all[0])
	require.Equal(t, backtest.Progress{Read: 5, Decided: 5, ToFold: 4, ReadTo: after(-day)}, all[len(all)-1])
}

// A candidate that changes is taken as it was at each decision: by what that has recorded, or by its time.
func TestCandidateThen(t *testing.T) {
	store, c, _ := small()
	store[0].Record.Explanation.Lists = &fraud.ListsUsed{Change: 7}
	asked := map[time.Time]*fraud.ListsUsed{}
	run(t, store, c, func(b *backtest.Backtest) {
		b.Then = func(used *fraud.ListsUsed, at time.Time) fraud.Evaluator {
			asked[at] = used
			return c
		}
	})
	require.Len(t, asked, len(store))
	for _, e := range store {
		require.Equal(t, e.Record.Explanation.Lists, asked[e.Record.Explanation.DecidedAt])
	}
}
