package ledgertest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// anothers finds, lists and labels a merchant's transactions for others, which see none of them.
func anothers(t *testing.T, store Store) {
	entry := Accepted(1)
	entry.Transaction.Merchant, entry.Record.Merchant = "acme", "acme"
	save(t, store, entry)
	label := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: start}
	for name, of := range map[string]identity.Merchants{
		"none": {}, "another": identity.OnlyMerchants("beta"), "several others": identity.OnlyMerchants("beta", "default"), "a part of the name": identity.OnlyMerchants("acm"),
	} {
		_, err := store.Find(patience(t), of, id(1))
		require.ErrorIs(t, err, ledger.ErrNotFound, name)
		require.Empty(t, list(t, store, ledger.Query{Merchants: of, Limit: 10}).Entries, name)
		_, err = store.Label(patience(t), of, id(1), label)
		require.ErrorIs(t, err, ledger.ErrNotFound, name)
	}
	for name, of := range map[string]identity.Merchants{
		"all": identity.AllMerchants(), "its own": identity.OnlyMerchants("acme"), "several": identity.OnlyMerchants("acme", "beta"),
	} {
		found, err := store.Find(patience(t), of, id(1))
		require.NoError(t, err, name)
		require.Equal(t, "acme", found.Record.Merchant)
		require.Len(t, list(t, store, ledger.Query{Merchants: of, Limit: 10}).Entries, 1, name)
		_, err = store.Label(patience(t), of, id(1), label)
		require.NoError(t, err, name)
	}
}

func comesBack(t *testing.T, store Store) {
	for name, e := range map[string]ledger.Entry{
		"with every field": Whole(), "just accepted": Accepted(1), "without what may be absent": unfinished(),
		"ended": Ended(3, after(time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			save(t, store, e, e)
			same(t, e, find(t, store, e.Record.TransactionID))
			page := list(t, store, ledger.Query{Merchants: identity.AllMerchants(), OrderID: e.Record.Order.ID, Since: e.Record.StartTime, Until: e.Record.StartTime.Add(time.Second), Limit: 2})
			require.Equal(t, []string{e.Record.TransactionID}, ids(page.Entries))
			same(t, e, page.Entries[0])
		})
	}
}

func notFound(t *testing.T, store Store) {
	save(t, store, Accepted(1))
	for _, unknown := range []string{id(2), "", "'; DROP TABLE transactions", "\x00", "\xff"} {
		_, err := store.Find(patience(t), identity.AllMerchants(), unknown)
		require.ErrorIs(t, err, ledger.ErrNotFound, "%q", unknown)
	}
	require.Zero(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), OrderID: "unknown", Limit: 10}))
}

func refused(t *testing.T, store Store) {
	for name, change := range map[string]func(*ledger.Entry){
		"no id":         func(e *ledger.Entry) { e.Record.TransactionID = "" },
		"no start time": func(e *ledger.Entry) { e.Record.StartTime = time.Time{} },
		"no mark":       func(e *ledger.Entry) { e.Mark = ledger.Mark{} },
	} {
		e := Accepted(1)
		change(&e)
		require.ErrorContains(t, store.Save(patience(t), e), "the entry needs a transaction id, a start time, and the time of its mark", name)
	}
	require.Zero(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 10}))
}

func laterCounts(t *testing.T, store Store) {
	for n, c := range []struct {
		name          string
		first, second ledger.Mark
		secondCounts  bool
	}{
		{"later", mark(0, 5), mark(time.Second, 6), true},
		{"later, though with a lower number", mark(0, 5), mark(time.Second, 1), true},
		{"at the same time with a higher number", mark(0, 5), mark(0, 6), true},
		{"the same", mark(0, 5), mark(0, 5), true},
		{"a nanosecond later", mark(0, 5), mark(1, 4), true},
		{"earlier", mark(time.Second, 5), mark(0, 4), false},
		{"earlier, though with a higher number", mark(time.Second, 5), mark(0, 6), false},
		{"at the same time with a lower number", mark(0, 5), mark(0, 4), false},
		{"a nanosecond earlier", mark(1, 5), mark(0, 6), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := Ended(n, after(time.Hour)), Accepted(n)
			first.Mark, second.Mark = c.first, c.second
			second.Record.Labels = []ledger.Label{{Label: ledger.Legitimate, Source: ledger.ByDispute, Time: start}}
			save(t, store, first, second)
			want := first
			if c.secondCounts {
				want = second
			}
			same(t, want, find(t, store, id(n)))
			page := list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Status: want.Record.Status(), Since: want.Record.StartTime, Limit: 1})
			require.Equal(t, []string{id(n)}, ids(page.Entries), "the list goes by another entry than Find")
		})
	}
}

