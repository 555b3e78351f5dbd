package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/report"
)

// The rulesets that figures are of.
const (
	decidingRuleset = "deciding"
	shadowRuleset   = "shadow"
)

// ruleFiguresRequest describes GET /rules/figures for huma; readRuleFigures reads the parameters.
type ruleFiguresRequest struct {
	From    string `query:"from" doc:"The first day, in UTC; 29 days before to by default" example:"2026-01-01"`
	To      string `query:"to" doc:"The last day, in UTC; today by default" example:"2026-01-31"`
	Ruleset string `query:"ruleset" doc:"The ruleset that decides, with its rules in shadow, or the one in shadow; deciding by default" example:"shadow"`
	Rule    string `query:"rule" doc:"The id of a rule: the answer has its figures by day, and is about no other" example:"card_velocity"`

	RawQuery
}

// rulesFigures is the body of GET /rules/figures.
type rulesFigures struct {
	From     string        `json:"from" format:"date"`
	To       string        `json:"to" format:"date"`
	Ruleset  string        `json:"ruleset" enum:"deciding,shadow"`
	Rules    []ruleRow     `json:"rules" nullable:"false" doc:"What each rule and list did, in the order of their ids. A rule that did nothing has no row, unless it was asked for"`
	Days     []ruleRow     `json:"days,omitempty" doc:"With rule: what it did on each day"`
	Beside   []besideRow   `json:"beside,omitempty" doc:"With rule: which other rules hit the same transactions, the most frequent first"`
	Compared []comparedRow `json:"compared,omitempty" doc:"Without rule: how often what is tried in shadow disagreed, by day; days without a trial have no row"`
	Unknown  []string      `json:"unknown,omitempty" doc:"Days that are not fully known. They were counted by an earlier version: they are counted again within minutes, unless transactions of them have been deleted"`
}

// ruleRow is what a rule did in all days, or on one.
type ruleRow struct {
	Rule          string            `json:"rule,omitempty"`
	Day           string            `json:"day,omitempty" format:"date"`
	Hits          int64             `json:"hits"`
	Alone         int64             `json:"alone" doc:"Hits of transactions that were declined or reviewed, against which no other live rule spoke: the rule decided. Always 0 for a rule in shadow. In the ruleset in shadow, of what it would have declined or reviewed"`
	Failed        int64             `json:"failed" doc:"Transactions for which it could not be evaluated"`
	Disagreed     int64             `json:"disagreed" doc:"Of a rule that is only tried: hits where the trial's outcome was another one than the decision's"`
	Labelled      int64             `json:"labelled" doc:"Hits of transactions that have a label"`
	Fraudulent    int64             `json:"fraudulent" doc:"Hits of transactions whose last label is fraudulent"`
	Precision     *float64          `json:"precision" doc:"The share of fraudulent in labelled; null if it is not known, as where no transaction of these days is labelled legitimate"`
	Reviewed      int64             `json:"reviewed" doc:"Hits of transactions that people decided in reviews"`
	Declined      int64             `json:"declined" doc:"Hits of transactions that people declined"`
	DeclinedShare *float64          `json:"declinedShare" doc:"The share of declined in reviewed; null if none was reviewed"`
	Stopped       map[string]figure `json:"stopped" doc:"What was stopped of the transactions that it hit, for whatever reason, by currency"`
}

type besideRow struct {
	Rule  string  `json:"rule"`
	Hits  int64   `json:"hits" doc:"Hits of both"`
	Share float64 `json:"share" doc:"Their share in the hits of the rule that was asked for"`
}

type comparedRow struct {
	Day       string `json:"day" format:"date"`
	Compared  int64  `json:"compared" doc:"Decisions beside which something was tried"`
	Disagreed int64  `json:"disagreed" doc:"Those of them for which the trial's outcome was another one"`
}

func (s *server) registerRuleFigures(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "getRuleFigures",
		Method:      http.MethodGet,
		Path:        "/rules/figures",
		Summary:     "Report what rules did",
		Description: "How often rules hit, how often they alone decided, what turned out to be true about what they hit, what was stopped of it, and how " +
			"often what is tried in shadow disagreed, by the day on which transactions were accepted. Days are counted as for GET /reports. At most 400 days.",
		Tags:   []string{"rules"},
		Errors: []int{422, 503},
	}), answering(s.showRuleFigures))
	operation := api.OpenAPI().Paths["/rules/figures"].Get
	describeParameter(operation, "from", huma.Schema{Format: "date"})
	describeParameter(operation, "to", huma.Schema{Format: "date"})
	describeParameter(operation, "ruleset", huma.Schema{Enum: []any{decidingRuleset, shadowRuleset}, Default: decidingRuleset})
	describeParameter(operation, "rule", huma.Schema{MinLength: new(1), MaxLength: new(maxRuleID)})
}

// ruleFiguresQuery is what figures of rules are asked for.
type ruleFiguresQuery struct {
	from, to time.Time
	ruleset  string
	rule     string
}

// readRuleFigures returns all faults at once, as a *Problem.
func readRuleFigures(raw string, now time.Time) (ruleFiguresQuery, error) {
	p, err := readParameters(raw, "from", "to", "ruleset", "rule")
	if err != nil {
		return ruleFiguresQuery{}, err
	}
	q := ruleFiguresQuery{ruleset: cmp.Or(p.values.Get("ruleset"), decidingRuleset), rule: p.text("rule", maxRuleID)}
	q.from, q.to = p.days(now, 29)
	if q.ruleset != decidingRuleset && q.ruleset != shadowRuleset {
		p.wrong("ruleset", "must be deciding or shadow")
	}
	return q, p.problem("the figures of rules cannot be shown so: see errors")
}

