package ledger_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// paidOn returns the n-th transaction, of a merchant, accepted and paid at a time.
func paidOn(n int, merchant string, at time.Time) ledger.Entry {
	e := ledgertest.Ended(n, at)
	e.Record.StartTime, e.Record.Merchant, e.Transaction.Merchant = at, merchant, merchant
	return e
}

// days describes what was counted, in few words.
func days(t *testing.T, l *ledgerdb.Ledger, of identity.Merchants) (all []string) {
	t.Helper()
	require.NoError(t, l.Days(t.Context(), of, "2026-01-01", "2026-01-31", func() { all = nil }, func(d report.Day) {
		all = append(all, fmt.Sprintf("%s %s %s %d paid, %d fraud", d.Date, d.Merchant, d.Currency, d.Figures.Paid.Count, d.Figures.Fraud.Count))
	}))
	slices.Sort(all)
	return all
}

// Days are counted when their transactions have changed, however long ago they began, and not otherwise.
func TestCountDays(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, now := engine.migrated(t), start.Add(4*24*time.Hour) // 6 January
			require.NoError(t, l.CountDays(t.Context(), now.Add(-time.Hour)))
			assert.Empty(t, days(t, l, identity.AllMerchants()))
			look := func() {
				t.Helper()
				now = now.Add(time.Minute)
				require.NoError(t, l.CountDays(t.Context(), now))
			}
			for _, e := range []ledger.Entry{
				paidOn(1, "default", now.Add(-time.Minute)), paidOn(2, "acme", now.Add(-time.Minute)), paidOn(3, "acme", now),
			} {
				require.NoError(t, l.Save(t.Context(), e))
			}
			late := ledgertest.Ended(4, now) // it began on 2 January
			require.NoError(t, l.Save(t.Context(), late))
			look()
			want := []string{"2026-01-02 default INR 1 paid, 0 fraud", "2026-01-06 acme INR 2 paid, 0 fraud", "2026-01-06 default INR 1 paid, 0 fraud"}
			assert.Equal(t, want, days(t, l, identity.AllMerchants()))
			assert.Equal(t, want[1:2], days(t, l, identity.OnlyMerchants("acme")))
			assert.Empty(t, days(t, l, identity.Merchants{}))

			now = now.Add(time.Hour) // its end is no longer recent
			look()
			_, err := l.Label(t.Context(), identity.AllMerchants(), late.Record.TransactionID,
				ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: now.Add(30 * time.Second)})
			require.NoError(t, err)
			require.NoError(t, l.CountDays(t.Context(), now.Add(40*time.Second)), "another worker has just looked")
			assert.Equal(t, want, days(t, l, identity.AllMerchants()))
			look()
			want[0] = "2026-01-02 default INR 1 paid, 1 fraud"
			assert.Equal(t, want, days(t, l, identity.AllMerchants()))

			// Old rows are deleted some day. What was counted of them stays.
			deleted, err := l.Prune(t.Context(), now.Add(time.Hour), 100)
			require.NoError(t, err)
			require.Equal(t, 4, deleted)
			now = now.Add(time.Hour)
			assert.Equal(t, want, days(t, l, identity.AllMerchants()))
		})
	}
}

// The first look counts the days of all that is there, and the first of a day those before it again.
func TestCountDaysBefore(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, now := engine.migrated(t), start.Add(20*24*time.Hour)
			require.NoError(t, l.Save(t.Context(), paidOn(1, "default", start)))
			require.NoError(t, l.CountDays(t.Context(), now))
			assert.Equal(t, []string{"2026-01-02 default INR 1 paid, 0 fraud"}, days(t, l, identity.AllMerchants()))
			require.NoError(t, l.Save(t.Context(), paidOn(2, "default", now.Add(-time.Hour)))) // long after it happened
			require.NoError(t, l.CountDays(t.Context(), now.Add(2*24*time.Hour)))
			assert.Len(t, days(t, l, identity.AllMerchants()), 2)
			require.NoError(t, l.Save(t.Context(), paidOn(3, "default", start.Add(24*time.Hour)))) // and longer
			require.NoError(t, l.CountAgain(t.Context(), start.Add(24*time.Hour), now))
			require.NoError(t, l.CountDays(t.Context(), now.Add(2*24*time.Hour+time.Minute)))
			assert.Len(t, days(t, l, identity.AllMerchants()), 3)
		})
	}
}

