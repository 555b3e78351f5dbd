package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Label says what turned out to be true about a transaction.
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

	// ByReviewer is the source of labels that reviews give. Labels from the other sources come from outside.
	ByReviewer          = "reviewer"
	ByDispute           = "dispute"
	ByEarlyFraudWarning = "early_fraud_warning"
)

// Same reports whether both labels have the same source and word. A transaction has at most one label for these.
func (l Label) Same(other Label) bool {
	return l.Source == other.Source && l.Label == other.Label
}

// Equal reports whether both labels are the same in every field.
func (l Label) Equal(other Label) bool {
	return l.Same(other) && l.Note == other.Note && l.Time.Equal(other.Time)
}

// SortLabels sorts labels by time, the order in which they are shown.
func SortLabels(all []Label) {
	slices.SortFunc(all, func(a, b Label) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Label, b.Label))
	})
}
