package ledger_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/velocitytest"
)

// busyFeatures has all measures, over long and short windows, also across merchants and with a delay.
var busyFeatures = slices.Concat(features(velocity.Card), acrossMerchants(features(velocity.Card)), []velocity.Feature{
	{Measure: velocity.Mean, By: velocity.IP, Window: 30 * time.Minute},
	{Measure: velocity.Frauds, By: velocity.IP, Window: 30 * time.Minute, Delay: 10 * time.Minute},
	{Measure: velocity.Count, By: velocity.IP, Window: 40 * time.Minute},
	{Measure: velocity.Distinct, By: velocity.Order, Of: velocity.Card, Window: 20 * time.Minute},
})

// What two processes remember of busy values is what the ledger has, and is folded to the same values as a plain list of the
// uses. They come in any order, some long after those that were accepted later, and are checked again. Labels come and go, and old
// uses are deleted.
func TestBusyValues(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place := withTables(t, engine)
			processes := []*ledgerdb.Ledger{engine.at(t, place), engine.at(t, place)}
			for _, l := range processes {
				l.Busy(ledgerdb.Fresh + 2)
			}
			round := 0
			rapid.Check(t, func(r *rapid.T) {
				round++ // each round has values of its own, and is 70 days after the one before, since they share the ledger
				var model velocitytest.Memory
				begun := asOf.Add(time.Duration(round) * 70 * day)
				fillRound(r, processes[0], &model, name, round, begun)
				for step := range rapid.IntRange(5, 20).Draw(r, "steps") {
					n, l := rapid.IntRange(0, 59).Draw(r, "transaction"), processes[rapid.IntRange(0, 1).Draw(r, "process")]
					minute := time.Duration(rapid.IntRange(0, 59).Draw(r, "minute")) * time.Minute
					switch rapid.IntRange(0, 9).Draw(r, "what") {
					case 0, 1:
						e := ledgertest.Accepted(round*100 + n)
						e.Record.Labels = []ledger.Label{{
							Label:  rapid.SampledFrom([]string{ledger.Fraudulent, ledger.Legitimate}).Draw(r, "word"),
							Source: ledger.ByDispute, Time: begun.Add(minute),
						}}
						require.NoError(r, cmp.Or(model.Save(t.Context(), e), l.Save(t.Context(), e)))
						continue
					case 2:
						_, modelErr := model.PruneVelocity(t.Context(), begun.Add(minute/4), 1_000_000)
						_, err := l.PruneVelocity(t.Context(), begun.Add(minute/4), 1_000_000)
						require.NoError(r, cmp.Or(modelErr, err))
						continue
					case 3, 4:
					default:
						minute = time.Hour + time.Duration(step)*time.Second // nearly all come in order
					}
					use := drawBusy(r, round, round*100+n%20, begun.Add(minute))
					c := velocitytest.Check(use)
					c.Number, c.AsOf = rapid.IntRange(1, 2).Draw(r, "number"), use.At.Add(time.Duration(rapid.IntRange(0, 20).Draw(r, "later"))*time.Minute)
					lookups := velocity.Lookups(busyFeatures, use, c.AsOf)
					decide := func(past velocity.Past) fraud.Decision {
						values := velocity.Values(busyFeatures, use, c.AsOf, past)
						for pool, found := range past {
							values[fmt.Sprint(pool)] = float64(len(found))
						}
						return fraud.Decision{Explanation: &fraud.Explanation{Features: values}}
					}
					want, wantErr := model.Decide(t.Context(), c, use, lookups, decide)
					got, err := l.Decide(t.Context(), c, use, lookups, decide)
					require.NoError(r, cmp.Or(wantErr, err))
					require.Empty(r, gocmp.Diff(want.Explanation.Features, got.Explanation.Features), "(-list +ledger) of %s", use.TransactionID)
				}
			})
			for _, l := range processes {
				require.NotZero(t, l.BusyValues())
			}
		})
	}
}

