package ledger_test

import (
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/velocitytest"
)

var rows = flag.Int("rows", 100_000, "how many rows the larger table of uses of BenchmarkDecide has")

// perTransaction is how many rows each transaction has in the tables that are measured.
const perTransaction = 5

// terminal is a value that all transactions share.
const terminal = velocity.Dimension("metadata.terminal")

var asOf = start.Add(30 * 24 * time.Hour)

// BenchmarkDecide decides about transactions with ten counted features, with one checker and with 16 at once, over a small
// history and a large one: with values that some twenty transactions share, with one that all share, and with the first of them
// counted across merchants.
func BenchmarkDecide(b *testing.B) {
	for name, engine := range engines {
		for _, size := range []int{1000, *rows} {
			l := engine.migrated(b)
			fillHistory(b, l, name, size)
			for _, c := range []struct {
				label   string
				counted []velocity.Feature
			}{
				{"usual", features(velocity.Card, velocity.IP)},
				{"across", acrossMerchants(features(velocity.Card, velocity.IP))},
				{"busy", features(velocity.Card, terminal)},
			} {
				for _, checkers := range []int{1, 16} {
					b.Run(fmt.Sprintf("%s/%d rows/%s/%d", name, size, c.label, checkers), func(b *testing.B) {
						decideBy(b, l, size/perTransaction, c.counted, c.label == "busy", checkers)
					})
				}
			}
		}
	}
}

// byDefault counts what the built-in ruleset counts.
var byDefault = []velocity.Feature{
	{Measure: velocity.Count, By: velocity.Card, Window: 10 * time.Minute},
	{Measure: velocity.Count, By: velocity.Card, Window: time.Hour},
	{Measure: velocity.Count, By: velocity.Card, Window: day},
	{Measure: velocity.Distinct, By: velocity.Card, Of: velocity.Customer, Window: 7 * day},
	{Measure: velocity.Distinct, By: velocity.Card, Of: velocity.Order, Window: day},
	{Measure: velocity.Frauds, By: velocity.Card, Window: 30 * day},
	{Measure: velocity.Count, By: velocity.Customer, Window: 30 * day},
	{Measure: velocity.Mean, By: velocity.Customer, Window: 30 * day},
	{Measure: velocity.Distinct, By: velocity.Customer, Of: velocity.Card, Window: day},
	{Measure: velocity.Frauds, By: velocity.Customer, Window: 30 * day},
	{Measure: velocity.Count, By: velocity.IP, Window: time.Hour},
	{Measure: velocity.Mean, By: velocity.IP, Window: time.Hour},
	{Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Card, Window: time.Hour},
	{Measure: velocity.Frauds, By: velocity.IP, Window: 7 * day},
	{Measure: velocity.Distinct, By: velocity.Order, Of: velocity.Card, Window: day},
}

const day = 24 * time.Hour

// BenchmarkDecideBusy decides as the built-in ruleset does about transactions whose card, customer, address and order all have as
// many uses, a second apart.
func BenchmarkDecideBusy(b *testing.B) {
	measureBusy(b, func(b *testing.B, l *ledgerdb.Ledger, u velocity.Use) time.Duration {
		begun := time.Now()
		_, err := l.Decide(b.Context(), velocitytest.Check(u), u, velocity.Lookups(byDefault, u, u.At), func(past velocity.Past) fraud.Decision {
			return fraud.Decision{Explanation: &fraud.Explanation{Features: velocity.Values(byDefault, u, u.At, past)}}
		})
		require.NoError(b, err)
		return time.Since(begun)
	})
}

// BenchmarkCountsBusy measures a part of that: to read what is counted, and to compute the features from it.
func BenchmarkCountsBusy(b *testing.B) {
	measureBusy(b, func(b *testing.B, l *ledgerdb.Ledger, u velocity.Use) time.Duration {
		took, _, err := l.TimePast(b.Context(), u, velocity.Lookups(byDefault, u, u.At), func(past velocity.Past) {
			require.Len(b, velocity.Values(byDefault, u, u.At, past), len(byDefault))
		})
		require.NoError(b, err)
		return took
	})
}