// A day whose count takes long rests, also after today, and also for other workers. Those that do not rest have their turn.
func TestCountDaysTurns(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place, now := withTables(t, engine), start.Add(4*24*time.Hour) // 6 January
			l, other := engine.at(t, place), engine.at(t, place)
			due := func(at time.Time) []string {
				t.Helper()
				all, err := other.DaysDue(t.Context(), at)
				require.NoError(t, err)
				return all
			}
			yesterday := paidOn(1, "acme", now.Add(-24*time.Hour))
			require.NoError(t, l.Save(t.Context(), yesterday))
			require.NoError(t, l.CountDays(t.Context(), now))
			require.NoError(t, l.Rest(t.Context(), "2026-01-05", now.Add(10*time.Minute)))
			_, err := l.Label(t.Context(), identity.AllMerchants(), yesterday.Record.TransactionID,
				ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: now})
			require.NoError(t, err)
			require.NoError(t, l.Rest(t.Context(), "2026-01-06", now)) // however long its count took
			require.NoError(t, other.CountDays(t.Context(), now.Add(time.Minute)))
			assert.Equal(t, []string{"2026-01-05 acme INR 1 paid, 0 fraud", "2026-01-06 acme INR 0 paid, 0 fraud"}, days(t, l, identity.AllMerchants()))
			assert.Equal(t, []string{"2026-01-05"}, due(now.Add(10*time.Minute)), "it is still due")
			require.NoError(t, other.CountDays(t.Context(), now.Add(10*time.Minute)))
			assert.Equal(t, []string{"2026-01-05 acme INR 1 paid, 1 fraud", "2026-01-06 acme INR 0 paid, 0 fraud"}, days(t, l, identity.AllMerchants()))

			require.NoError(t, l.CountAgain(t.Context(), start.Add(-24*time.Hour), now))
			now = now.Add(time.Hour)
			for _, day := range []string{"2026-01-05", "2026-01-03"} {
				now = now.Add(20 * time.Minute) // more than a count may take
				mine, err := l.ClaimDay(t.Context(), day, now)
				require.NoError(t, err)
				assert.True(t, mine)
				mine, err = other.ClaimDay(t.Context(), day, now.Add(time.Minute))
				require.NoError(t, err)
				assert.False(t, mine, "two workers count a day")
			}
			assert.Equal(t, []string{"2026-01-06", "2026-01-04", "2026-01-02", "2026-01-01", "2026-01-05"}, due(now), "one is being counted")
			assert.Equal(t, []string{"2026-01-06", "2026-01-04", "2026-01-02", "2026-01-01", "2026-01-05", "2026-01-03"}, due(now.Add(20*time.Minute)))
		})
	}
}

// A day of many merchants is kept in several database transactions, and what has not changed is not written again.
func TestCountDaysOfManyMerchants(t *testing.T) {
	refuse := map[string][]string{
		"SQLite": {"CREATE TRIGGER refuse BEFORE UPDATE ON day_figures WHEN old.merchant <> 'acme7' BEGIN SELECT RAISE(ABORT, 'not changed'); END"},
		"PostgreSQL": {
			"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not changed'; END $$",
			"CREATE TRIGGER refuse BEFORE UPDATE ON day_figures FOR EACH ROW WHEN (old.merchant <> 'acme7') EXECUTE FUNCTION refuse()",
		},
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			const merchants = 201
			for n := range merchants {
				require.NoError(t, l.Save(t.Context(), paidOn(n, fmt.Sprintf("acme%d", n), start)))
			}
			require.NoError(t, l.CountDays(t.Context(), start))
			require.Len(t, days(t, l, identity.AllMerchants()), merchants)
			if name == "PostgreSQL" {
				var transactions int
				require.NoError(t, l.Writer().QueryRowContext(t.Context(), "SELECT count(DISTINCT xmin::text) FROM day_figures").Scan(&transactions))
				assert.Equal(t, 2, transactions)
			}
			for _, statement := range refuse[name] {
				require.NoError(t, l.Exec(t.Context(), statement))
			}
			require.NoError(t, l.Save(t.Context(), paidOn(merchants, "acme7", start)))
			require.NoError(t, l.CountDays(t.Context(), start.Add(10*time.Minute)))
			assert.Equal(t, []string{"2026-01-02 acme7 INR 2 paid, 0 fraud"}, days(t, l, identity.OnlyMerchants("acme7")))
		})
	}
}

// saveMeanwhile is called while SQLite looks for days whose rules were not counted, in TestLookKeepsNoSaveWaiting.
var saveMeanwhile func() error

func init() {
	sqlite.MustRegisterScalarFunction("save_meanwhile", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return int64(0), saveMeanwhile()
	})
}

