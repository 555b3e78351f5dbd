package backtest

import (
	_ "embed" // the page's template
	"html/template"
	"io"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/domain/report"
)

//go:embed page.gohtml
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": people, "number": grouped, "percent": percent, "share": report.Share[int], "worth": worth, "decimal": decimal,
	"decisive": decisive, "fraudShare": fraudShare, "hits": hitsChart,
	"join":     func(all []string) string { return strings.Join(all, ", ") },
	"outcomes": func() []fraud.Outcome { return Outcomes },
}).Parse(pageText))

// WriteHTML writes the report as a self-contained page: it needs no script and loads nothing.
func (r *Report) WriteHTML(to io.Writer) error {
	return page.Execute(to, view{r})
}

// view is the report as the page shows it.
type view struct {
	*Report
}

// Counts returns the lines that say what was compared.
func (v view) Counts() []string { return v.counts() }

// FoldedLines returns the lines that say what was folded.
func (v view) FoldedLines() []string { return v.Folded.lines() }

// LabelLine returns the text that says how many transactions are labelled.
func (v view) LabelLine() string { return strings.Join(v.Labels.lines(v.GoodBefore), " ") }

// LabelRows returns the lines that say how well fraud was found. There are none without labels.
func (v view) LabelRows() []labelRow {
	if v.Labels.Before == nil {
		return nil
	}
	return v.Labels.rows()
}

// ChangedLine returns the text that says how many decisions change.
func (v view) ChangedLine() string { return v.Changed.line() }

// ChangedShare returns the share of all decisions whose outcome changes.
func (v view) ChangedShare() *float64 { return report.Share(v.Changed.Decisions, v.Decisions) }

// Newly returns how many decisions have the outcome now and did not have it before.
func (v view) Newly(o fraud.Outcome) int {
	return v.Outcomes.Sum("", o).Decisions - v.Outcomes.Sum(o, o).Decisions
}

// DayChart returns the chart of all outcomes by day, the gravest at the bottom.
func (v view) DayChart() *chart {
	return dayChart(v.Days, "Decisions by day, before and after", fraud.Decline, fraud.Review, fraud.Approve)
}

// StoppedChart returns the chart by day without approved transactions, since the other outcomes are small beside them.
func (v view) StoppedChart() *chart {
	return dayChart(v.Days, "Declined or in review by day, before and after", fraud.Decline, fraud.Review)
}

// ScoreChart returns the chart of the distribution of scores.
func (v view) ScoreChart() *chart { return scoreChart(v.Scores) }

// DecisionTable returns the matrix of outcomes by number of decisions.
func (v view) DecisionTable() matrixTable {
	return matrixTable{v.Outcomes, "decisions", true, func(c Cell) string { return grouped(c.Decisions) }}
}

// AmountTables returns the matrices of outcomes by amount, one for each currency.
func (v view) AmountTables() []matrixTable {
	var all []matrixTable
	for _, currency := range v.Outcomes.Sum("", "").Amounts.Currencies() {
		all = append(all, matrixTable{v.Outcomes, string(currency), false, amountIn(currency)})
	}
	return all
}

// ShadowTable returns the matrix of the shadow rules, or nil if there is none.
func (v view) ShadowTable() *matrixTable {
	if v.Shadow == nil || v.Shadow.Outcomes == nil {
		return nil
	}
	return &matrixTable{v.Shadow.Outcomes, "decisions", true, func(c Cell) string { return grouped(c.Decisions) }}
}

// RuleTable returns the table of the live rules and lists.
func (v view) RuleTable() ruleTable { return ruleTable(v.Rules) }

// ShadowRules returns the table of the shadow rules. It must be called only if Shadow is set.
func (v view) ShadowRules() ruleTable { return ruleTable(v.Shadow.Rules) }

// ruleTable is a table of rules.
type ruleTable []Rule

// Idle returns the ids of the rules that never hit and never failed.
func (t ruleTable) Idle() []string {
	ids, _ := idle(t)
	return ids
}

// Busy returns the other rules, which have a line each in the table.
func (t ruleTable) Busy() []Rule {
	_, busy := idle(t)
	return busy
}

// Most returns the number of hits of the rule with the most.
func (t ruleTable) Most() int {
	most := 0
	for _, rule := range t {
		most = max(most, rule.Hits)
	}
	return most
}

// matrixTable is a matrix of outcomes as a table on the page.
type matrixTable struct {
	Matrix
	What   string
	Shares bool
	say    func(Cell) string
}

// Sides returns the outcomes, and an empty one that stands for all.
func (matrixTable) Sides() []fraud.Outcome { return append(Outcomes[:3:3], "") }

// Cell returns the text of a cell.
func (t matrixTable) Cell(before, after fraud.Outcome) string { return t.say(t.Sum(before, after)) }

// Share returns the share of all decisions that are in a cell.
func (t matrixTable) Share(before, after fraud.Outcome) *float64 {
	return report.Share(t.Sum(before, after).Decisions, t.Sum("", "").Decisions)
}

// Class returns the CSS class of a cell. It distinguishes changes by the outcome that they lead to.
func (t matrixTable) Class(before, after fraud.Outcome) string {
	switch {
	case before == "" || after == "":
		return "sum"
	case before == after:
		return "same"
	case t.Sum(before, after).Decisions == 0:
		return "none"
	}
	return "to-" + string(after)
}
