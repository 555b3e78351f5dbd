package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/report"
)

// mostDays bounds a report.
const mostDays = 400

// The ways in which a report is divided.
const (
	byDay      = "day"
	byWeek     = "week"
	byMerchant = "merchant"
)

// reportsRequest describes GET /reports for huma; readReport reads the parameters.
type reportsRequest struct {
	From     string `query:"from" doc:"The first day, in UTC; 30 days before to by default" example:"2026-01-01"`
	To       string `query:"to" doc:"The last day, in UTC; today by default" example:"2026-01-31"`
	By       string `query:"by" doc:"What a row is: a day, a week from Monday on, or a merchant; a day by default" example:"week"`
	Currency string `query:"currency" doc:"The currency; without it, each has rows of its own" example:"INR"`

	RawQuery
}

// reports is the body of GET /reports.
type reports struct {
	From string      `json:"from" format:"date"`
	To   string      `json:"to" format:"date"`
	By   string      `json:"by" enum:"day,week,merchant"`
	Rows []reportRow `json:"rows" nullable:"false" doc:"In the order of their days or merchants; what nothing happened in has no row"`

	Programs []programRow `json:"programs" nullable:"false" doc:"How far merchants are from what card schemes allow, for each month that the days are in, the latest first; whole months, and all currencies together"`
}

// programRow is how far a merchant is from the thresholds of a card scheme's program in a month.
type programRow struct {
	Month       string    `json:"month" pattern:"^[0-9]{4}-[0-9]{2}$"`
	Merchant    string    `json:"merchant"`
	Program     string    `json:"program" example:"Mastercard ECM"`
	Chargebacks int64     `json:"chargebacks" doc:"Disputes that were labelled in the month; Visa's program counts early fraud warnings too"`
	Payments    int64     `json:"payments" doc:"What the chargebacks are compared with: the scheme's payments of the month, or with Mastercard of the month before"`
	BasisPoints *float64  `json:"basisPoints,omitempty" doc:"The chargebacks in hundredths of a percent of the payments; absent if there are none"`
	Threshold   threshold `json:"threshold"`
	Reached     bool      `json:"reached" doc:"Both thresholds are reached"`
	Distance    string    `json:"distance" doc:"How far it is to the thresholds, in words"`
}

type threshold struct {
	Chargebacks int64 `json:"chargebacks"`
	BasisPoints int64 `json:"basisPoints"`
}

// reportRow is what transactions come to, by the day on which they were accepted.
type reportRow struct {
	Day            string                `json:"day,omitempty" format:"date" doc:"The day, or the first day of the week"`
	Merchant       string                `json:"merchant,omitempty"`
	Currency       string                `json:"currency"`
	Transactions   figure                `json:"transactions"`
	Outcomes       map[string]figure     `json:"outcomes,omitempty" doc:"By the outcomes of their fraud checks; absent where merchants are shown no decisions"`
	Paid           figure                `json:"paid"`
	Refused        figure                `json:"refused" doc:"Refused by the gateway, or cancelled"`
	Stopped        figure                `json:"stopped"`
	Reasons        map[string]figure     `json:"reasons,omitempty" doc:"What the fraud check declined, by the codes of its reasons, each transaction once for each; absent where merchants are shown no decisions"`
	Refusals       map[string]figure     `json:"refusals,omitempty" doc:"What was refused, by the gateway's reason"`
	Rules          map[string]ruleFigure `json:"rules,omitempty" doc:"By the rules' ids; absent without the scope rules"`
	Fraud          figure                `json:"fraud" doc:"Whose last label is fraudulent"`
	FraudPaid      figure                `json:"fraudPaid" doc:"The part of fraud that was paid"`
	FraudRate      fraudRate             `json:"fraudRate"`
	Chargebacks    figure                `json:"chargebacks" doc:"Labelled fraudulent by a dispute"`
	FalsePositives *figure               `json:"falsePositives,omitempty" doc:"Declined or reviewed, and legitimate by the last label; absent where merchants are shown no decisions"`
	Reviews        reviewFigures         `json:"reviews"`
}

// figure is how many transactions there are of a kind, and their amount.
type figure struct {
	Count  int64       `json:"count"`
	Amount json.Number `json:"amount"`
}