func mark(d time.Duration, number int) ledger.Mark {
	return ledger.Mark{At: after(d), Number: number}
}

// latestCounts saves the entries of a transaction from several goroutines at once. Each goroutine saves its own entries
// in an order of its own, some of them twice.
func latestCounts(t *testing.T, store Store) {
	transactions := 0
	rapid.Check(t, func(r *rapid.T) {
		transactions++
		entries := history(r, transactions)
		latest := entries[len(entries)-1]
		order := rapid.Permutation(append(entries, rapid.SliceOfN(rapid.SampledFrom(entries), 0, 5).Draw(r, "again")...)).Draw(r, "order")
		var savers sync.WaitGroup
		errs := make(chan error, len(order))
		for _, e := range order {
			savers.Go(func() { errs <- store.Save(patience(t), e) })
		}
		savers.Wait()
		for range order {
			require.NoError(r, <-errs)
		}
		same(r, latest, find(t, store, id(transactions)))
	})
}

// history returns the entries of a transaction in the order of their marks.
func history(r *rapid.T, n int) []ledger.Entry {
	entries := make([]ledger.Entry, rapid.IntRange(1, 12).Draw(r, "entries"))
	at, number := time.Duration(0), 0
	for i := range entries {
		if rapid.Bool().Draw(r, "later") {
			at, number = at+time.Duration(rapid.IntRange(1, 2_000_000).Draw(r, "by")), rapid.IntRange(0, 5).Draw(r, "number")
		} else {
			number++
		}
		entries[i] = Accepted(n)
		entries[i].Record.Move(transaction.AlertError, after(at))
		entries[i].Mark = mark(at, number)
		if at > 0 || i > 2 { // people are asked sooner or later, and may change their answer
			entries[i].Record.Review = &review.Review{RequestedAt: start, Deadline: after(time.Hour), OnExpiry: review.Decline}
			for _, word := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{ledger.Fraudulent, ledger.Legitimate}), rapid.ID[string]).Draw(r, "labels") {
				entries[i].Record.Labels = append(entries[i].Record.Labels, ledger.Label{Label: word, Source: ledger.ByReviewer, Time: after(at)})
			}
			ledger.SortLabels(entries[i].Record.Labels)
		}
	}
	return entries
}

func labelsReplaced(t *testing.T, store Store) {
	e := Accepted(1)
	fraudulent := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "opened", Time: after(time.Second)}
	legitimate := ledger.Label{Label: ledger.Legitimate, Source: ledger.ByDispute, Note: "won", Time: after(time.Hour)}
	reviewed := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: after(time.Minute)}
	noted := reviewed
	noted.Note, noted.Time = "seen", after(2*time.Minute)
	for i, say := range [][]ledger.Label{
		{fraudulent}, {fraudulent, reviewed}, {fraudulent, noted}, {noted, legitimate}, {legitimate}, {fraudulent, legitimate},
	} {
		e.Mark.Number, e.Record.Labels = i+1, say
		save(t, store, e)
		same(t, e, find(t, store, id(1)))
	}
}

// reviewWithoutLabel tests a verdict whose worker was killed before the verdict was recorded. It may have left its label,
// and the next entry removes that label.
func reviewWithoutLabel(t *testing.T, store Store) {
	e := Accepted(1)
	e.Record.Review = &review.Review{RequestedAt: after(1), Deadline: after(time.Hour), OnExpiry: review.Decline}
	e.Record.Labels = []ledger.Label{{Label: ledger.Legitimate, Source: ledger.ByReviewer, Time: after(2)}}
	save(t, store, e)
	label(t, store, id(1), disputed(1))
	e.Mark.Number, e.Record.Labels = e.Mark.Number+1, nil
	save(t, store, e)
	labelled(t, store, id(1), disputed(1))
}
