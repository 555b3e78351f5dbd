package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/ledger"
)

// Scheme is what a card scheme looks at: the payments that were made, the chargebacks, and what was reported as fraud before.
type Scheme struct {
	Payments int64 `json:"payments,omitempty"`
	Disputes int64 `json:"disputes,omitempty"`
	Reports  int64 `json:"reports,omitempty"`
}

func (s Scheme) join(o Scheme) Scheme {
	return Scheme{s.Payments + o.Payments, s.Disputes + o.Disputes, s.Reports + o.Reports}
}

// AddLabelled counts a transaction that got a label from outside on this day.
func (f *Figures) AddLabelled(r *ledger.Record, label ledger.Label) {
	switch {
	case label.Label != ledger.Fraudulent:
	case label.Source == ledger.ByDispute:
		f.addScheme(r, Scheme{Disputes: 1})
	case label.Source == ledger.ByEarlyFraudWarning:
		f.addScheme(r, Scheme{Reports: 1})
	}
}

// KeepLabelled takes over what the same day counted before of disputes and reports, where that was more: a label never goes, and so
// transactions of theirs have been deleted since.
func (f *Figures) KeepLabelled(before Figures) {
	for brand, was := range before.Schemes {
		now := f.Schemes[brand]
		f.joinScheme(brand, Scheme{Disputes: max(0, was.Disputes-now.Disputes), Reports: max(0, was.Reports-now.Reports)})
	}
}

// addScheme counts a transaction for the scheme of its card, if that has a program. The second brand of a card counts if the first
// has none.
func (f *Figures) addScheme(r *ledger.Record, one Scheme) {
	for _, brand := range []string{r.Payment.Brand, r.Payment.CoBrand} {
		if slices.ContainsFunc(programs, func(p Program) bool { return p.Brand == brand }) {
			f.joinScheme(brand, one)
			return
		}
	}
}

func (f *Figures) joinScheme(brand string, more Scheme) {
	if f.Schemes == nil {
		f.Schemes = map[string]Scheme{}
	}
	f.Schemes[brand] = f.Schemes[brand].join(more)
}

// Program is what a card scheme does about merchants with many chargebacks: one that reaches both thresholds in a month is in it.
type Program struct {
	Name, Brand string
	Count       int64 // of chargebacks
	BasisPoints int64 // of chargebacks, in hundredths of a percent of the payments
	// reports has frauds that were reported before a chargeback count too. before compares with the payments of the month before.
	reports, before bool
}

// programs has the thresholds that hold since 1 April 2026. docs/desk.md names the sources.
var programs = []Program{
	{Name: "Visa VAMP", Brand: "visa", Count: 1500, BasisPoints: 150, reports: true},
	{Name: "Mastercard ECM", Brand: "mastercard", Count: 100, BasisPoints: 150, before: true},
	{Name: "Mastercard HECM", Brand: "mastercard", Count: 300, BasisPoints: 300, before: true},
}

// Standing is how far a merchant is from a program's thresholds in a month.
type Standing struct {
	Month    string // such as 2026-11
	Merchant string
	Program  Program
	Count    int64 // of what the program counts
	Payments int64 // that it is compared with
}

// Months is what card schemes look at, added up.
type Months map[monthOf]Scheme

type monthOf struct{ month, merchant, brand string }

// Add adds a day.
func (m Months) Add(d Day) {
	for brand, scheme := range d.Figures.Schemes {
		of := monthOf{d.Date[:len(monthly)], d.Merchant, brand}
		m[of] = m[of].join(scheme)
	}
}

// Standings returns, for the months from one to another, the standing of each merchant that has payments or chargebacks with a
// program's scheme. The days that were added reach back to the month before the first one.
func (m Months) Standings(from, to time.Time) (all []Standing) {
	merchants := map[string]bool{}
	for of := range m {
		merchants[of.merchant] = true
	}
	for month := FirstOfMonth(from); !month.After(to); month = month.AddDate(0, 1, 0) {
		for _, merchant := range slices.Sorted(maps.Keys(merchants)) {
			for _, p := range programs {
				now := m[monthOf{month.Format(monthly), merchant, p.Brand}]
				s := Standing{Month: month.Format(monthly), Merchant: merchant, Program: p, Count: now.Disputes, Payments: now.Payments}
				if p.reports {
					s.Count += now.Reports
				}
				if p.before {
					s.Payments = m[monthOf{month.AddDate(0, -1, 0).Format(monthly), merchant, p.Brand}].Payments
				}
				if s.Count > 0 || s.Payments > 0 {
					all = append(all, s)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(b.Month, a.Month), cmp.Compare(a.Merchant, b.Merchant))
	})
	return all
}

const monthly = "2006-01"

// FirstOfMonth returns the first day of a time's month, in UTC.
func FirstOfMonth(of time.Time) time.Time {
	of = of.UTC()
	return time.Date(of.Year(), of.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Ratio returns the chargebacks in hundredths of a percent of the payments.
func (s Standing) Ratio() float64 { return BasisPoints(s.Count, s.Payments) }

// Reached reports whether both thresholds are reached.
func (s Standing) Reached() bool {
	return s.countLeft() <= 0 && s.Payments > 0 && s.ratioLeft() <= 0
}

func (s Standing) countLeft() int64   { return s.Program.Count - s.Count }
func (s Standing) ratioLeft() float64 { return float64(s.Program.BasisPoints) - s.Ratio() }

// Distance says in words how far it is to the thresholds.
func (s Standing) Distance() string {
	if s.Reached() {
		return fmt.Sprintf("both thresholds are reached: %d by count, %d basis points", s.Program.Count, s.Program.BasisPoints)
	}
	words := []string{fmt.Sprintf("%d more reach the %d", s.countLeft(), s.Program.Count)}
	if s.countLeft() <= 0 {
		words[0] = fmt.Sprintf("the %d are reached", s.Program.Count)
	}
	switch {
	case s.Payments == 0:
		words = append(words, "there are no payments to compare with")
	case s.ratioLeft() <= 0:
		words = append(words, fmt.Sprintf("the %d basis points are reached", s.Program.BasisPoints))
	default:
		words = append(words, fmt.Sprintf("%.1f basis points are left to %d", s.ratioLeft(), s.Program.BasisPoints))
	}
	return strings.Join(words, "; ")
}
