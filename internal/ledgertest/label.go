package ledgertest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// disputed returns a label given some minutes after the start, with no more digits than a database column can hold.
func disputed(minutes int) ledger.Label {
	at := after(time.Duration(minutes) * time.Minute).Truncate(time.Microsecond)
	return ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "chargeback 4853", Time: at}
}

// with returns a copy of the label with another source and word.
func with(l ledger.Label, source, word string) ledger.Label {
	l.Source, l.Label = source, word
	return l
}

// label adds a label and requires that the store returns it unchanged.
func label(t *testing.T, store Store, id string, l ledger.Label) {
	t.Helper()
	kept, err := store.Label(patience(t), identity.AllMerchants(), id, l)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(l, kept))
}

// labelled requires that a transaction has exactly these labels, whichever way it is read.
func labelled(t *testing.T, store Store, id string, want ...ledger.Label) {
	t.Helper()
	found := find(t, store, id).Record
	require.Empty(t, cmp.Diff(want, found.Labels))
	for _, e := range list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 100}).Entries {
		if e.Record.TransactionID == id {
			require.Empty(t, cmp.Diff(want, e.Record.Labels), "in the list")
		}
	}
}

func labels(t *testing.T, store Store) {
	save(t, store, Ended(1, after(time.Hour)), Accepted(2))
	warned := with(disputed(1), ledger.ByEarlyFraudWarning, ledger.Fraudulent)
	lost := disputed(2)
	won := with(disputed(3), ledger.ByDispute, ledger.Legitimate)
	won.Note = ""
	for _, l := range []ledger.Label{won, lost, warned} {
		label(t, store, id(1), l)
	}
	labelled(t, store, id(1), warned, lost, won)
	labelled(t, store, id(2))
}

func labelledAgain(t *testing.T, store Store) {
	save(t, store, Ended(1, after(time.Hour)))
	other := with(disputed(1), ledger.ByDispute, ledger.Legitimate) // keeps its own notes
	other.By = "acme/shop"
	label(t, store, id(1), other)
	want := disputed(2)
	label(t, store, id(1), want)
	for i, given := range []ledger.Note{
		{Note: "accepted by the bank", By: "acme/shop"},
		{By: "acme/shop"},
		{Note: "closed", By: "ada@example.com"},
		{Note: "closed", By: "acme/shop"},
		{Note: "closed"},
		{Note: hard, By: hard},
		{Note: "closed"},
	} {
		later := disputed(9 - i) // the clocks of two machines may differ
		later.Note, later.By = given.Note, given.By
		earlier := ledger.Note{Note: want.Note, By: want.By, Time: want.Time}
		if want.NotedAt != nil {
			earlier.Time = *want.NotedAt
		}
		kept, err := store.Label(patience(t), identity.AllMerchants(), id(1), later)
		require.NoError(t, err)
		want.Note, want.By, want.NotedAt, want.Earlier = kept.Note, kept.By, &later.Time, append(want.Earlier, earlier)
		require.Empty(t, cmp.Diff(want, kept))
		if given.Note != hard { // of which a database keeps what it can
			require.Equal(t, []string{given.Note, given.By}, []string{kept.Note, kept.By})
		}
		repeated := later
		repeated.Time = disputed(20).Time
		again, err := store.Label(patience(t), identity.AllMerchants(), id(1), repeated)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, again), "given again")
		labelled(t, store, id(1), other, want)
	}
}

// A label keeps MostNotes earlier notes, and refuses one more.
func labelledTooOften(t *testing.T, store Store) {
	save(t, store, Ended(1, after(time.Hour)))
	l := disputed(1)
	for n := range ledger.MostNotes + 1 {
		l.Note = fmt.Sprint("note ", n)
		kept, err := store.Label(patience(t), identity.AllMerchants(), id(1), l)
		require.NoError(t, err)
		require.Len(t, kept.Earlier, n)
	}
	last, next := l, l
	next.Note = "one more"
	_, err := store.Label(patience(t), identity.AllMerchants(), id(1), next)
	require.ErrorIs(t, err, ledger.ErrTooManyNotes)
	again, err := store.Label(patience(t), identity.AllMerchants(), id(1), last)
	require.NoError(t, err)
	require.Equal(t, last.Note, again.Note)
	label(t, store, id(1), with(disputed(1), ledger.ByDispute, ledger.Legitimate))
}

func notLabelled(t *testing.T, store Store) {
	save(t, store, Accepted(1))
	for _, unknown := range []string{id(2), "", "'; DROP TABLE labels", "\x00", "\xff"} {
		_, err := store.Label(patience(t), identity.AllMerchants(), unknown, disputed(1))
		require.ErrorIs(t, err, ledger.ErrNotFound, "%q", unknown)
	}
	undated := disputed(1)
	undated.Time = time.Time{}
	for _, l := range []ledger.Label{{}, undated, with(disputed(1), "", ledger.Fraudulent), with(disputed(1), ledger.ByDispute, "")} {
		_, err := store.Label(patience(t), identity.AllMerchants(), id(1), l)
		require.ErrorContains(t, err, "the label needs its word, its source and its time")
	}
	labelled(t, store, id(1))
}