// fillRound counts 40 transactions, with numbers from 20 on, in one statement.
func fillRound(r *rapid.T, l *ledgerdb.Ledger, model *velocitytest.Memory, engine string, round int, begun time.Time) {
	var decisions, uses []string
	for n := range 40 {
		use := drawBusy(r, round, round*100+20+n, begun.Add(time.Duration(n)*time.Minute))
		_, err := model.Decide(context.Background(), velocitytest.Check(use), use, nil, decideByCount)
		require.NoError(r, err)
		facts, err := json.Marshal(use.Values)
		require.NoError(r, err)
		at := fmt.Sprint(use.At.UnixMicro())
		if engine == "PostgreSQL" {
			at = use.At.Format("'2006-01-02 15:04:05.999999Z'")
		}
		decisions = append(decisions, fmt.Sprintf("('%s', 1, %s, '{}')", use.TransactionID, at))
		for dimension, value := range use.Values {
			uses = append(uses, fmt.Sprintf("('%s', '%s', '%s', %s, '%s', %d, 'INR', '%s')",
				use.Merchant, dimension, value, at, use.TransactionID, use.Amount.Minor, facts))
		}
	}
	for _, statement := range []string{
		"INSERT INTO decisions (transaction_id, number, at, decision) VALUES " + strings.Join(decisions, ", "),
		"INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts) VALUES " + strings.Join(uses, ", "),
	} {
		require.NoError(r, l.Exec(context.Background(), statement))
	}
}

func drawBusy(r *rapid.T, round, n int, at time.Time) velocity.Use {
	use := velocitytest.Use(n, fmt.Sprint(round, " ", rapid.IntRange(0, 1).Draw(r, "card")))
	use.At = at
	use.Merchant = rapid.SampledFrom([]string{"acme", "acme", "acme", "umbrella"}).Draw(r, "merchant")
	use.Amount.Minor = int64(rapid.IntRange(1, 1000).Draw(r, "amount"))
	use.Values[velocity.IP], use.Values[velocity.Order] = fmt.Sprint(round), fmt.Sprint(round, " ", rapid.IntRange(0, 3).Draw(r, "order"))
	use.Values[velocity.Customer] = fmt.Sprint(n % 5)
	return use
}

// busyBefore prepares uses of busy values that an earlier version has counted.
var busyBefore = prepared(func(t testing.TB, e engine, l *ledgerdb.Ledger) {
	t.Helper()
	require.NoError(t, l.MigrateTo(t.Context(), 18))
	fillBusy(t, l, e.name, velocity.MostUses+200)
	require.NoError(t, l.Migrate(t.Context()))
})

