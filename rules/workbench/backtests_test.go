package workbench_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

// hanging is a ledger that answers nothing before its caller gives up.
type hanging struct {
	ledger.Reader

	asked chan struct{}
}

func (h hanging) List(ctx context.Context, _ ledger.Query) (ledger.Page, error) {
	select {
	case h.asked <- struct{}{}:
	case <-ctx.Done():
	}
	<-ctx.Done()
	return ledger.Page{}, ctx.Err()
}

// When the process ends, so do its backtests, and no more are begun.
func TestBacktestsEnd(t *testing.T) {
	files, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	reader := hanging{asked: make(chan struct{})}
	bench := &workbench.Workbench{Ledger: reader, Lists: &listStore{}}
	begun, err := bench.StartBacktest("person ada", identity.AllMerchants(), files, 7)
	require.NoError(t, err)
	<-reader.asked
	_, err = bench.StartBacktest("person ada", identity.AllMerchants(), files, 7)
	require.ErrorIs(t, err, ruleset.ErrOneRuns)
	_, err = bench.StartBacktest("person bob", identity.AllMerchants(), files, 7)
	require.NoError(t, err, "one caller leaves a place to others")
	_, err = bench.StartBacktest("person eve", identity.AllMerchants(), files, 7)
	require.ErrorIs(t, err, ruleset.ErrBusy)
	process, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- bench.Run(process) }()
	end()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		require.Fail(t, "the backtest goes on")
	}
	seen, err := bench.Backtest(t.Context(), identity.AllMerchants(), begun.ID)
	require.NoError(t, err)
	assert.Equal(t, ruleset.Failed, seen.State)
	assert.Equal(t, "the desk that ran it has ended: begin it again", seen.Why, "the ledger is not to blame")
	_, err = bench.StartBacktest("person eve", identity.AllMerchants(), files, 7)
	assert.ErrorIs(t, err, ruleset.ErrBusy)
}

// broken is a ledger that cannot be read.
type broken struct{ ledger.Reader }

func (broken) List(context.Context, ledger.Query) (ledger.Page, error) {
	return ledger.Page{}, errors.New("the disk is broken")
}

// However many backtests one caller begins, those of others are kept.
func TestBacktestsKept(t *testing.T) {
	files, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	bench := &workbench.Workbench{Ledger: broken{}, Lists: &listStore{}}
	run := func(by string) string {
		begun, err := bench.StartBacktest(by, identity.AllMerchants(), files, 7)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			seen, err := bench.Backtest(t.Context(), identity.AllMerchants(), begun.ID)
			return err == nil && seen.State == ruleset.Failed
		}, time.Minute, time.Millisecond)
		return begun.ID
	}
	others, first := run("person ada"), run("person bob")
	for range 20 {
		run("person bob")
	}
	_, err = bench.Backtest(t.Context(), identity.AllMerchants(), others)
	require.NoError(t, err)
	_, err = bench.Backtest(t.Context(), identity.AllMerchants(), first)
	require.ErrorIs(t, err, ruleset.ErrNoBacktest)
}

// shelf keeps backtests in memory.
type shelf struct {
	mu   sync.Mutex
	kept map[string]ruleset.KeptBacktest
}

func (s *shelf) KeepBacktest(_ context.Context, k ruleset.KeptBacktest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[k.ID] = k
	return nil
}

func (s *shelf) KeptBacktest(_ context.Context, id string) (ruleset.KeptBacktest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, is := s.kept[id]; is {
		return k, nil
	}
	return ruleset.KeptBacktest{}, ruleset.ErrNoBacktest
}

// What one process runs another one shows, to those who may see its merchants: as it goes on, and how it has ended.
func TestBacktestElsewhere(t *testing.T) {
	files, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	reader, kept := hanging{asked: make(chan struct{})}, &shelf{kept: map[string]ruleset.KeptBacktest{}}
	one, other := &workbench.Workbench{Ledger: reader, Lists: &listStore{}, Backtests: kept}, &workbench.Workbench{Backtests: kept}
	process, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- one.Run(process) }()
	acme := identity.OnlyMerchants("acme")
	begun, err := one.StartBacktest("person ada", acme, files, 7)
	require.NoError(t, err)
	shown := func() ruleset.State {
		seen, err := other.Backtest(t.Context(), acme, begun.ID)
		require.NoError(t, err)
		return seen.State
	}
	assert.Equal(t, ruleset.Running, shown())
	for _, of := range []identity.Merchants{{}, identity.OnlyMerchants("beta")} {
		_, err = other.Backtest(t.Context(), of, begun.ID)
		require.ErrorIs(t, err, ruleset.ErrNoBacktest)
	}
	_, err = (&workbench.Workbench{}).Backtest(t.Context(), acme, begun.ID)
	require.ErrorIs(t, err, ruleset.ErrNoBacktest, "nothing is kept for this process")
	end()
	require.NoError(t, <-ended)
	assert.Equal(t, ruleset.Failed, shown())
}

// A backtest whose process was killed does not go on for ever.
func TestBacktestLost(t *testing.T) {
	lost := ruleset.KeptBacktest{Backtest: ruleset.Backtest{ID: "b-1", State: ruleset.Running}, Of: identity.AllMerchants(), Age: time.Minute}
	bench := &workbench.Workbench{Backtests: &shelf{kept: map[string]ruleset.KeptBacktest{"b-1": lost}}}
	seen, err := bench.Backtest(t.Context(), identity.AllMerchants(), "b-1")
	require.NoError(t, err)
	assert.Equal(t, ruleset.Failed, seen.State)
	assert.Contains(t, seen.Why, "begin it again")
}
