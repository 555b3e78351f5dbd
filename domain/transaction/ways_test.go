package transaction_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dummyorders/domain/transaction"
)

// endings lists the statuses that no other follows.
var endings = []transaction.Status{transaction.AlertDone, transaction.PaymentError, transaction.PaymentComplete}

// ways returns the statuses that a transaction may go to directly from another.
func ways(from transaction.Status) []transaction.Status {
	var to []transaction.Status
	for _, c := range statuses {
		if from.LeadsTo(c.status) {
			to = append(to, c.status)
		}
	}
	return to
}

// A status leads to those that may follow it.
func TestLeadsTo(t *testing.T) {
	for from, want := range map[transaction.Status][]transaction.Status{
		transaction.Pending:          {transaction.Fraudulent, transaction.PaymentInitiated, transaction.PaymentError},
		transaction.PaymentInitiated: {transaction.PaymentError, transaction.PaymentComplete, transaction.InReview},
		transaction.InReview:         {transaction.Fraudulent, transaction.PaymentError, transaction.PaymentComplete},
		transaction.Fraudulent:       {transaction.AlertInitiated},
		transaction.AlertInitiated:   {transaction.AlertError, transaction.AlertDone},
		transaction.AlertError:       {transaction.AlertDone},
		transaction.AlertDone:        nil,
		transaction.PaymentError:     nil,
		transaction.PaymentComplete:  nil,
	} {
		if got := ways(from); !slices.Equal(got, want) {
			t.Errorf("%s leads to %v, want %v", from, got, want)
		}
	}
}

// No way returns to a status that it has left.
func TestLeadsToHasNoCycle(t *testing.T) {
	reached := map[transaction.Status]bool{}
	var walk func(way []transaction.Status)
	walk = func(way []transaction.Status) {
		last := way[len(way)-1]
		reached[last] = true
		for _, next := range ways(last) {
			if slices.Contains(way, next) {
				t.Fatalf("the way %v comes back to %s", way, next)
			}
			walk(append(slices.Clone(way), next))
		}
		if len(ways(last)) == 0 && !slices.Contains(endings, last) {
			t.Errorf("the way %v ends at %s", way, last)
		}
	}
	walk([]transaction.Status{transaction.Pending})
	for _, c := range statuses {
		if !reached[c.status] {
			t.Errorf("no way leads to %s", c.status)
		}
	}
}

// A transaction tries any move at any time; only those that LeadsTo allows are made. Whatever the moves, it ends, and once
// the caller has an answer, the answer stays the same.
func TestRandomMovesEndSettled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		at, moves, settled := transaction.Pending, 0, false
		for tries := 0; !slices.Contains(endings, at) && tries < 10_000; tries++ {
			to := statuses[random.IntN(len(statuses))].status
			if !at.LeadsTo(to) {
				continue
			}
			at, moves = to, moves+1
			if settled && !at.Settled() {
				t.Fatalf("the answer was settled, and is no more at %s", at)
			}
			settled = at.Settled()
		}
		if !slices.Contains(endings, at) || !settled || moves >= len(statuses) {
			t.Fatalf("after %d moves it stands at %s, settled: %v", moves, at, settled)
		}
	}
}

func TestUnknownStatusLeadsNowhere(t *testing.T) {
	for _, status := range []transaction.Status{0, 10, 20, -1} {
		for _, c := range statuses {
			if status.LeadsTo(c.status) || c.status.LeadsTo(status) {
				t.Errorf("there is a way between %s and %s", status, c.status)
			}
		}
		if status.LeadsTo(status) {
			t.Errorf("%s leads to itself", status)
		}
	}
}
