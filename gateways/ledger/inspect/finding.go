// Package inspect checks and exports the ledger: Verifier compares it with Temporal's histories, and Export writes it for
// spreadsheets and programs.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/ledger"
)

// History gives access to what Temporal knows about transactions.
type History interface {
	// Started calls each for the workflows that started within a span. The order is undefined, and a workflow may come
	// twice. Workflows of the last seconds may be missing, because Temporal's index lags.
	Started(ctx context.Context, span Span, each func(Execution) error) error
	// Execution returns the state of a transaction's workflow, or ErrForgotten.
	Execution(ctx context.Context, transactionID string) (Execution, error)
	// Record returns the record that a transaction's workflow gives of itself. It fails with ErrForgotten or
	// ErrUnanswered.
	Record(ctx context.Context, transactionID string) (ledger.Record, error)
	// Retention returns how long histories are kept after their end.
	Retention(ctx context.Context) (time.Duration, error)
}

// ErrForgotten means that Temporal holds no history of the transaction.
var ErrForgotten = errors.New("temporal holds no history of the transaction")

// ErrUnanswered means that no worker answered the query to the workflow. The orders worker replays histories to answer.
var ErrUnanswered = errors.New("no orders worker answered for the workflow")

// ErrNoWorker ends a comparison in which no worker answers.
var ErrNoWorker = errors.New("no orders worker answers queries: the comparison needs one, start it with `orders worker`")

// Execution describes a transaction's workflow as seen from outside.
type Execution struct {
	TransactionID string
	State         string    // in Temporal's words, such as running or terminated
	Started       time.Time // zero if unknown
	Closed        time.Time // zero while the workflow runs
}

// Span is a period of time. A zero time leaves that end open.
type Span struct {
	Since time.Time // the first instant in it
	Until time.Time // the first instant after it
}

// Kind says what is wrong with a transaction.
type Kind string

// These are the kinds. All are disagreements except Unanswered, which means that the result is unknown.
const (
	Differs    Kind = "differs"    // the workflow has ended, and the ledger differs from it
	Ahead      Kind = "ahead"      // the ledger says more than the running workflow knows
	Unrecorded Kind = "unrecorded" // Temporal holds it, but the ledger does not
	Unknown    Kind = "unknown"    // the ledger holds it, but Temporal does not, although it should
	Unfinished Kind = "unfinished" // the workflow ended before the transaction did: it was terminated or failed
	Unanswered Kind = "unanswered" // no worker answered for the workflow
)

// Finding describes one transaction that is not as it should be.
type Finding struct {
	TransactionID string `json:"transactionID"`
	Kind          Kind   `json:"kind"`
	Detail        string `json:"detail"`
}

// String returns the finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s", f.TransactionID, f.Kind, f.Detail)
}

// mostShown bounds the differences in a line: a record that lacks everything has dozens of them.
const mostShown = 6

func differing(id string, kind Kind, found []string) *Finding {
	shown := found[:min(len(found), mostShown)]
	detail := strings.Join(shown, "; ")
	if rest := len(found) - len(shown); rest > 0 {
		detail += fmt.Sprintf("; and %d more", rest)
	}
	return &Finding{id, kind, detail}
}

func unfinished(e ledger.Entry, x Execution) *Finding {
	return &Finding{e.Record.TransactionID, Unfinished, fmt.Sprintf("its workflow %s at %s before the transaction had ended; ledger says %s, since %s",
		x.State, instant(x.Closed), e.Record.Status(), instant(lastStep(e)))}
}

func unrecorded(x Execution) *Finding {
	if x.Closed.IsZero() {
		return &Finding{x.TransactionID, Unrecorded, fmt.Sprintf("the ledger has no record, the history says %s since %s", x.State, instant(x.Started))}
	}
	return &Finding{x.TransactionID, Unrecorded, fmt.Sprintf("the ledger has no record, the history says %s at %s", x.State, instant(x.Closed))}
}

// unknown returns nil if Temporal has removed the history as planned, after its retention.
func unknown(e ledger.Entry, retention time.Duration, now time.Time) *Finding {
	end := e.Record.EndTime
	switch {
	case end == nil:
		return &Finding{e.Record.TransactionID, Unknown, fmt.Sprintf("ledger says %s, since %s, and not ended; Temporal holds no history of it",
			e.Record.Status(), instant(lastStep(e)))}
	case now.Before(end.Add(retention - retentionSlack)):
		return &Finding{e.Record.TransactionID, Unknown, fmt.Sprintf("ledger says it ended at %s; Temporal holds no history of it, and keeps them for %s",
			instant(*end), retention)}
	}
	return nil
}

// retentionSlack is how much earlier than promised a history may be removed, because clocks differ.
const retentionSlack = time.Hour

func lastStep(e ledger.Entry) time.Time {
	if steps := e.Record.Steps; len(steps) > 0 {
		return steps[len(steps)-1].Time
	}
	return e.Record.StartTime
}

func instant(t time.Time) string {
	return t.UTC().Format(time.RFC3339)
}

// Counts holds how many transactions had which result. Compared is the sum of the others.
type Counts struct {
	Compared      int `json:"compared"`
	Equal         int `json:"equal"`         // ended, and the same on both sides
	Running       int `json:"running"`       // running, and the ledger is not ahead
	PastRetention int `json:"pastRetention"` // ended so long ago that Temporal has removed the history
	Disagreeing   int `json:"disagreeing"`
	Unanswered    int `json:"unanswered"`
}

// String returns the comparison's last line.
func (c Counts) String() string {
	text := fmt.Sprintf("%d compared: %d equal, %d running, %d past retention, %d disagreeing",
		c.Compared, c.Equal, c.Running, c.PastRetention, c.Disagreeing)
	if c.Unanswered > 0 {
		text += fmt.Sprintf(", %d unanswered", c.Unanswered)
	}
	return text
}
