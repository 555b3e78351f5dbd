package backtest

import (
	_ "embed" // the page's template
	"html/template"
	"io"
	"strings"

	"dummyorders/domain/fraud"
)

//go:embed page.gohtml
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": people, "number": grouped, "percent": percent, "share": share, "worth": worth, "decimal": decimal,
	"decisive": decisive, "fraudShare": fraudShare, "hits": hitsChart,
	"join":     func(all []string) string { return strings.Join(all, ", ") },
	"outcomes": func() []fraud.Outcome { return Outcomes },
}).Parse(pageText))

// WriteHTML writes the report as a page that stands for itself: it needs no script and loads nothing.
func (r *Report) WriteHTML(to io.Writer) error {
	return page.Execute(to, view{r})
}

// view is the report as the page shows it.
type view struct {
	*Report
}

// Counts are the lines of what was compared.
func (v view) Counts() []string { return v.counts() }

// FoldedLines say what was folded.
func (v view) FoldedLines() []string { return v.Folded.lines() }

// LabelLine says how many are labelled, LabelRows how well they were found.
func (v view) LabelLine() string { return strings.Join(v.Labels.lines(v.GoodBefore), " ") }

// LabelRows are empty where there are no labels.
func (v view) LabelRows() []labelRow {
	if v.Labels.Before == nil {
		return nil
	}
	return v.Labels.rows()
}

// ChangedLine says how many decisions change.
func (v view) ChangedLine() string { return v.Changed.line() }

// ChangedShare is of all decisions.
func (v view) ChangedShare() *float64 { return share(v.Changed.Decisions, v.Decisions) }

// Newly is how many decisions have an outcome now that they had not before.
func (v view) Newly(o fraud.Outcome) int {
	return v.Outcomes.Sum("", o).Decisions - v.Outcomes.Sum(o, o).Decisions
}

// DayChart has all outcomes, the gravest at the bottom.
func (v view) DayChart() *chart {
	return dayChart(v.Days, "Decisions by day, before and after", fraud.Decline, fraud.Review, fraud.Approve)
}

// StoppedChart leaves out what was approved, beside which the rest is small.
func (v view) StoppedChart() *chart {
	return dayChart(v.Days, "Declined or in review by day, before and after", fraud.Decline, fraud.Review)
}

// ScoreChart is how the scores are spread.
func (v view) ScoreChart() *chart { return scoreChart(v.Scores) }

// DecisionTable and the like are the matrices that the page shows.
func (v view) DecisionTable() matrixTable {
	return matrixTable{v.Outcomes, "decisions", true, func(c Cell) string { return grouped(c.Decisions) }}
}

// AmountTables are the same by amount, one for each currency.
func (v view) AmountTables() []matrixTable {
	var all []matrixTable
	for _, currency := range v.Outcomes.Sum("", "").Amounts.Currencies() {
		all = append(all, matrixTable{v.Outcomes, string(currency), false, amountIn(currency)})
	}
	return all
}

// ShadowTable is the matrix of the shadow rules; nil where there is none.
func (v view) ShadowTable() *matrixTable {
	if v.Shadow == nil || v.Shadow.Outcomes == nil {
		return nil
	}
	return &matrixTable{v.Shadow.Outcomes, "decisions", true, func(c Cell) string { return grouped(c.Decisions) }}
}

// RuleTable is the live rules', ShadowRules the others'.
func (v view) RuleTable() ruleTable { return ruleTable(v.Rules) }

// ShadowRules may be called only where there are any.
func (v view) ShadowRules() ruleTable { return ruleTable(v.Shadow.Rules) }

// ruleTable is a table of rules.
type ruleTable []Rule

// Idle are the ids of the rules that had nothing to say, Busy the other rules.
func (t ruleTable) Idle() []string {
	ids, _ := idle(t)
	return ids
}

// Busy are the rules that the table has lines of.
func (t ruleTable) Busy() []Rule {
	_, busy := idle(t)
	return busy
}

// Most is the most hits that any has.
func (t ruleTable) Most() int {
	most := 0
	for _, rule := range t {
		most = max(most, rule.Hits)
	}
	return most
}

// matrixTable is a matrix of outcomes as a table of the page.
type matrixTable struct {
	Matrix
	What   string
	Shares bool
	say    func(Cell) string
}

// Sides are the outcomes, and the empty one for all.
func (matrixTable) Sides() []fraud.Outcome { return append(Outcomes[:3:3], "") }

// Cell says what stands in a cell, and Share what share of all decisions that is.
func (t matrixTable) Cell(before, after fraud.Outcome) string { return t.say(t.Sum(before, after)) }

// Share is of all decisions.
func (t matrixTable) Share(before, after fraud.Outcome) *float64 {
	return share(t.Sum(before, after).Decisions, t.Sum("", "").Decisions)
}

// Class tells changes for the better and for the worse of the transaction apart.
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
