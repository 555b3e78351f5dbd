package transaction_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		got := ways(from)
		assert.True(t, slices.Equal(got, want), "%s leads to %v, want %v", from, got, want)
	}
}

// No way returns to a status that it has left, and once the caller has an answer, the answer stays the same.
func TestLeadsToHasNoCycle(t *testing.T) {
	reached := map[transaction.Status]bool{}
	var walk func(way []transaction.Status)
	walk = func(way []transaction.Status) {
		last := way[len(way)-1]
		reached[last] = true
		for _, next := range ways(last) {
			require.False(t, slices.Contains(way, next), "the way %v comes back to %s", way, next)
			require.True(t, next.Settled() || !last.Settled(), "the answer is settled at %s, and no more at %s", last, next)
			walk(append(slices.Clone(way), next))
		}
		if len(ways(last)) == 0 && !slices.Contains(endings, last) {
			t.Errorf("the way %v ends at %s", way, last)
		}
	}
	walk([]transaction.Status{transaction.Pending})
	for _, c := range statuses {
		assert.True(t, reached[c.status], "no way leads to %s", c.status)
	}
}
