package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dummyorders/domain/report"
	"dummyorders/internal/safetext"
)

// reports is the API's report.
type reports struct {
	From string      `json:"from"`
	To   string      `json:"to"`
	By   string      `json:"by"`
	Rows []reportRow `json:"rows"`

	Programs []struct {
		Month, Merchant, Program, Distance string
		Chargebacks, Payments              int64
		BasisPoints                        json.Number
		Reached                            bool
	} `json:"programs"`
}

type reportRow struct {
	Day            string                              `json:"day"`
	Merchant       string                              `json:"merchant"`
	Currency       string                              `json:"currency"`
	Transactions   sum                                 `json:"transactions"`
	Outcomes       map[string]sum                      `json:"outcomes"`
	Paid           sum                                 `json:"paid"`
	Refused        sum                                 `json:"refused"`
	Stopped        sum                                 `json:"stopped"`
	Reasons        map[string]sum                      `json:"reasons"`
	Refusals       map[string]sum                      `json:"refusals"`
	Rules          map[string]hits                     `json:"rules"`
	Fraud          sum                                 `json:"fraud"`
	FraudPaid      sum                                 `json:"fraudPaid"`
	FraudRate      struct{ ByCount, ByAmount float64 } `json:"fraudRate"`
	Chargebacks    sum                                 `json:"chargebacks"`
	FalsePositives *sum                                `json:"falsePositives"`
	Reviews        struct {
		Asked, Approved, Declined, Expired, MedianSeconds int64
	} `json:"reviews"`
}

type sum struct {
	Count  int64       `json:"count"`
	Amount json.Number `json:"amount"`
}

type hits struct {
	Hits, Alone, Fraudulent, Legitimate int64
}

// Name is what the row is about.
func (r reportRow) Name() string { return cmp.Or(r.Day, r.Merchant) }

// ChargebackRate is how many of the paid transactions were disputed, in hundredths of a percent.
func (r reportRow) ChargebackRate() string {
	return fmt.Sprintf("%.1f", report.BasisPoints(r.Chargebacks.Count, r.Paid.Count))
}

// Took is the time within which people decided half of the reviews.
func (r reportRow) Took() string {
	if r.Reviews.MedianSeconds == 0 {
		return ""
	}
	return inWords(time.Duration(r.Reviews.MedianSeconds) * time.Second)
}

// reportPage is the page Reports.
type reportPage struct {
	reports

	Asked             url.Values
	Parts             []reportPart
	CSV, ProgramsFile string
	Fault             *Problem
}

// Ways returns the ways in which a report is divided.
func (reportPage) Ways() []string { return []string{"day", "week", "merchant"} }

// reportPart is the report of one currency.
type reportPart struct {
	Currency string
	Rows     []reportRow
	// Decisions reports whether the person may see what fraud checks found.
	Decisions bool
	All, Paid, FraudPaid, Chargebacks, FalsePositives,
	Asked int64
	Reasons, Refusals []counted
	Rules             []ruleHits
}

// counted is how many transactions something was said of.
type counted struct {
	Name  string
	Count int64
}

type ruleHits struct {
	Name string
	hits
}

func (*desk) showReports(v *visit) (any, error) {
	asked := v.URL.Query()
	p := reportPage{Asked: asked, CSV: "/reports.csv?" + asked.Encode(), ProgramsFile: "/reports/programs.csv?" + asked.Encode()}
	if err := v.get("/reports", asked, &p.reports); err != nil {
		if p.Fault = refusal(err, http.StatusUnprocessableEntity); p.Fault != nil {
			return p, nil
		}
		return nil, err
	}
	byCurrency := map[string][]reportRow{}
	for _, row := range p.Rows {
		byCurrency[row.Currency] = append(byCurrency[row.Currency], row)
	}
	for _, currency := range slices.Sorted(maps.Keys(byCurrency)) {
		p.Parts = append(p.Parts, partOf(currency, byCurrency[currency]))
	}
	return p, nil
}

