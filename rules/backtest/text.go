package backtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dummyorders/domain/money"
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteText writes the report for people.
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

// labelRow is a line of the comparison by labels.
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
	writeRules(out, "Shadow rules: they count for nothing above", r.Shadow.Rules)
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

// words are a verdict in a line: "decline 85 CARD_VELOCITY, BASKET".
func (v Verdict) words() string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", v.Outcome, v.Score, strings.Join(v.Reasons, ", ")))
}