// labelText checks that a label's text is stored as far as the database can hold it, and returned as it is stored.
func labelText(t *testing.T, store Store) {
	save(t, store, Accepted(1))
	for i, note := range []string{hard, "\xff broken", "'); DELETE FROM labels; --", "日本 🛒"} {
		l := disputed(i)
		l.Source, l.Note = fmt.Sprintf("source %d ?", i), note
		kept, err := store.Label(patience(t), identity.AllMerchants(), id(1), l)
		require.NoError(t, err)
		require.NotEmpty(t, kept.Note)
		require.Contains(t, find(t, store, id(1)).Record.Labels, kept)
	}
	require.Len(t, find(t, store, id(1)).Record.Labels, 4)
}

// labelsStay takes a transaction through its review: labels that were posted stay unchanged, whatever its entries say.
// Reviewers give labels beside those of the review, too.
func labelsStay(t *testing.T, store Store) {
	e := Accepted(1)
	next := func(change func(r *ledger.Record)) {
		e.Mark.Number++
		change(&e.Record)
		save(t, store, e, e) // the second time as a retry does
	}
	next(func(*ledger.Record) {})
	lost, reviewer := disputed(1), with(disputed(2), ledger.ByReviewer, ledger.Fraudulent)
	label(t, store, id(1), lost)
	label(t, store, id(1), reviewer)

	next(func(r *ledger.Record) {
		r.Review = &review.Review{RequestedAt: start, Deadline: after(time.Hour), OnExpiry: review.Decline}
		r.Move(transaction.InReview, start)
	})
	labelled(t, store, id(1), lost, reviewer)

	label := ledger.Label{Label: ledger.Legitimate, Source: ledger.ByReviewer, Note: "known", Time: after(3 * time.Minute)}
	next(func(r *ledger.Record) { r.Labels = []ledger.Label{label} })
	labelled(t, store, id(1), lost, reviewer, label)

	again := label // its time has more digits than a column, and the record keeps them
	again.Note, again.Time = "known for years", disputed(9).Time
	kept, err := store.Label(patience(t), identity.AllMerchants(), id(1), again)
	require.NoError(t, err)
	require.Equal(t, label.Time.Truncate(time.Microsecond), kept.Time)
	label.Earlier = []ledger.Note{{Note: label.Note, Time: kept.Time}}
	label.Note, label.NotedAt = again.Note, &again.Time
	labelled(t, store, id(1), lost, reviewer, label)

	next(func(r *ledger.Record) {
		r.Move(transaction.PaymentComplete, after(4*time.Minute))
		r.Close(after(time.Hour))
	})
	labelled(t, store, id(1), lost, reviewer, label)
	taken := e
	taken.Record.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: "from the review", Time: after(5 * time.Minute)}}
	for i, entry := range []ledger.Entry{taken, e} { // a killed worker's verdict repeats what was posted, and is then taken back
		entry.Mark.Number += i + 1
		save(t, store, entry)
		want := label
		if want.Time = label.Time.Truncate(time.Microsecond); i > 0 {
			want = label
		}
		labelled(t, store, id(1), lost, reviewer, want)
	}
	late := Accepted(1) // by a worker that was thought dead
	save(t, store, late)
	labelled(t, store, id(1), lost, reviewer, label)
}

func labelsPruned(t *testing.T, store Store) {
	save(t, store, Ended(1, after(time.Hour)), Ended(2, after(3*time.Hour)))
	label(t, store, id(1), disputed(1))
	label(t, store, id(2), disputed(1))
	deleted, err := store.Prune(patience(t), after(2*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, deleted)
	_, err = store.Label(patience(t), identity.AllMerchants(), id(1), disputed(2))
	require.ErrorIs(t, err, ledger.ErrNotFound)
	labelled(t, store, id(2), disputed(1))
	save(t, store, Accepted(1))
	labelled(t, store, id(1))
}

// labelledByMany saves, labels and prunes transactions concurrently. Each caller of Label gets its label, or the error
// that the transaction no longer exists.
func labelledByMany(t *testing.T, store Store) {
	const transactions, each = 8, 6
	ctx := patience(t)
	errs := make(chan error, 2*transactions*each+transactions)
	var working sync.WaitGroup
	for n := range transactions {
		save(t, store, Accepted(n), Ended(100+n, after(time.Hour)))
		for m := range each {
			working.Go(func() {
				_, err := store.Label(ctx, identity.AllMerchants(), id(n), with(disputed(m), fmt.Sprintf("source %d", m/2), ledger.Fraudulent)) // two for each source
				errs <- err
			})
			working.Go(func() {
				_, err := store.Label(ctx, identity.AllMerchants(), id(100+n), disputed(m))
				if errors.Is(err, ledger.ErrNotFound) {
					err = nil
				}
				errs <- err
			})
		}
		working.Go(func() {
			_, err := store.Prune(ctx, after(2*time.Hour), 1)
			errs <- errors.Join(err, store.Save(ctx, reviewedBy(n)))
		})
	}
	working.Wait()
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	for n := range transactions {
		require.Len(t, find(t, store, id(n)).Record.Labels, each/2+1, "three that were given, and the reviewer's")
	}
	_, err := store.Prune(ctx, after(2*time.Hour), 100) // a transaction that was just being labelled may have been skipped
	require.NoError(t, err)
	require.Len(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 100}).Entries, transactions)
}

// reviewedBy returns the n-th transaction with the label of its review.
func reviewedBy(n int) ledger.Entry {
	e := Accepted(n)
	e.Mark.Number++
	e.Record.Labels = []ledger.Label{{Label: ledger.Legitimate, Source: ledger.ByReviewer, Time: start}}
	return e
}