func (s *server) showRuleFigures(ctx context.Context, r *ruleFiguresRequest) (body rulesFigures, _ error) {
	q, err := readRuleFigures(r.sent.RawQuery, s.Now())
	if err != nil {
		return body, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	from, to := report.DateOf(q.from), report.DateOf(q.to)
	days, err := s.Figures.RuleDays(ctx, merchantsOf(ctx), from, to)
	if err != nil {
		s.Log.ErrorContext(ctx, "Figures of rules not read", "error", err)
		return body, unavailable("the ledger cannot be read now")
	}
	visitorOf(ctx).object = q.rule
	visitorOf(ctx).shown = fmt.Sprintf("figures of rules from %s to %s", from, to)
	t := newRuleTally(q, days)
	body = rulesFigures{From: from, To: to, Ruleset: q.ruleset, Rules: t.ofRules(), Unknown: slices.Sorted(maps.Keys(t.unknown))}
	if q.rule == "" {
		body.Compared = t.ofCompared()
	} else {
		body.Days, body.Beside = t.ofDays(), t.ofBeside()
	}
	return body, nil
}

// ruleTally adds up days.
type ruleTally struct {
	asked    ruleFiguresQuery
	rules    map[string]byCurrency // by rule
	days     map[string]byCurrency // of the rule that was asked for
	compared map[string]comparedRow
	unknown  map[string]bool
	// fraudulent and legitimate count all transactions that have a label.
	fraudulent, legitimate int64
}

// byCurrency holds what a rule did: amounts of several currencies cannot be added.
type byCurrency map[string]report.RuleCounts

func newRuleTally(q ruleFiguresQuery, days []report.RuleDay) *ruleTally {
	t := &ruleTally{
		asked: q, rules: map[string]byCurrency{}, days: map[string]byCurrency{}, compared: map[string]comparedRow{}, unknown: map[string]bool{},
	}
	if q.rule != "" {
		t.rules[q.rule] = byCurrency{}
		for day := q.from; !day.After(q.to); day = day.AddDate(0, 0, 1) {
			t.days[report.DateOf(day)] = byCurrency{}
		}
	}
	for _, d := range days {
		if d.Rules == nil {
			t.unknown[d.Date] = true
			continue
		}
		t.add(d)
	}
	return t
}

func (t *ruleTally) add(d report.RuleDay) {
	t.fraudulent += d.Rules.Fraudulent
	t.legitimate += d.Rules.Legitimate
	of := d.Rules.Of(t.asked.ruleset == shadowRuleset)
	if of.Compared > 0 {
		row := t.compared[d.Date]
		t.compared[d.Date] = comparedRow{d.Date, row.Compared + of.Compared, row.Disagreed + of.Disagreed}
	}
	for id, counts := range of.Rules {
		if t.asked.rule != "" && id != t.asked.rule {
			continue
		}
		if t.asked.rule == "" {
			counts.Beside = nil // it is not shown
		}
		if t.rules[id] == nil {
			t.rules[id] = byCurrency{}
		}
		t.rules[id].add(d.Currency, counts)
		if t.asked.rule != "" {
			t.days[d.Date].add(d.Currency, counts)
		}
	}
}

func (b byCurrency) add(currency string, counts report.RuleCounts) {
	sum := b[currency]
	sum.Join(counts)
	b[currency] = sum
}

// all returns the counts of all currencies. Their amounts say nothing.
func (b byCurrency) all() (sum report.RuleCounts) {
	for _, counts := range b {
		sum.Join(counts)
	}
	return sum
}

func (t *ruleTally) row(b byCurrency) ruleRow {
	c := b.all()
	row := ruleRow{
		Hits: c.Hits, Alone: c.Alone, Failed: c.Failed, Disagreed: c.Disagreed, Labelled: c.Labelled(), Fraudulent: c.Fraudulent,
		Precision: report.Precision(c.Fraudulent, c.Labelled(), t.fraudulent, t.legitimate),
		Reviewed:  c.Reviewed(), Declined: c.Declined, DeclinedShare: report.Share(c.Declined, c.Reviewed()), Stopped: map[string]figure{},
	}
	for currency, counts := range b {
		if sum := counts.Stopped; sum.Count > 0 {
			row.Stopped[currency] = figure{sum.Count, amount(sum.Minor, currency)}
		}
	}
	return row
}

func (t *ruleTally) ofRules() []ruleRow {
	rows := []ruleRow{}
	for _, id := range slices.Sorted(maps.Keys(t.rules)) {
		row := t.row(t.rules[id])
		row.Rule = id
		rows = append(rows, row)
	}
	return rows
}

// ofDays leaves out unknown days.
func (t *ruleTally) ofDays() (rows []ruleRow) {
	for _, day := range slices.Sorted(maps.Keys(t.days)) {
		if t.unknown[day] && len(t.days[day]) == 0 {
			continue
		}
		row := t.row(t.days[day])
		row.Day = day
		rows = append(rows, row)
	}
	return rows
}

func (t *ruleTally) ofBeside() (rows []besideRow) {
	c := t.rules[t.asked.rule].all()
	for id, hits := range c.Beside {
		rows = append(rows, besideRow{id, hits, *report.Share(hits, c.Hits)})
	}
	slices.SortFunc(rows, func(a, b besideRow) int { return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(a.Rule, b.Rule)) })
	return rows
}

func (t *ruleTally) ofCompared() (rows []comparedRow) {
	for _, day := range slices.Sorted(maps.Keys(t.compared)) {
		rows = append(rows, t.compared[day])
	}
	return rows
}