func partOf(currency string, rows []reportRow) reportPart {
	part := reportPart{Currency: currency, Rows: rows}
	reasons, refusals, rules := map[string]int64{}, map[string]int64{}, map[string]hits{}
	for _, r := range rows {
		part.All += r.Transactions.Count
		part.Paid += r.Paid.Count
		part.FraudPaid += r.FraudPaid.Count
		part.Chargebacks += r.Chargebacks.Count
		part.Asked += r.Reviews.Asked
		if r.FalsePositives != nil {
			part.Decisions = true
			part.FalsePositives += r.FalsePositives.Count
		}
		for name, s := range r.Reasons {
			reasons[name] += s.Count
		}
		for name, s := range r.Refusals {
			refusals[name] += s.Count
		}
		for name, h := range r.Rules {
			known := rules[name]
			rules[name] = hits{known.Hits + h.Hits, known.Alone + h.Alone, known.Fraudulent + h.Fraudulent, known.Legitimate + h.Legitimate}
		}
	}
	part.Reasons, part.Refusals = mostFirst(reasons), mostFirst(refusals)
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		part.Rules = append(part.Rules, ruleHits{rule, rules[rule]})
	}
	slices.SortStableFunc(part.Rules, func(a, b ruleHits) int { return cmp.Compare(b.Hits, a.Hits) })
	return part
}

func mostFirst(counts map[string]int64) (all []counted) {
	for name, count := range counts {
		all = append(all, counted{name, count})
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return all
}

// reportsCSV writes the report's rows as a file.
func (d *desk) reportsCSV(w http.ResponseWriter, r *http.Request) {
	v := d.visit(r)
	var found reports
	if err := v.get("/reports", v.URL.Query(), &found); err != nil {
		d.show(w, v, "fault", d.problem(v, err))
		return
	}
	lines := csvFile(w, "report.csv")
	defer lines.Flush()
	_ = lines.Write([]string{
		found.By, "currency", "transactions", "amount", "approve", "review", "decline", "notEvaluated", "paid", "paidAmount", "refused", "stopped",
		"fraud", "fraudAmount", "fraudPaid", "fraudPaidAmount", "fraudByCountBasisPoints", "fraudByAmountBasisPoints", "falsePositives", "chargebacks",
		"chargebackAmount", "reviewsAsked", "reviewsApproved", "reviewsDeclined", "reviewsExpired", "reviewMedianSeconds",
	}) // the browser may be gone; the error can be reported nowhere
	count := func(s sum) string { return strconv.FormatInt(s.Count, 10) }
	for _, row := range found.Rows {
		positives := ""
		if row.FalsePositives != nil {
			positives = count(*row.FalsePositives)
		}
		line := []string{safetext.Cell(row.Name()), row.Currency, count(row.Transactions), row.Transactions.Amount.String()}
		for _, outcome := range []string{"approve", "review", "decline", "not_evaluated"} {
			line = append(line, count(row.Outcomes[outcome]))
		}
		line = append(line, count(row.Paid), row.Paid.Amount.String(), count(row.Refused), count(row.Stopped), count(row.Fraud), row.Fraud.Amount.String(),
			count(row.FraudPaid), row.FraudPaid.Amount.String(), fmt.Sprint(row.FraudRate.ByCount), fmt.Sprint(row.FraudRate.ByAmount), positives,
			count(row.Chargebacks), row.Chargebacks.Amount.String())
		for _, n := range []int64{row.Reviews.Asked, row.Reviews.Approved, row.Reviews.Declined, row.Reviews.Expired, row.Reviews.MedianSeconds} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		_ = lines.Write(line)
	}
}

// programsCSV writes how far merchants are from the thresholds of card schemes, as a file.
func (d *desk) programsCSV(w http.ResponseWriter, r *http.Request) {
	v := d.visit(r)
	var found reports
	if err := v.get("/reports", v.URL.Query(), &found); err != nil {
		d.show(w, v, "fault", d.problem(v, err))
		return
	}
	lines := csvFile(w, "programs.csv")
	defer lines.Flush()
	_ = lines.Write([]string{"month", "merchant", "program", "chargebacks", "payments", "basisPoints", "reached", "distance"}) // as in reportsCSV
	for _, p := range found.Programs {
		_ = lines.Write([]string{
			p.Month, safetext.Cell(p.Merchant), p.Program, strconv.FormatInt(p.Chargebacks, 10), strconv.FormatInt(p.Payments, 10),
			p.BasisPoints.String(), strconv.FormatBool(p.Reached), p.Distance,
		})
	}
}
