package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/report"
)

// Now counts the last hour by minute and outcome, of the merchants that are asked for, and what waits for a review.
func TestNow(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, at := engine.migrated(t), start.Add(30*time.Second)
			deadline := start.Add(time.Hour)
			for n, merchant := range []string{"default", "acme", "acme"} {
				e := paidOn(n+1, merchant, start.Add(time.Duration(-n)*time.Minute))
				e.Record.Steps[len(e.Record.Steps)-1].Time = e.Record.StartTime.Add(time.Duration(n+1) * 100 * time.Millisecond)
				require.NoError(t, l.Save(t.Context(), e))
			}
			require.NoError(t, l.Save(t.Context(), paidOn(4, "acme", start.Add(-2*time.Hour))))
			held := inReview(5, money.Money{Minor: 700, Currency: "INR"}, deadline)
			held.Record.StartTime = start
			require.NoError(t, l.Save(t.Context(), held))

			all, err := l.Now(t.Context(), identity.AllMerchants(), at)
			require.NoError(t, err)
			require.Len(t, all.Minutes, 60)
			last := all.Minutes[59]
			assert.Equal(t, start.Truncate(time.Minute), last.Begin)
			assert.Equal(t, map[fraud.Outcome]int64{fraud.Approve: 1, "": 1}, last.Outcomes)
			assert.EqualValues(t, 1, all.Minutes[58].All())
			assert.EqualValues(t, 1, all.Waiting)
			assert.True(t, deadline.Equal(all.NextDeadline), all.NextDeadline)
			assert.Equal(t, []money.Money{{Minor: 700, Currency: "INR"}}, all.Held)
			assert.Equal(t, 200*time.Millisecond, report.Percentile(all.Answers, 50), all.Answers)

			acme, err := l.Now(t.Context(), identity.OnlyMerchants("acme"), at)
			require.NoError(t, err)
			assert.Zero(t, acme.Minutes[59].All())
			assert.EqualValues(t, 1, acme.Minutes[58].All())
			assert.Zero(t, acme.Waiting)
			assert.Equal(t, []time.Duration{200 * time.Millisecond, 300 * time.Millisecond}, acme.Answers)
		})
	}
}

// The minutes are counted in an index, without a look at a transaction.
func TestNowPlans(t *testing.T) {
	l := engines["SQLite"].migrated(t)
	for _, of := range []identity.Merchants{identity.AllMerchants(), identity.OnlyMerchants("acme")} {
		plan, err := l.Plan(t.Context(), "EXPLAIN QUERY PLAN", l.MinutesStatement(of, start))
		require.NoError(t, err)
		assert.Equal(t, 5, strings.Count(strings.Join(plan, "\n"), "USING COVERING INDEX"), "%s", strings.Join(plan, "\n"))
	}
}

// No page of the desk reads through all transactions.
func TestDeskPlans(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, filled(t, engine))
			if name != "SQLite" {
				require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
			}
			for _, of := range []identity.Merchants{identity.AllMerchants(), identity.OnlyMerchants("acme")} {
				for kind, statement := range l.DeskStatements(of, idOf(7), start.Add(3990*time.Minute)) {
					plan, err := l.Plan(t.Context(), engine.explain, statement)
					require.NoError(t, err)
					for _, line := range plan {
						scans := strings.Contains(line, "SCAN") && !strings.Contains(line, "INDEX") || strings.Contains(line, "Seq Scan on transactions")
						assert.False(t, scans, "%s of %s: %s", kind, of, strings.Join(plan, "\n"))
					}
				}
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	sorted := make([]time.Duration, 200)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	assert.EqualValues(t, 100, report.Percentile(sorted, 50))
	assert.EqualValues(t, 198, report.Percentile(sorted, 99))
	assert.EqualValues(t, 1, report.Percentile(sorted[:1], 99))
	assert.Zero(t, report.Percentile(nil, 99))
}
