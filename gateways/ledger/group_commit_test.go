package ledger_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
)

// disk saves entries when the test lets it.
type disk struct {
	commits []int
	free    chan struct{}
}

func (d *disk) saveAll(ctx context.Context, entries int) error {
	d.commits = append(d.commits, entries)
	select {
	case <-d.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Savers that wait are served together in bounded portions.
func TestTurnsPortions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{free: make(chan struct{})}
		group := ledgerdb.NewGroupCommit(d.saveAll)
		saved := make(chan error, 101)
		go func() { saved <- group.Save(t.Context()) }()
		synctest.Wait()
		for range 100 {
			go func() { saved <- group.Save(t.Context()) }()
		}
		synctest.Wait()
		require.Equal(t, 100, group.Waiting())
		for range 3 {
			d.free <- struct{}{}
		}
		for range cap(saved) {
			require.NoError(t, <-saved)
		}
		synctest.Wait()
		require.Equal(t, []int{1, 64, 36}, d.commits)
	})
}

// A saver that gives up leaves the turn to the others. Whichever of the two has the turn, the one that gives up must
// not take it from the other.
func TestTurnsCancelledInTurn(t *testing.T) {
	for round := range 2 {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{free: make(chan struct{})}
			group := ledgerdb.NewGroupCommit(d.saveAll)
			first, gone, stays := make(chan error, 1), make(chan error, 1), make(chan error, 1)
			go func() { first <- group.Save(t.Context()) }()
			synctest.Wait()
			ctx, giveUp := context.WithCancel(t.Context())
			savers := []func(){func() { gone <- group.Save(ctx) }, func() { stays <- group.Save(t.Context()) }}
			go savers[round]()
			synctest.Wait()
			go savers[1-round]()
			synctest.Wait()
			d.free <- struct{}{}
			require.NoError(t, <-first)
			synctest.Wait()
			giveUp()
			require.ErrorIs(t, <-gone, context.Canceled)
			d.free <- struct{}{}
			require.NoError(t, <-stays)
		})
	}
}

// A turn without an answer ends as soon as its savers may have given up, and does not hold up later ones.
func TestTurnsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{free: make(chan struct{})}
		group, begun := ledgerdb.NewGroupCommit(d.saveAll), time.Now()
		require.ErrorIs(t, group.Save(t.Context()), context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(begun), 15*time.Second)
	})
}

// A saver that gives up before its turn is not saved.
func TestTurnsCancelledBeforeTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{free: make(chan struct{})}
		group := ledgerdb.NewGroupCommit(d.saveAll)
		first := make(chan error, 1)
		go func() { first <- group.Save(t.Context()) }()
		synctest.Wait()
		ctx, giveUp := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- group.Save(ctx) }()
		synctest.Wait()
		giveUp()
		require.ErrorIs(t, <-gone, context.Canceled)
		d.free <- struct{}{}
		require.NoError(t, <-first)
		synctest.Wait()
		require.Equal(t, []int{1}, d.commits)
	})
}
