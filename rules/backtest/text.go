package backtest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/money"
)

// WriteJSON writes the report as JSON, for programs.
func (r *Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteText writes the report as plain text, for people.
func (r *Report) WriteText(to io.Writer) error {
	out := bufio.NewWriter(to)
	fmt.Fprintf(out, "Backtest of %s, on transactions from %s to %s\n\n", r.Candidate, people(r.Since), people(r.Until))
	paragraph(out, r.counts()...)
	if r.Decisions > 0 {
		r.writeFolded(out)
		r.writeOutcomes(out)
		r.writeLabels(out)
		writeRules(out, "Rules", r.Rules)
		r.writeShadow(out)
		r.writeChanged(out)
	}
	return out.Flush()
}

func heading(out io.Writer, text string) {
	fmt.Fprintf(out, "%s\n\n", text)
}

func paragraph(out io.Writer, lines ...string) {
	fmt.Fprintf(out, "  %s\n\n", strings.Join(lines, "\n  "))
}

func (r *Report) writeFolded(out io.Writer) {
	if r.Folded == nil {
		return
	}
	heading(out, "Folded")
	paragraph(out, r.Folded.lines()...)
	t := &table{}
	t.add("feature", "decisions")
	for _, f := range r.Folded.Features {
		t.add(f.Feature, grouped(f.Decisions))
	}
	t.write(out)
}

func (r *Report) writeOutcomes(out io.Writer) {
	heading(out, "Outcomes: before in the lines, after in the columns")
	writeMatrix(out, "decisions", r.Outcomes, func(c Cell) string { return grouped(c.Decisions) })
	for _, currency := range r.Outcomes.Sum("", "").Amounts.Currencies() {
		writeMatrix(out, string(currency), r.Outcomes, amountIn(currency))
	}
}

func amountIn(currency money.Currency) func(Cell) string {
	return func(c Cell) string { return decimal(c.Amounts.Of(currency)) }
}

func writeMatrix(out io.Writer, what string, m Matrix, cell func(Cell) string) {
	t := &table{}
	t.add(what, "→ approve", "→ review", "→ decline", "all")
	for _, before := range append(Outcomes[:3:3], "") {
		name := string(before)
		if before == "" {
			name = "all"
		}
		line := []any{name}
		for _, after := range append(Outcomes[:3:3], "") {
			line = append(line, cell(m.Sum(before, after)))
		}
		t.add(line...)
	}
	t.write(out)
}

func (r *Report) writeLabels(out io.Writer) {
	heading(out, "Labels")
	paragraph(out, r.Labels.lines(r.GoodBefore)...)
	if r.Labels.Before == nil {
		return
	}
	t := &table{}
	t.add("", "precision before", "after", "recall before", "after", "caught before", "after")
	for _, row := range r.Labels.rows() {
		t.add(row.Name, percent(row.Before.Precision), percent(row.After.Precision), percent(row.Before.Recall),
			percent(row.After.Recall), row.Before.caught(), row.After.caught())
	}
	t.write(out)
}

// labelRow is a line in the table of precision and recall.
type labelRow struct {
	Name          string
	Before, After Detection
}

func (l Labels) rows() []labelRow {
	return []labelRow{
		{"decline", l.Before.Decline, l.After.Decline},
		{"review or decline", l.Before.ReviewOrDecline, l.After.ReviewOrDecline},
	}
}

func (d Detection) caught() string {
	return grouped(d.Caught) + " of " + grouped(d.Flagged)
}

func writeRules(out io.Writer, title string, rules []Rule) {
	if len(rules) == 0 {
		return
	}
	heading(out, title)
	never, rules := idle(rules)
	t := &table{words: map[int]bool{1: true, 6: true, 7: true}}
	t.add("rule", "worth", "hits", "new", "decisive", "failed", "fraudulent", "amount")
	for _, rule := range rules {
		t.add(rule.ID, worth(rule), grouped(rule.Hits), grouped(rule.New), decisive(rule), grouped(rule.Failed), fraudShare(rule), rule.Amounts)
	}
	if len(rules) > 0 {
		t.write(out)
	}
	if len(never) > 0 {
		paragraph(out, wrapped("Never hit: "+strings.Join(never, ", "))...)
	}
}

func (r *Report) writeShadow(out io.Writer) {
	if r.Shadow == nil {
		return
	}
	writeRules(out, "Shadow rules: without effect on the figures above", r.Shadow.Rules)
	if r.Shadow.Outcomes != nil {
		heading(out, "Outcomes if they were live: the candidate's in the lines, with its shadow rules in the columns")
		writeMatrix(out, "decisions", r.Shadow.Outcomes, func(c Cell) string { return grouped(c.Decisions) })
	}
}

func (r *Report) writeChanged(out io.Writer) {
	heading(out, "Changed")
	paragraph(out, r.Changed.line())
	if len(r.Changed.Latest) == 0 {
		return
	}
	t := &table{words: map[int]bool{1: true, 3: true, 4: true, 5: true}}
	t.add("transaction", "accepted", "amount", "label", "before", "after")
	for _, c := range r.Changed.Latest {
		t.add(c.TransactionID, people(c.StartTime), c.Currency+" "+c.Amount.String(), c.Label, c.Before.words(), c.After.words())
	}
	t.write(out)
}

// words returns the verdict in one line: "decline 85 CARD_VELOCITY, BASKET".
func (v Verdict) words() string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", v.Outcome, v.Score, strings.Join(v.Reasons, ", ")))
}

// The functions below write values in words, both for the text and for the page.