// The uses of a busy value are read once, and all of them again only if that is needed. Changed amounts show what was read: nothing
// else changes any.
func TestBusyValueIsReadOnce(t *testing.T) {
	for name, engine := range engines {
		dropTrigger := map[string]string{"SQLite": "DROP TRIGGER uses_are_deleted", "PostgreSQL": "DROP TRIGGER uses_are_deleted ON uses"}[name]
		for _, c := range []struct {
			name  string
			doing []string
			late  bool // a use comes late
			after time.Duration
			again bool // all uses are read again
		}{
			{name: "nothing"},
			{name: "a use comes late", late: true, again: true},
			{name: "some labels change", doing: []string{"UPDATE labels SET label = 'legitimate'"}},
			{name: "some labels go", doing: []string{"DELETE FROM labels"}},
			{name: "some labels go with their transactions", doing: []string{"DELETE FROM transactions"}},
			{name: "many labels change", again: true, doing: []string{
				"UPDATE labels SET label = 'legitimate'", "UPDATE labels SET label = 'fraudulent'", "UPDATE labels SET label = 'legitimate'",
			}},
			{name: "uses are deleted", again: true, doing: []string{"DELETE FROM uses WHERE transaction_id = '01990000-0000-7000-8000-000000999500'"}},
			{name: "older uses are deleted", after: 1000 * time.Second, doing: []string{"DELETE FROM uses WHERE transaction_id = '01990000-0000-7000-8000-000000998900'"}},
			{name: "a crash loses the last commits", after: 900 * time.Second, again: true, doing: []string{
				dropTrigger, "DELETE FROM uses WHERE transaction_id = 'new-2'", "DELETE FROM uses WHERE transaction_id = '01990000-0000-7000-8000-000000999900'",
			}},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				l, number := engine.at(t, busyBefore(t, engine)), 0
				changed := func() int {
					number++
					return changedUses(t, l, number, cmp.Or(c.after, velocity.MaxWindow))
				}
				change := func(minor int) {
					require.NoError(t, l.Exec(t.Context(), fmt.Sprint("UPDATE uses SET amount = ", minor)))
				}
				require.Zero(t, changed())
				require.Zero(t, changed())
				change(1)
				if c.late {
					late := busyUse(0)
					late.TransactionID, late.At = "late", asOf.Add(-500*time.Second)
					_, err := l.Decide(t.Context(), velocitytest.Check(late), late, nil, decideByCount)
					require.NoError(t, err)
				}
				for _, statement := range c.doing {
					require.NoError(t, l.Exec(t.Context(), statement))
				}
				if !c.again {
					require.Less(t, changed(), 50)
					return
				}
				require.Greater(t, changed(), 800)
				if c.name != "uses are deleted" {
					change(2)
					require.Greater(t, changed(), 800, "it is not remembered again")
				}
			})
		}
	}
}

// changedUses decides about a busy use, and compares what is remembered with the ledger. It returns how many of the uses that it saw have
// the amount 1.
func changedUses(t *testing.T, l *ledgerdb.Ledger, number int, window time.Duration) (count int) {
	t.Helper()
	u := busyUse(number)
	lookups := []velocity.Lookup{{By: velocity.Card, Value: "hot-card", Merchant: "acme", After: asOf.Add(-window), Labels: true}}
	_, err := l.Decide(t.Context(), velocitytest.Check(u), u, lookups, func(past velocity.Past) fraud.Decision {
		whole, err := l.Look(t.Context(), u.TransactionID, lookups)
		require.NoError(t, err)
		byID := cmpopts.IgnoreFields(velocity.Use{}, "Amount")
		require.Empty(t, gocmp.Diff(whole, past, byID), "(-ledger +remembered)")
		for _, use := range past[lookups[0].Pool()] {
			if use.Amount.Minor == 1 {
				count++
			}
		}
		return fraud.Decision{}
	})
	require.NoError(t, err)
	return count
}

// A label that was given before the uses were read, and committed after others that were given later, is seen.
func TestBusyValueLabelledMeanwhile(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	fillBusy(t, l, "PostgreSQL", velocity.MostUses+200)
	const change = "UPDATE labels SET label = 'legitimate' WHERE transaction_id = '01990000-0000-7000-8000-000000"
	tx, err := l.Writer().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }() // after a commit, it does nothing
	_, err = tx.ExecContext(t.Context(), change+"999500'")
	require.NoError(t, err)
	changedUses(t, l, 1, velocity.MaxWindow)
	changedUses(t, l, 2, velocity.MaxWindow)
	require.NoError(t, l.Exec(t.Context(), change+"999450'"))
	changedUses(t, l, 3, velocity.MaxWindow)
	require.NoError(t, tx.Commit())
	require.NoError(t, l.Exec(t.Context(), "UPDATE uses SET amount = 1"))
	require.Less(t, changedUses(t, l, 4, velocity.MaxWindow), 50)
}