// Saves go on while the first look reads all that is there, which can take long.
func TestLookKeepsNoSaveWaiting(t *testing.T) {
	engine := engines["SQLite"]
	place := withTables(t, engine)
	l, other := engine.at(t, place), engine.at(t, place)
	require.NoError(t, l.Save(t.Context(), paidOn(1, "acme", start)))
	require.NoError(t, l.Exec(t.Context(), "INSERT INTO day_figures (day, merchant, currency, figures) VALUES ('2026-01-02', 'acme', 'INR', '{}')"))
	require.NoError(t, l.Exec(t.Context(), "ALTER TABLE day_figures RENAME TO kept"))
	require.NoError(t, l.Exec(t.Context(), "CREATE VIEW day_figures AS SELECT day, merchant, currency, figures, rules FROM kept WHERE save_meanwhile() = 0"))
	saved := false
	saveMeanwhile = func() error {
		within, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		saved = true
		return other.Save(within, paidOn(2, "acme", start))
	}
	_, err := l.LookForDays(t.Context(), start)
	require.NoError(t, err)
	assert.True(t, saved)
}

// What is counted, and what was counted, is found by indexes.
func TestCountDaysPlans(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, filled(t, engine))
			require.NoError(t, l.Exec(t.Context(), `WITH RECURSIVE years (year) AS (SELECT 1000 UNION ALL SELECT year + 1 FROM years WHERE year < 5000)
				INSERT INTO day_figures (day, merchant, currency, figures, rules) SELECT year || '-01-02', 'acme', 'INR', '{}', '{}' FROM years`))
			require.NoError(t, l.Exec(t.Context(), `WITH RECURSIVE merchants (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM merchants WHERE n < 4000)
				INSERT INTO day_figures (day, merchant, currency, figures, rules) SELECT '2026-01-' || (10 + n % 20), 'acme' || (n / 20), 'INR', '{}', '{}' FROM merchants`))
			if name != "SQLite" {
				require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
			}
			for kind, statement := range l.CountStatements(start.Add(3990 * time.Minute)) {
				plan, err := l.Plan(t.Context(), engine.explain, statement)
				require.NoError(t, err)
				for _, line := range plan {
					scan := strings.Contains(line, "SCAN") && !strings.Contains(line, "INDEX") || strings.Contains(line, "Seq Scan")
					assert.False(t, scan && !strings.Contains(line, "CONSTANT ROW"), "%s: %s", kind, strings.Join(plan, "\n"))
				}
			}
			for kind, statement := range l.DeskStatements(identity.OnlyMerchants("acme7"), "", start) {
				if !strings.HasSuffix(kind, "days") {
					continue
				}
				plan, err := l.Plan(t.Context(), engine.explain, statement)
				require.NoError(t, err)
				assert.Contains(t, strings.Join(plan, "\n"), "day_figures_of_merchant", "the %s of one merchant are found among those of all", kind)
			}
		})
	}
}

// What was disputed counts for the card's scheme on the day of its label, also if nothing was posted on that day.
func TestCountLabelled(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, now := engine.migrated(t), start.Add(9*24*time.Hour)
			for n, source := range []string{ledger.ByDispute, ledger.ByDispute, ledger.ByEarlyFraudWarning, ledger.ByReviewer} {
				e := paidOn(n, "acme", start)
				e.Record.Payment.Brand = "visa"
				require.NoError(t, l.Save(t.Context(), e))
				_, err := l.Label(t.Context(), identity.AllMerchants(), e.Record.TransactionID,
					ledger.Label{Label: ledger.Fraudulent, Source: source, Time: now.Add(time.Duration(-n) * 24 * time.Hour)})
				require.NoError(t, err)
			}
			paid := paidOn(9, "acme", now.Add(-24*time.Hour))
			paid.Record.Payment.Brand = "visa"
			require.NoError(t, l.Save(t.Context(), paid))
			count := func() map[string]report.Scheme {
				t.Helper()
				require.NoError(t, l.CountAgain(t.Context(), start, now))
				now = now.Add(time.Hour) // days rest 20 times as long as their counts took
				require.NoError(t, l.CountDays(t.Context(), now))
				schemes := map[string]report.Scheme{}
				require.NoError(t, l.Days(t.Context(), identity.AllMerchants(), "2026-01-01", "2026-01-31", func() { clear(schemes) }, func(d report.Day) {
					if scheme, has := d.Figures.Schemes["visa"]; has {
						schemes[d.Date] = scheme
					}
				}))
				return schemes
			}
			want := map[string]report.Scheme{
				"2026-01-02": {Payments: 4}, "2026-01-09": {Reports: 1}, "2026-01-10": {Payments: 1, Disputes: 1}, "2026-01-11": {Disputes: 1},
			}
			assert.Equal(t, want, count())
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM transactions WHERE id = '"+paidOn(1, "", start).Record.TransactionID+"'"))
			assert.Equal(t, want, count(), "the dispute of a deleted transaction is lost")
		})
	}
}

