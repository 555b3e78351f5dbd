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
	By     string    `json:"by,omitempty" doc:"Who gave it, or changed its note; absent if callers need not say who they are"`
	Time   time.Time `json:"time"`

	NotedAt *time.Time `json:"notedAt,omitempty" doc:"When its note was last changed; absent if it never was"`
	Earlier []Note     `json:"earlier,omitempty" doc:"The notes that it had before, the oldest first"`
}

// Note is a note that a label had before.
type Note struct {
	Note string    `json:"note,omitempty"`
	By   string    `json:"by,omitempty" doc:"Who gave it; absent if callers need not say who they are"`
	Time time.Time `json:"time"`
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
	return l.Same(other) && l.Note == other.Note && l.By == other.By && l.Time.Equal(other.Time) &&
		(l.NotedAt == nil) == (other.NotedAt == nil) && (l.NotedAt == nil || l.NotedAt.Equal(*other.NotedAt)) &&
		slices.EqualFunc(l.Earlier, other.Earlier, func(a, b Note) bool {
			return a.Note == b.Note && a.By == b.By && a.Time.Equal(b.Time)
		})
}

// SortLabels sorts labels by time, the order in which they are shown.
func SortLabels(all []Label) {
	slices.SortFunc(all, func(a, b Label) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Label, b.Label))
	})
}