// people returns a time in UTC, to the second, in a form for people.
func people(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func percent(share *float64) string {
	if share == nil {
		return notKnown
	}
	return strconv.FormatFloat(*share*100, 'f', 1, 64) + "%"
}

// grouped returns a number with commas between its thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// decimal returns an amount with commas between its thousands, without its currency.
func decimal(m money.Money) string {
	whole, fraction, _ := strings.Cut(m.Decimal().String(), ".")
	n, err := strconv.Atoi(whole)
	if err != nil || fraction == "" {
		return grouped(n)
	}
	return grouped(n) + "." + fraction
}

// plural returns a number of things: "1 decision", "2 decisions".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}

// idle returns the ids of the rules that neither hit nor failed in any decision, and the other rules.
func idle(rules []Rule) (ids []string, busy []Rule) {
	for _, r := range rules {
		if r.Hits+r.Failed == 0 {
			ids = append(ids, r.ID)
		} else {
			busy = append(busy, r)
		}
	}
	return ids, busy
}

// decisive returns the number of decisive hits, or a dash if it is not known.
func decisive(r Rule) string {
	if r.Decisive == nil {
		return "–"
	}
	return grouped(*r.Decisive)
}

// worth returns what a hit of the rule does: "+45, review".
func worth(r Rule) string {
	score := fmt.Sprintf("%+d", r.Score)
	switch {
	case r.Score == 0:
		return cmp.Or(string(r.Action), "0")
	case r.Action == "":
		return score
	}
	return score + ", " + string(r.Action)
}

// fraudShare returns the share of the labelled hits that are fraudulent: "50.0% of 4".
func fraudShare(r Rule) string {
	switch {
	case r.Labelled == 0:
		return "–"
	case r.Precision == nil:
		return notKnown
	}
	return percent(r.Precision) + " of " + grouped(r.Labelled)
}

// String returns all amounts: "INR 123.00, USD 5.00".
func (a Amounts) String() string {
	all := []string{}
	for _, currency := range a.Currencies() {
		all = append(all, string(currency)+" "+decimal(a.Of(currency)))
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

// counts returns lines that say what was compared and what was left out.
func (r *Report) counts() []string {
	deciders := make([]string, len(r.DecidedBy))
	for i, by := range r.DecidedBy {
		deciders[i] = fmt.Sprintf("%s by %s", grouped(by.Decisions), by.Ruleset)
	}
	lines := []string{plural(r.Decisions, "decision") + " compared: " + strings.Join(deciders, ", ")}
	if r.Decisions == 0 {
		lines[0] = "No decision was made about a transaction of this period, so there are none to compare."
	}
	if n := r.Skipped.NoDecision; n > 0 {
		lines = append(lines, plural(n, "transaction")+" left out: no decision yet")
	}
	if n := r.Skipped.NotEvaluated; n > 0 {
		lines = append(lines, plural(n, "transaction")+" left out: not_evaluated, without a decision in time")
	}
	return lines
}

// lines returns the lines that say what was not recorded. The features themselves are listed elsewhere.
func (f *Folded) lines() []string {
	lines := []string{fmt.Sprintf("%s lacked values, which were folded from the ledger: only what was decided before each counts.",
		plural(f.Decisions, "decision"))}
	if f.Unrecorded > 0 {
		lines = append(lines, fmt.Sprintf("Of these, %s had no values at all: their detector kept none.", grouped(f.Unrecorded)))
	}
	lines = append(lines, fmt.Sprintf("They look back as far as %s.", people(f.From)))
	if !f.Reached {
		lines = append(lines, fmt.Sprintf("The ledger has no transactions from before %s: those that it had are not counted.", people(f.Oldest)))
	}
	return lines
}

const (
	notKnown  = "not known"
	noLabels  = "None of these transactions has a label, so precision and recall are not known."
	noChanges = "No decision would have another outcome."
)

// lines returns the lines that say how many transactions are labelled, and what is not known for lack of labels.
func (l Labels) lines(goodBefore time.Time) []string {
	if l.Labelled+l.Presumed == 0 {
		return []string{noLabels}
	}
	lines := []string{fmt.Sprintf("%s labelled: %s fraudulent, %s legitimate, by the latest label of each. The others do not count.",
		plural(l.Labelled, "transaction"), grouped(l.Fraudulent), grouped(l.Legitimate))}
	if !goodBefore.IsZero() {
		lines[0] = strings.TrimSuffix(lines[0], " The others do not count.")
		lines = append(lines, fmt.Sprintf("%s without a label began before %s, and count as legitimate. The others do not count.",
			plural(l.Presumed, "transaction"), people(goodBefore)))
	}
	switch {
	case l.Fraudulent == 0:
		lines = append(lines, "None is labelled fraudulent, so precision and recall are not known.")
	case l.Legitimate+l.Presumed == 0:
		lines = append(lines, "None is labelled legitimate, as where labels come of disputes alone, so precision is not known.",
			"--good-before 60d counts those without a label as legitimate that are older than that.")
	}
	return lines
}

// line returns the text that says how many decisions change, and how many of them are listed.
func (c Changed) line() string {
	text := noChanges
	if c.Decisions > 0 {
		text = fmt.Sprintf("%s would have another outcome", plural(c.Decisions, "decision"))
		if listed := len(c.Latest); listed < c.Decisions {
			text += fmt.Sprintf("; the latest %s are listed", grouped(listed))
		}
		text += "."
	}
	if c.OnlyScore > 0 {
		text += fmt.Sprintf(" %s would have the same outcome with another score.", grouped(c.OnlyScore))
	}
	return text
}