// A connection keeps its plans. Those that were made for empty tables read nothing but indexes once the tables are full.
func TestPlansOfEmptyTables(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	for number := 1; number <= 5; number++ {
		if number == 3 {
			require.NoError(t, l.Exec(t.Context(), `INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts)
				SELECT 'acme', d, 'hot-' || d, '2026-01-02T03:04:05Z'::timestamptz + i * interval '1 second', 'old-' || i, 1, 'INR', '{}'
				FROM generate_series(1, 5000) i CROSS JOIN unnest(ARRAY['card', 'ip', 'customer', 'order']) d`))
		}
		u := busyUse(number)
		_, read, err := l.TimePast(t.Context(), u, velocity.Lookups(byDefault, u, u.At), func(velocity.Past) {}, ledgerdb.Statement{
			Text: `SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname IN ('uses', 'labels', 'label_changes', 'late_uses')`,
		})
		require.Equal(t, []int{0}, read)
		require.NoError(t, err)
	}
}

// Whether a use comes late is asked in an index, and of as many uses as are always read.
func TestLateUsesPlans(t *testing.T) {
	wanted := map[string][]string{
		"SQLite": {
			"SEARCH uses USING COVERING INDEX uses_across_merchants (<expr>=? AND value=? AND at>?)",
			"SEARCH uses USING COVERING INDEX uses_across_merchants (<expr>=? AND value=? AND at>?)",
			"SEARCH uses USING PRIMARY KEY (merchant=? AND dimension=? AND value=? AND at>?)",
		},
		"PostgreSQL": {"Index Scan using uses_across_merchants", "Index Scan using uses_across_merchants", "Index Only Scan using uses_pkey"},
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			fillHistory(t, l, name, 5_000)
			text, err := os.ReadFile("migrations/" + map[string]string{"SQLite": "sqlite", "PostgreSQL": "postgres"}[name] + "/00019_remembered_uses.sql")
			require.NoError(t, err)
			questions := regexp.MustCompile(`(?s)EXISTS \((SELECT .*?) OFFSET (\d+)\)`).FindAllStringSubmatch(string(text), -1)
			require.Len(t, questions, len(wanted[name]))
			for i, question := range questions {
				require.Equal(t, fmt.Sprint(ledgerdb.Fresh-1), question[2])
				asked := regexp.MustCompile(`\b(NEW|c)\.(merchant|dimension|value)\b`).ReplaceAllString(question[1], "'hot'")
				asked = regexp.MustCompile(`\b(NEW|c)\.at\b`).ReplaceAllString(asked, sqlTimes[name])
				plan, err := l.VelocityPlan(t.Context(), engine.explain, velocitytest.Use(1, "a"), ledgerdb.Statement{Text: asked})
				require.NoError(t, err)
				require.Contains(t, strings.Join(plan, "\n"), wanted[name][i])
				require.NotContains(t, strings.Join(plan, "\n"), "Sort")
			}
		})
	}
}

// A use's values are read as they were written, whatever they are.
func TestReadFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.Custom(func(t *rapid.T) velocity.Dimension {
			return velocity.Dimension(rapid.String().Draw(t, "dimension"))
		}), rapid.String()).Draw(t, "values")
		text, err := json.Marshal(want)
		require.NoError(t, err)
		got, err := ledgerdb.ReadFacts(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	for _, text := range []string{
		`{"card":"a","order":"1"}`, `{"card": "a"}`, ` {"card":"a"}`, `{"card":"a"} `, `{}`, `null`, `{"a\"card":"b","card":"c"}`, `{"card":","}`,
		`{"card":1}`, `{"card"="a"}`, `{"card":"a",}`, `{"card":"a""b":"c"}`, `["card","a"]`, `{"card":"a"`, `"a"`, ``,
	} {
		var want map[velocity.Dimension]string
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := ledgerdb.ReadFacts([]byte(text))
		require.Equal(t, wantErr == nil, err == nil, "%s: %v", text, err)
		if err == nil {
			require.Equal(t, want, got, text)
		}
	}
}
