package workbench_test

import (
	"context"
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
	close(h.asked)
	<-ctx.Done()
	return ledger.Page{}, ctx.Err()
}

// When the process ends, so do its backtests, and no more are begun.
func TestBacktestsEnd(t *testing.T) {
	files, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	reader := hanging{asked: make(chan struct{})}
	bench := &workbench.Workbench{Ledger: reader, Lists: &listStore{}}
	begun, err := bench.StartBacktest(identity.AllMerchants(), files, 7)
	require.NoError(t, err)
	<-reader.asked
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
	seen, _ := bench.Backtest(identity.AllMerchants(), begun.ID)
	assert.Equal(t, ruleset.Failed, seen.State)
	_, err = bench.StartBacktest(identity.AllMerchants(), files, 7)
	assert.ErrorIs(t, err, ruleset.ErrBusy)
}
