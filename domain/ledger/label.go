package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Label is what turned out to be true about a transaction.
type Label struct {
	Label  string    `json:"label" enum:"fraudulent,legitimate"`
	Source string    `json:"source" enum:"dispute,early_fraud_warning,reviewer"`
	Note   string    `json:"note,omitempty"`
	Time   time.Time `json:"time"`
}

// The words of labels.
const (
	Fraudulent = "fraudulent"
	Legitimate = "legitimate"

	// ByReviewer is the source of labels that reviews give. The others come from outside.
	ByReviewer          = "reviewer"
	ByDispute           = "dispute"
	ByEarlyFraudWarning = "early_fraud_warning"
)

// Same says whether it is the same source with the same word. A transaction has one such label at most.
func (l Label) Same(other Label) bool {
	return l.Source == other.Source && l.Label == other.Label
}

// Equal says whether it is the same to the letter.
func (l Label) Equal(other Label) bool {
	return l.Same(other) && l.Note == other.Note && l.Time.Equal(other.Time)
}

// SortLabels brings them into the order in which they are shown: that of their times.
func SortLabels(all []Label) {
	slices.SortFunc(all, func(a, b Label) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Label, b.Label))
	})
}