// fraudRate is the share of fraud in what was paid, in hundredths of a percent.
type fraudRate struct {
	ByCount  float64 `json:"byCount" doc:"Of the transactions"`
	ByAmount float64 `json:"byAmount" doc:"Of the amount"`
}

type ruleFigure struct {
	Hits       int64 `json:"hits"`
	Alone      int64 `json:"alone" doc:"Hits of transactions that were declined or reviewed, against which no other live rule spoke"`
	Fraudulent int64 `json:"fraudulent" doc:"Hits of transactions whose last label is fraudulent"`
	Legitimate int64 `json:"legitimate" doc:"Hits of transactions whose last label is legitimate"`
}

type reviewFigures struct {
	Asked         int64 `json:"asked"`
	Approved      int64 `json:"approved"`
	Declined      int64 `json:"declined"`
	Expired       int64 `json:"expired" doc:"Not decided by a person in time"`
	MedianSeconds int64 `json:"medianSeconds" doc:"The time within which people decided half of the reviews, right to 5 %; 0 if they decided none"`
}

func (s *server) registerReports(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "getReports",
		Method:      http.MethodGet,
		Path:        "/reports",
		Summary:     "Report by day, week or merchant",
		Description: "What transactions came to, by the day on which they were accepted: volume, outcomes, reasons of declines, rules, fraud, " +
			"false positives, reviews and chargebacks, and how far merchants are from the thresholds of card schemes. A day is counted again once a minute while its transactions change, also when a label comes " +
			"late, and less often if that takes long. At most 400 days.",
		Tags:   []string{"figures"},
		Errors: []int{422, 503},
	}), answering(s.showReports))
	operation := api.OpenAPI().Paths["/reports"].Get
	describeParameter(operation, "from", huma.Schema{Format: "date"})
	describeParameter(operation, "to", huma.Schema{Format: "date"})
	describeParameter(operation, "by", huma.Schema{Enum: []any{byDay, byWeek, byMerchant}, Default: byDay})
	describeParameter(operation, "currency", huma.Schema{Pattern: "^[A-Z]{3}$"})
}

// reportQuery is what a report is asked for.
type reportQuery struct {
	from, to     time.Time
	by, currency string
}

// readReport returns all faults at once, as a *Problem.
func readReport(raw string, now time.Time) (reportQuery, error) {
	p, err := readParameters(raw, "from", "to", "by", "currency")
	if err != nil {
		return reportQuery{}, err
	}
	q := reportQuery{by: cmp.Or(p.values.Get("by"), byDay), currency: p.values.Get("currency")}
	q.from, q.to = p.days(now, 30)
	if !slices.Contains([]string{byDay, byWeek, byMerchant}, q.by) {
		p.wrong("by", "must be day, week or merchant")
	}
	if _, err := money.ParseCurrency(q.currency); q.currency != "" && err != nil {
		p.wrong("currency", err.Error())
	}
	return q, p.problem("the report cannot be made so: see errors")
}

// days returns the first and the last day that are asked for. By default the last is today, and the first so many days before it.
func (p *parameters) days(now time.Time, before int) (from, to time.Time) {
	from, to = p.day("from"), p.day("to")
	if to.IsZero() {
		to = now.UTC().Truncate(24 * time.Hour)
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -before)
	}
	switch days := to.Sub(from).Hours() / 24; {
	case days < 0:
		p.wrong("to", "must not be earlier than from")
	case days >= mostDays:
		p.wrong("from", fmt.Sprintf("must be less than %d days before to", mostDays))
	}
	return from, to
}

func (p *parameters) day(name string) time.Time {
	text := p.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 2 { // a report looks back a month further
		p.wrong(name, "must be a day such as 2026-05-17")
	}
	return day
}

