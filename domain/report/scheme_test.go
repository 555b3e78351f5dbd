package report_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
	"dummyorders/domain/transaction"
)

func TestSchemes(t *testing.T) {
	var f report.Figures
	for _, brands := range [][2]string{{"visa"}, {"mastercard"}, {"dankort", "visa"}, {"amex"}, {}} {
		r := record(fraud.Approve, transaction.PaymentComplete)
		r.Payment.Brand, r.Payment.CoBrand = brands[0], brands[1]
		f.Add(r, 100)
		f.AddLabelled(r, disputed)
		f.AddLabelled(r, ledger.Label{Label: ledger.Legitimate, Source: ledger.ByDispute})
		f.AddLabelled(r, ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByEarlyFraudWarning})
	}
	stopped := record(fraud.Decline, transaction.AlertDone)
	stopped.Payment.Brand = "visa"
	f.Add(stopped, 100)
	assert.Equal(t, map[string]report.Scheme{
		"visa": {Payments: 2, Disputes: 2, Reports: 2}, "mastercard": {Payments: 1, Disputes: 1, Reports: 1},
	}, f.Schemes)
}

func schemeDay(date, merchant string, brand string, of report.Scheme) report.Day {
	return report.Day{Date: date, Merchant: merchant, Figures: report.Figures{Schemes: map[string]report.Scheme{brand: of}}}
}

// Visa compares with the payments of the month, and Mastercard with those of the month before.
func TestStandings(t *testing.T) {
	months := report.Months{}
	for _, d := range []report.Day{
		schemeDay("2026-09-30", "acme", "mastercard", report.Scheme{Payments: 10_000}),
		schemeDay("2026-10-01", "acme", "mastercard", report.Scheme{Payments: 20_000, Disputes: 100}),
		schemeDay("2026-10-31", "acme", "mastercard", report.Scheme{Disputes: 50, Reports: 7}),
		schemeDay("2026-11-02", "beta", "visa", report.Scheme{Payments: 90_000, Disputes: 600, Reports: 700}),
		schemeDay("2026-11-03", "beta", "visa", report.Scheme{Payments: 10_000, Disputes: 200}),
	} {
		months.Add(d)
	}
	var got []string
	for _, s := range months.Standings(time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		got = append(got, fmt.Sprintf("%s %s %s: %d of %d, %.0f bp, %t", s.Month, s.Merchant, s.Program.Name, s.Count, s.Payments, s.Ratio(), s.Reached()))
	}
	assert.Equal(t, []string{
		"2026-11 acme Mastercard ECM: 0 of 20000, 0 bp, false",
		"2026-11 acme Mastercard HECM: 0 of 20000, 0 bp, false",
		"2026-11 beta Visa VAMP: 1500 of 100000, 150 bp, true",
		"2026-10 acme Mastercard ECM: 150 of 10000, 150 bp, true",
		"2026-10 acme Mastercard HECM: 150 of 10000, 150 bp, false",
	}, got)
}

func TestDistance(t *testing.T) {
	ecm := report.Program{Name: "Mastercard ECM", Count: 100, BasisPoints: 150}
	for _, c := range []struct {
		count, payments int64
		want            string
	}{
		{12, 10_000, "88 more reach the 100; 138.0 basis points are left to 150"},
		{100, 10_000, "the 100 are reached; 50.0 basis points are left to 150"},
		{99, 1_000, "1 more reach the 100; the 150 basis points are reached"},
		{150, 10_000, "both thresholds are reached: 100 by count, 150 basis points"},
		{150, 0, "the 100 are reached; there are no payments to compare with"},
	} {
		assert.Equal(t, c.want, report.Standing{Program: ecm, Count: c.count, Payments: c.payments}.Distance())
	}
}
