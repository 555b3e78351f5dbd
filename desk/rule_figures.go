package desk

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/report"
)

// ruleFigures is what the API says about what rules did, or why it does not say it.
type ruleFigures struct {
	From, To string
	Rules    []ruleRow
	Days     []ruleRow
	Beside   []struct {
		Rule  string
		Hits  int64
		Share *float64
	}
	Compared []struct {
		Day                 string
		Compared, Disagreed int64
	}
	Unknown []string
	Fault   *Problem `json:"-"`
}

// ruleRow is what a rule did in all days, or on one.
type ruleRow struct {
	Rule, Day                      string
	Hits, Alone, Failed, Disagreed int64
	Labelled, Fraudulent           int64
	Reviewed, Declined             int64
	Precision, DeclinedShare       *float64
	Stopped                        map[string]sum
}

// AloneShare is the part of the hits in which the rule decided.
func (r ruleRow) AloneShare() *float64 { return report.Share(r.Alone, r.Hits) }

// figuresOfRules asks the API. A page is shown without figures if they cannot be read.
func (v *visit) figuresOfRules(query url.Values) (f ruleFigures) {
	if err := v.get("/rules/figures", query, &f); err != nil {
		f.Fault = v.desk.problem(v, err)
	}
	return f
}

// Did returns what a rule did in all days. A rule without a row did nothing.
func (f ruleFigures) Did(rule string) ruleRow {
	if i := slices.IndexFunc(f.Rules, func(r ruleRow) bool { return r.Rule == rule }); i >= 0 {
		return f.Rules[i]
	}
	return ruleRow{}
}

// inCurrency is a column of amounts, with the colour of its line.
type inCurrency struct{ Currency, Colour string }

// Currencies returns the currencies of what was stopped.
func (f ruleFigures) Currencies() (all []inCurrency) {
	of := map[string]bool{}
	for _, row := range f.Rules {
		for currency := range row.Stopped {
			of[currency] = true
		}
	}
	colours := []string{"stop", "link", "good", "warn"} // as desk.css names them
	for i, currency := range slices.Sorted(maps.Keys(of)) {
		all = append(all, inCurrency{currency, colours[i%len(colours)]})
	}
	return all
}

// percent writes a share as rules/backtest does, without its sign so that a chart can read it.
func percent(share *float64) string {
	if share == nil {
		return ""
	}
	return strconv.FormatFloat(*share*100, 'f', 1, 64)
}

// shareOf writes a share of so many in words: "50.0% of 4".
func shareOf(share *float64, of int64) string {
	switch {
	case of == 0:
		return "–"
	case share == nil:
		return "not known"
	}
	return percent(share) + "% of " + strconv.FormatInt(of, 10)
}

// onDay leads to the transactions of a day that a rule hit, or with which what is tried in shadow disagrees, or both.
func onDay(day, rule string, disagrees fraud.Shadow) string {
	begin, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "/transactions"
	}
	query := within(begin, 24*time.Hour)
	if rule != "" {
		query.Set("rule", rule)
	}
	if disagrees != "" {
		query.Set("disagrees", string(disagrees))
	}
	return "/transactions?" + query.Encode()
}

// unix is a day's place in a chart.
func unix(day string) int64 {
	begin, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return begin.Unix()
}