func (s *server) showReports(ctx context.Context, r *reportsRequest) (body reports, _ error) {
	q, err := readReport(r.sent.RawQuery, s.Now())
	if err != nil {
		return body, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	of := merchantsOf(ctx)
	body = reports{From: report.DateOf(q.from), To: report.DateOf(q.to), By: q.by, Rows: []reportRow{}, Programs: []programRow{}}
	first, next := report.FirstOfMonth(q.from), report.FirstOfMonth(q.to).AddDate(0, 1, 0)
	var months report.Months
	var rows reportRows
	err = s.Figures.Days(ctx, of, report.DateOf(first.AddDate(0, -1, 0)), report.DateOf(next.AddDate(0, 0, -1)), func() {
		months, rows = report.Months{}, reportRows{}
	}, func(d report.Day) {
		months.Add(d)
		if body.From <= d.Date && d.Date <= body.To && (q.currency == "" || d.Currency == q.currency) && d.Figures.All.Count > 0 {
			rows.add(d, q.by)
		}
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "Report not read", "error", err)
		return body, unavailable("the ledger cannot be read now")
	}
	visitorOf(ctx).shown = fmt.Sprintf("report from %s to %s by %s", body.From, body.To, body.By)
	for _, standing := range months.Standings(q.from, q.to) {
		body.Programs = append(body.Programs, programRowOf(standing))
	}
	for _, row := range rows.sorted() {
		body.Rows = append(body.Rows, s.reportRow(ctx, of, row))
	}
	return body, nil
}

func programRowOf(s report.Standing) programRow {
	row := programRow{
		Month: s.Month, Merchant: s.Merchant, Program: s.Program.Name, Chargebacks: s.Count, Payments: s.Payments, Reached: s.Reached(), Distance: s.Distance(),
		Threshold: threshold{s.Program.Count, s.Program.BasisPoints},
	}
	if s.Payments > 0 {
		row.BasisPoints = new(tenths(s.Ratio()))
	}
	return row
}

// reportRows adds up days to the rows of a report, by what a row is about. The rest is empty in it.
type reportRows map[rowOf]*report.Day

type rowOf struct{ date, merchant, currency string }

func (r reportRows) add(d report.Day, by string) {
	of := rowOf{date: d.Date, currency: d.Currency}
	switch by {
	case byWeek:
		of.date = monday(d.Date)
	case byMerchant:
		of.date, of.merchant = "", d.Merchant
	}
	if r[of] == nil {
		r[of] = &report.Day{Date: of.date, Merchant: of.merchant, Currency: of.currency}
	}
	r[of].Figures.Join(d.Figures)
}

func (r reportRows) sorted() []*report.Day {
	return slices.SortedFunc(maps.Values(r), func(a, b *report.Day) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Merchant, b.Merchant), cmp.Compare(a.Currency, b.Currency))
	})
}

// monday returns the first day of a day's week.
func monday(date string) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return report.DateOf(day.AddDate(0, 0, -(int(day.Weekday())+6)%7))
}

// reportRow returns a row as the caller may see it.
func (s *server) reportRow(ctx context.Context, of identity.Merchants, d *report.Day) reportRow {
	f := d.Figures
	shown := func(sum report.Sum) figure { return figure{sum.Count, amount(sum.Minor, d.Currency)} }
	row := reportRow{
		Day: d.Date, Merchant: d.Merchant, Currency: d.Currency,
		Transactions: shown(f.All), Paid: shown(f.Paid), Refused: shown(f.Refused), Stopped: shown(f.Stopped),
		Refusals: figuresIn(f.Refusals, shown), Fraud: shown(f.Fraud), FraudPaid: shown(f.FraudPaid), Chargebacks: shown(f.Chargebacks),
		FraudRate: fraudRate{tenths(report.BasisPoints(f.FraudPaid.Count, f.Paid.Count)), tenths(report.BasisPoints(f.FraudPaid.Minor, f.Paid.Minor))},
		Reviews:   reviewFigures{f.Reviews.Asked, f.Reviews.Approved, f.Reviews.Declined, f.Reviews.Expired, f.Reviews.MedianSeconds()},
	}
	if s.showsDecisions(ctx, of) {
		row.Outcomes, row.Reasons = figuresIn(f.Outcomes, shown), figuresIn(f.Reasons, shown)
		row.FalsePositives = new(shown(f.FalsePositives))
	}
	if isAnalyst(ctx, of) && len(f.Rules) > 0 {
		row.Rules = map[string]ruleFigure{}
		for id, rule := range f.Rules {
			row.Rules[id] = ruleFigure(rule)
		}
	}
	return row
}

func tenths(of float64) float64 { return math.Round(of*10) / 10 }

func figuresIn[K ~string](of map[K]report.Sum, shown func(report.Sum) figure) map[string]figure {
	all := map[string]figure{}
	for key, sum := range of {
		all[string(key)] = shown(sum)
	}
	return all
}
