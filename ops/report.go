// Package ops answers an operator's two questions: what is down or stuck right now, and what is set up wrongly.
package ops

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"dummyorders/domain/card"
	"dummyorders/internal/duration"
	"dummyorders/internal/safetext"
)

// State says how well a part does.
type State string

// The states, from the best to the worst. Unknown is for a part that cannot be asked because another one is down, which has
// its own line.
const (
	OK       State = "ok"
	Unknown  State = "unknown"
	Degraded State = "degraded" // it works, or will by itself, but a person should look
	Wrong    State = "wrong"    // it is set up wrongly; starting it again does not help
	Down     State = "down"     // it does not work
)

var states = []State{OK, Unknown, Degraded, Wrong, Down}

// ExitCode returns the exit code of a command that found this state.
func (s State) ExitCode() int {
	return map[State]int{Degraded: 1, Wrong: 2, Down: 3}[s]
}

func worse(a, b State) State {
	return states[max(slices.Index(states, a), slices.Index(states, b))]
}

// Line is what was found about a part.
type Line struct {
	Group   string             `json:"group"` // such as queues
	Name    string             `json:"name"`
	State   State              `json:"state"`
	Detail  string             `json:"detail"`
	Do      string             `json:"do,omitempty"` // what to do about it
	Figures map[string]float64 `json:"figures,omitempty"`
}

// Stuck is something that does not go on by itself, or has not for long.
type Stuck struct {
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline,omitzero"` // when it is decided without a person
	Detail   string    `json:"detail"`
	Look     string    `json:"look"` // the command that shows more
	Do       string    `json:"do"`
}

// Report is what was found at a time.
type Report struct {
	Time    time.Time `json:"time"`
	Version string    `json:"version"`
	State   State     `json:"state"`
	Parts   []Line    `json:"parts"`
	Stuck   []Stuck   `json:"stuck"` // the oldest first
}

// found is what one look found.
type found struct {
	lines []Line
	stuck []Stuck
}

// look is a part that is looked at by itself, and what its lines are called if it does not answer.
type look struct {
	group, name string
	at          func(ctx context.Context) found
}

// line makes a look of something that finds one line, whose group and name are the look's.
func line(group, name string, at func(ctx context.Context) Line) look {
	return look{group, name, func(ctx context.Context) found {
		l := at(ctx)
		l.Group, l.Name = group, name
		return found{lines: []Line{l}}
	}}
}

// patience is how long a look may take. One that does not end by then is left behind.
const (
	patience = 5 * time.Second
	grace    = 500 * time.Millisecond // to say why it took too long
)

// report looks at everything at the same time.
func report(ctx context.Context, version string, now time.Time, looks []look) Report {
	answers := make([]chan found, len(looks))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i, l := range looks {
		answers[i] = make(chan found, 1)
		go func() { answers[i] <- l.at(ctx) }()
	}
	late, end := context.WithTimeout(context.WithoutCancel(ctx), patience+grace)
	defer end()
	r := Report{Time: now.UTC().Truncate(time.Second), Version: version, State: OK, Stuck: []Stuck{}}
	for i, l := range looks {
		var f found
		select {
		case f = <-answers[i]:
		case <-late.Done():
			f = l.missed(answers[i])
		}
		r.Parts, r.Stuck = append(r.Parts, f.lines...), append(r.Stuck, f.stuck...)
	}
	for i := range r.Parts {
		r.State = worse(r.State, r.Parts[i].State)
		r.Parts[i].Detail = shown(r.Parts[i].Detail)
	}
	for i := range r.Stuck {
		r.Stuck[i].Detail = shown(r.Stuck[i].Detail)
	}
	slices.SortStableFunc(r.Stuck, func(a, b Stuck) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return r
}

// missed returns what a look that is late has found all the same, or a line that says that it did not answer.
func (l look) missed(answer <-chan found) found {
	select {
	case f := <-answer:
		return f
	default:
		return found{lines: []Line{{Group: l.group, Name: l.name, State: Down, Detail: "no answer within " + duration.Short(patience)}}}
	}
}

// longest is how many characters of a detail are shown.
const longest = 300

// briefest is how many are shown to people of why a part is not known.
const briefest = 60

// shown makes the words of a server or a customer safe to show.
func shown(text string) string {
	return safetext.Cut(card.Conceal(safetext.Line(text)), longest, "…")
}

// failed returns a line about a part that failed.
func failed(state State, err error, do string) Line {
	return Line{State: state, Detail: err.Error(), Do: do}
}

// Text writes the report for people.
func (r Report) Text(w io.Writer, title string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s: %s, at %s, version %s\n\n", title, r.State, r.Time.Format(time.RFC3339), r.Version)
	for _, l := range r.Parts {
		if l.State == Unknown { // the line of what is down says more
			l.Detail = safetext.Cut(l.Detail, briefest, "…")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Group, l.Name, l.State, l.Detail)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Stuck) > 0 {
		fmt.Fprintln(w, "\nStuck, the oldest first:")
		fmt.Fprintln(table, "AGE\tWHAT\tDETAIL\tLOOK CLOSER")
		for _, s := range r.Stuck {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", age(r.Time.Sub(s.Since)), s.Kind, s.Detail, s.Look)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return r.whatToDo(w)
}

// whatToDo writes each advice once, with what it is for.
func (r Report) whatToDo(w io.Writer) error {
	var order []string
	about := map[string][]string{}
	add := func(do, what string) {
		if do == "" {
			return
		}
		if about[do] == nil {
			order = append(order, do)
		}
		if !slices.Contains(about[do], what) {
			about[do] = append(about[do], what)
		}
	}
	for _, l := range r.Parts {
		add(l.Do, l.Name)
	}
	for _, s := range r.Stuck {
		add(s.Do, s.Kind)
	}
	if len(order) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nWhat to do:")
	for _, do := range order {
		if _, err := fmt.Fprintf(w, "  %s: %s\n", strings.Join(about[do], ", "), do); err != nil {
			return err
		}
	}
	return nil
}

// age formats a span in the largest unit that fits, such as 3d, 4h12m or 17s.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + age(-d)
	case d >= 2*day:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour:
		return duration.Short(d.Truncate(time.Minute))
	default:
		return duration.Short(d.Truncate(time.Second))
	}
}

// many returns a count with its noun.
func many(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
