package ledgertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

func prunes(t *testing.T, store Store) {
	for n := range 10 { // they end an hour apart
		e := Ended(n, after(time.Duration(n)*time.Hour))
		e.Record.Labels = Whole().Record.Labels
		save(t, store, e, Accepted(100+n)) // the latter is as old, but has not ended
	}
	prune := func(before time.Time, limit int) int {
		t.Helper()
		deleted, err := store.Prune(patience(t), before, limit)
		require.NoError(t, err)
		return deleted
	}
	require.Equal(t, 0, prune(start, 100), "what ended then or later was deleted")
	require.Equal(t, 3, prune(after(5*time.Hour), 3))
	require.Len(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Status: transaction.PaymentComplete, Limit: 100}).Entries, 7)
	require.Equal(t, 2, prune(after(5*time.Hour), 100))
	require.Equal(t, 0, prune(after(5*time.Hour), 100))
	require.Equal(t, []string{id(9), id(8), id(7), id(6), id(5)}, ids(list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Status: transaction.PaymentComplete, Limit: 100}).Entries))
	require.Equal(t, 5, prune(after(1000*time.Hour), 100))
	require.Len(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 100}).Entries, 10, "one that has not ended was deleted")

	save(t, store, Accepted(0)) // its labels were deleted with it
	same(t, Accepted(0), find(t, store, id(0)))
}

func cancelled(t *testing.T, store Store) {
	save(t, store, Accepted(1))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), start)
	defer cancelLate()
	for name, call := range map[string]func(context.Context) error{
		"Save":             func(ctx context.Context) error { return store.Save(ctx, Accepted(2)) },
		"Save with labels": func(ctx context.Context) error { return store.Save(ctx, Whole()) },
		"Label": func(ctx context.Context) error {
			_, err := store.Label(ctx, identity.AllMerchants(), id(1), disputed(1))
			return err
		},
		"Find": func(ctx context.Context) error { _, err := store.Find(ctx, identity.AllMerchants(), id(1)); return err },
		"List": func(ctx context.Context) error {
			_, err := store.List(ctx, ledger.Query{Merchants: identity.AllMerchants(), Limit: 1})
			return err
		},
		"Prune": func(ctx context.Context) error { _, err := store.Prune(ctx, start, 1); return err },
	} {
		require.ErrorIs(t, call(ended), context.Canceled, name)
		require.ErrorIs(t, call(late), context.DeadlineExceeded, name)
	}
	require.Len(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 10}).Entries, 1)
	same(t, Accepted(1), find(t, store, id(1)))
}

// concurrent runs more savers than a store has connections, while others read and prune.
func concurrent(t *testing.T, store Store) {
	const savers, each = 24, 10
	ctx := patience(t)
	errs := make(chan error, savers+2)
	var working sync.WaitGroup
	for s := range savers {
		working.Go(func() {
			var all error
			for n := range each {
				e := Ended(s*each+n, after(time.Hour))
				e.Record.Labels = Whole().Record.Labels[:n%2]
				all = errors.Join(all, store.Save(ctx, Accepted(s*each+n)), store.Save(ctx, e))
			}
			errs <- all
		})
	}
	working.Go(func() {
		var all error
		for range 2 * each {
			_, err := store.List(ctx, ledger.Query{Merchants: identity.AllMerchants(), Limit: 50})
			all = errors.Join(all, err)
		}
		errs <- all
	})
	working.Go(func() {
		var all error
		for range each {
			_, err := store.Prune(ctx, start, 50)
			all = errors.Join(all, err)
		}
		errs <- all
	})
	working.Wait()
	for range savers + 2 {
		require.NoError(t, <-errs)
	}
	require.Len(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Status: transaction.PaymentComplete, Limit: 1000}).Entries, savers*each)
}