// measureBusy measures transactions whose four values have more and more uses, and processor time, which depends less on what else the
// machine does.
func measureBusy(b *testing.B, measure func(b *testing.B, l *ledgerdb.Ledger, u velocity.Use) time.Duration) {
	for name, engine := range engines {
		for _, uses := range []int{1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d uses", name, uses), func(b *testing.B) {
				l, number := engine.migrated(b), 0
				fillBusy(b, l, name, uses)
				for range 10 { // connect, prepare statements, and read what is remembered
					number++
					measure(b, l, busyUse(number))
				}
				took, before := []time.Duration{}, ticks(b)
				for b.Loop() {
					number++
					took = append(took, measure(b, l, busyUse(number)))
				}
				b.ReportMetric(float64((ticks(b)-before)*10)/float64(b.N), "cpu-ms/op")
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms/op")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms/op")
			})
		}
	}
}

// busyUse returns a use with values that fillBusy has made busy, later than all of these.
func busyUse(number int) velocity.Use {
	return velocity.Use{
		TransactionID: fmt.Sprint("new-", number), Merchant: "acme", At: asOf.Add(time.Duration(number) * time.Millisecond),
		Amount: money.Money{Minor: 12300, Currency: "INR"},
		Values: map[velocity.Dimension]string{velocity.Card: "hot-card", velocity.Customer: "hot-customer", velocity.IP: "hot-ip", velocity.Order: "hot-order"},
	}
}

// fillBusy adds transactions that share four values, a second apart. One in fifty has a label.
func fillBusy(b testing.TB, l *ledgerdb.Ledger, engine string, transactions int) {
	b.Helper()
	at, json, id := fmt.Sprintf("%d - i * 1000000", asOf.UnixMicro()), "text", "printf('01990000-0000-7000-8000-%012d', 1000000 - i)"
	if engine == "PostgreSQL" {
		at, json = fmt.Sprintf("timestamptz '%s' - i * interval '1 second'", asOf.Format(time.RFC3339)), "json"
		id = "'01990000-0000-7000-8000-' || lpad((1000000 - i)::text, 12, '0')"
	}
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)", transactions)
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts) %s
			SELECT 'acme', d, 'hot-' || d, %s, %s, 12300, 'INR', CAST('{"card":"hot-card","customer":"customer-' || (i %% 500)
			|| '","ip":"203.0.113.' || (i %% 250) || '","order":"order-' || i || '"}' AS %s)
			FROM n CROSS JOIN (SELECT 'card' AS d UNION ALL SELECT 'ip' UNION ALL SELECT 'customer' UNION ALL SELECT 'order') dimensions ORDER BY i DESC`,
			numbers, at, id, json),
		fmt.Sprintf(`INSERT INTO transactions (id, status, amount, started_at, mark_at, mark_number, record, posted) %s
			SELECT %s, 11, 1, %s, 1, 1, '{}', '{}' FROM n WHERE i %% 50 = 0`, numbers, id, at),
		`INSERT INTO labels (transaction_id, source, label, at) SELECT id, 'dispute', 'fraudulent', started_at FROM transactions`,
		`ANALYZE`,
	} {
		require.NoError(b, l.Exec(b.Context(), statement))
	}
}

// fillHistory adds the transactions of 30 days, one in ten of each card and address of another merchant. Their rows are in the order of writing: one transaction after another.
func fillHistory(b testing.TB, l *ledgerdb.Ledger, engine string, size int) {
	b.Helper()
	transactions := size / perTransaction
	apart := (30 * 24 * time.Hour / time.Duration(transactions)).Microseconds()
	at, json := fmt.Sprintf("%d + i * %d", start.UnixMicro(), apart), "text"
	if engine == "PostgreSQL" {
		at, json = fmt.Sprintf("timestamptz '%s' + i * interval '%d microseconds'", start.Format(time.RFC3339), apart), "json"
	}
	few, some := max(1, transactions/20), max(1, transactions/10)
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)", transactions-1)
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts) %[1]s
			SELECT CASE i / %[2]d %% 10 WHEN 0 THEN 'umbrella' ELSE 'acme' END, d, CASE d WHEN 'card' THEN 'card-' || (i %% %[2]d) WHEN 'ip' THEN 'ip-' || (i %% %[2]d)
				WHEN 'customer' THEN 'customer-' || (i %% %[3]d) WHEN 'order' THEN 'order-' || i ELSE 'hot' END,
				%[4]s, 'old-' || i, 12300, 'INR', CAST('{"card":"card-' || (i %% %[2]d) || '","customer":"customer-' || (i %% %[3]d)
				|| '","ip":"ip-' || (i %% %[2]d) || '","order":"order-' || i || '","metadata.terminal":"hot"}' AS %[5]s)
			FROM n CROSS JOIN (SELECT 'card' AS d UNION ALL SELECT 'ip' UNION ALL SELECT 'customer' UNION ALL SELECT 'order'
				UNION ALL SELECT 'metadata.terminal') dimensions ORDER BY i`, numbers, few, some, at, json),
		fmt.Sprintf("INSERT INTO decisions (transaction_id, number, at, decision) %s SELECT 'old-' || i, 1, %s, '{}' FROM n", numbers, at),
		"ANALYZE",
	} {
		require.NoError(b, l.Exec(b.Context(), statement))
	}
}

