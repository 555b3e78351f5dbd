package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"dummyorders/domain/ledger"
)

// Two labels of the same source and word are the same.
func TestLabelSame(t *testing.T) {
	lost := ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "opened", Time: start}
	for _, c := range []struct {
		other ledger.Label
		same  bool
	}{
		{ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "lost", Time: after(1)}, true},
		{ledger.Label{Label: ledger.Legitimate, Source: ledger.ByDispute, Note: "opened", Time: start}, false},
		{ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: "opened", Time: start}, false},
	} {
		assert.Equal(t, c.same, lost.Same(c.other))
		assert.Equal(t, c.same, c.other.Same(lost))
	}
}

// Labels are in the order of their times.
func TestLabelOrder(t *testing.T) {
	want := []ledger.Label{
		{Label: ledger.Legitimate, Source: ledger.ByReviewer, Time: start},
		{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: after(1)},
		{Label: ledger.Legitimate, Source: ledger.ByDispute, Time: after(1)},
		{Label: ledger.Fraudulent, Source: ledger.ByEarlyFraudWarning, Time: after(1)},
	}
	got := []ledger.Label{want[3], want[2], want[1], want[0]}
	ledger.SortLabels(got)
	assert.Empty(t, cmp.Diff(want, got), "labels (-want +got)")
}
