package audit

import (
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/ledger"
)

// Kind is what is wrong about a transaction.
type Kind string

// The kinds. All but Unanswered are disagreements; about what is Unanswered nothing is known.
const (
	Differs    Kind = "differs"    // the workflow has ended, and the ledger says something else than it does
	Ahead      Kind = "ahead"      // the ledger says what the running workflow does not know
	Unrecorded Kind = "unrecorded" // Temporal holds it, the ledger does not
	Unknown    Kind = "unknown"    // the ledger holds it, Temporal should, and does not
	Unfinished Kind = "unfinished" // the workflow was ended before the transaction was: terminated, or failed
	Unanswered Kind = "unanswered" // no worker spoke for the workflow
)

// Finding is one transaction that is not as it should be, told in a line.
type Finding struct {
	TransactionID string
	Kind          Kind
	Detail        string
}

// String is the line.
func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s", f.TransactionID, f.Kind, f.Detail)
}

// mostShown bounds a line: a record that lacks everything has dozens of differences.
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
		return &Finding{x.TransactionID, Unrecorded, fmt.Sprintf("ledger says nothing, history says %s since %s", x.State, instant(x.Started))}
	}
	return &Finding{x.TransactionID, Unrecorded, fmt.Sprintf("ledger says nothing, history says %s at %s", x.State, instant(x.Closed))}
}

// unknown finds nothing where the history has been let go of as it should.
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

// retentionSlack is how much earlier than promised a history may go: clocks differ.
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

// Counts are how a comparison went so far. Compared is the sum of the others.
type Counts struct {
	Compared      int
	Equal         int // ended, and the same on both sides
	Running       int // and the ledger is not ahead
	PastRetention int // ended so long ago that Temporal has let go of the history
	Disagreeing   int
	Unanswered    int
}

// String is the comparison's last line.
func (c Counts) String() string {
	text := fmt.Sprintf("%d compared: %d equal, %d running, %d past retention, %d disagreeing",
		c.Compared, c.Equal, c.Running, c.PastRetention, c.Disagreeing)
	if c.Unanswered > 0 {
		text += fmt.Sprintf(", %d unanswered", c.Unanswered)
	}
	return text
}