// ruled returns the n-th transaction, of a merchant, about which rules decided: one that decides failed, another one hit.
func ruled(n int, merchant string, at time.Time) ledger.Entry {
	e := paidOn(n, merchant, at)
	e.Record.Decide(fraud.Decision{Outcome: fraud.Approve, Explanation: &fraud.Explanation{
		Rules: []fraud.RuleResult{{ID: "night", Outcome: fraud.RuleHit, Score: 40, Shadow: true}, {ID: "odd", Outcome: fraud.RuleFailed, Action: fraud.ActReview, Error: "\x00"}},
		Trials: []fraud.Trial{
			{Ruleset: fraud.Ruleset{ID: "mine" + fraud.WithShadow}, Outcome: fraud.Review},
			{Ruleset: fraud.Ruleset{ID: "mine"}, Outcome: fraud.Approve, Rules: []fraud.RuleResult{{ID: "night", Outcome: fraud.RuleHit}}},
		},
	}})
	return e
}

// ruleDays describes what was counted of rules, in few words.
func ruleDays(t *testing.T, l *ledgerdb.Ledger, of identity.Merchants) (all []string) {
	t.Helper()
	found, err := l.RuleDays(t.Context(), of, "2026-01-01", "2026-01-31")
	require.NoError(t, err)
	for _, d := range found {
		if d.Rules == nil {
			all = append(all, d.Date+" unknown")
			continue
		}
		deciding, shadow := d.Rules.Deciding, d.Rules.Shadow
		all = append(all, fmt.Sprintf("%s %s night %d, odd %d, %d of %d; shadow: night %d, %d of %d", d.Date, d.Currency, deciding.Rules["night"].Hits, deciding.Rules["odd"].Failed,
			deciding.Disagreed, deciding.Compared, shadow.Rules["night"].Hits, shadow.Disagreed, shadow.Compared))
	}
	slices.Sort(all)
	return all
}

// What rules did is counted with the days. Days that an earlier version has counted are counted again, and what cannot be counted
// again stays.
func TestRuleDays(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, now := engine.migrated(t), start.Add(4*24*time.Hour) // 6 January
			look := func() {
				t.Helper()
				now = now.Add(time.Minute)
				require.NoError(t, l.CountDays(t.Context(), now))
			}
			for _, e := range []ledger.Entry{ruled(1, "acme", now), ruled(2, "acme", now), ruled(3, "default", now), ruled(4, "acme", start)} {
				require.NoError(t, l.Save(t.Context(), e))
			}
			look()
			const second, sixth = "2026-01-02 INR night 1, odd 1, 1 of 1; shadow: night 1, 0 of 1", "2026-01-06 INR night 2, odd 2, 2 of 2; shadow: night 2, 0 of 2"
			assert.Equal(t, []string{second, sixth}, ruleDays(t, l, identity.OnlyMerchants("acme")))
			assert.Equal(t, []string{second, "2026-01-06 INR night 3, odd 3, 3 of 3; shadow: night 3, 0 of 3"}, ruleDays(t, l, identity.AllMerchants()))
			assert.Empty(t, ruleDays(t, l, identity.Merchants{}))

			byEarlierVersion := func() { require.NoError(t, l.Exec(t.Context(), "UPDATE day_figures SET rules = NULL")) }
			byEarlierVersion()
			assert.Equal(t, []string{"2026-01-02 unknown", "2026-01-06 unknown"}, ruleDays(t, l, identity.OnlyMerchants("acme")))
			now = now.Add(time.Hour) // no transaction has changed lately
			look()
			assert.Equal(t, []string{second, sixth}, ruleDays(t, l, identity.OnlyMerchants("acme")))

			before := days(t, l, identity.AllMerchants())
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM transactions WHERE id IN ('"+ruled(1, "", now).Record.TransactionID+"', '"+ruled(4, "", now).Record.TransactionID+"')"))
			require.NoError(t, l.CountAgain(t.Context(), start, now))
			look()
			assert.Equal(t, before, days(t, l, identity.AllMerchants()), "what was counted of deleted transactions is lost")
			assert.Equal(t, []string{second, sixth}, ruleDays(t, l, identity.OnlyMerchants("acme")))
			byEarlierVersion()
			look()
			assert.Equal(t, []string{"2026-01-02 unknown", "2026-01-06 unknown"}, ruleDays(t, l, identity.OnlyMerchants("acme")))
			const known = "2026-01-06 INR night 1, odd 1, 1 of 1; shadow: night 1, 0 of 1"
			assert.Equal(t, []string{known}, ruleDays(t, l, identity.OnlyMerchants("default")))
			assert.Equal(t, []string{"2026-01-02 unknown", known, "2026-01-06 unknown"}, ruleDays(t, l, identity.AllMerchants()))
			assert.Equal(t, before, days(t, l, identity.AllMerchants()))
		})
	}
}