// features returns ten features.
func features(by ...velocity.Dimension) []velocity.Feature {
	var all []velocity.Feature
	for _, dimension := range by {
		all = append(all,
			velocity.Feature{Measure: velocity.Count, By: dimension, Window: 10 * time.Minute},
			velocity.Feature{Measure: velocity.Sum, By: dimension, Window: 24 * time.Hour},
			velocity.Feature{Measure: velocity.Distinct, By: dimension, Of: velocity.Customer, Window: 24 * time.Hour},
			velocity.Feature{Measure: velocity.Mean, By: dimension, Window: velocity.MaxWindow},
			velocity.Feature{Measure: velocity.Frauds, By: dimension, Window: velocity.MaxWindow},
		)
	}
	return all
}

// acrossMerchants returns the features as they are where cards and addresses are counted across merchants.
func acrossMerchants(own []velocity.Feature) []velocity.Feature {
	var all []velocity.Feature
	for _, f := range own {
		all = append(all, f.AcrossMerchants())
	}
	return all
}

var asked atomic.Int64

func decideBy(b *testing.B, l *ledgerdb.Ledger, transactions int, counted []velocity.Feature, hot bool, checkers int) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	before := ticks(b)
	var checking errgroup.Group
	for range checkers {
		checking.Go(func() error {
			for left.Add(-1) >= 0 {
				use := benchmarked(int(asked.Add(1)), transactions, hot)
				_, err := l.Decide(b.Context(), velocitytest.Check(use), use, velocity.Lookups(counted, use, use.At), func(past velocity.Past) fraud.Decision {
					return fraud.Decision{Explanation: &fraud.Explanation{Features: velocity.Values(counted, use, use.At, past)}}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, checking.Wait())
	b.ReportMetric(float64((ticks(b)-before)*10_000)/float64(b.N), "cpu-µs/op")
}

func benchmarked(n, transactions int, hot bool) velocity.Use {
	values := map[velocity.Dimension]string{
		velocity.Card: fmt.Sprint("card-", n%max(1, transactions/20)), velocity.Customer: fmt.Sprint("customer-", n%max(1, transactions/10)),
		velocity.IP: fmt.Sprint("ip-", n%max(1, transactions/20)), velocity.Order: fmt.Sprint("new-", n),
	}
	if hot {
		values[terminal] = "hot"
	}
	return velocity.Use{
		TransactionID: fmt.Sprint("new-", n), Merchant: "acme", At: asOf.Add(time.Duration(n) * time.Millisecond),
		Amount: money.Money{Minor: 12300, Currency: "INR"}, Values: values,
	}
}
