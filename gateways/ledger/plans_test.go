package ledger_test

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"modernc.org/sqlite"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// costly returns words that must not be in a plan: for reading a whole table, and for sorting what was read. Only what
// several filters leave may be sorted: PostgreSQL intersects their indexes if it expects few rows.
func costly(q question) []string {
	words := []string{"Seq Scan", "AUTOMATIC", "TEMP B-TREE"}
	if len(strings.Fields(q.index)) == 1 && len(q.query.Merchants.Names()) < 2 { // merging is written with a sort key
		words = append(words, "Sort")
	}
	return words
}

// filled prepares so many rows that a database does not prefer to read them all.
var filled = prepared(func(t testing.TB, _ engine, l *ledgerdb.Ledger) {
	t.Helper()
	require.NoError(t, l.Migrate(t.Context()))
	outcomes := []fraud.Outcome{fraud.Approve, fraud.Approve, fraud.Approve, fraud.Review, fraud.Decline}
	var savers errgroup.Group
	savers.SetLimit(16)
	for n := range 4000 {
		e := ledgertest.Accepted(n)
		if n%50 > 0 {
			e = ledgertest.Ended(n, start.Add(time.Duration(n)*time.Minute))
		}
		e.Record.Order.ID = fmt.Sprintf("order-%d", n/2)
		e.Transaction.Customer = &transaction.Customer{ID: fmt.Sprintf("customer-%d", n/4)}
		e.Transaction.Payment.Card.LastFour, e.Transaction.Payment.Card.Fingerprint = fmt.Sprintf("%04d", n/8), fmt.Sprintf("%04x", n/4)
		e.Transaction.IP = fmt.Sprintf("192.0.2.%d", n/400)
		e.Transaction.Merchant = map[int]string{0: "acme", 1: "rare"}[n%20]
		e.Record.Decide(fraud.Decision{Outcome: outcomes[n%len(outcomes)]})
		e.Record.Labels = ledgertest.Whole().Record.Labels
		savers.Go(func() error { return l.Save(t.Context(), e) })
	}
	require.NoError(t, savers.Wait())
	require.NoError(t, l.Exec(t.Context(), "INSERT INTO label_notes (transaction_id, source, label, number, note, at) "+
		"SELECT transaction_id, source, label, 1, note, at FROM labels"))
})

// Every query is answered from an index.
func TestQueriesUseIndexes(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, filled(t, engine))
			if name != "SQLite" { // autovacuum does it; the file of SQLite has no statistics
				require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
			}
			for _, c := range questions() {
				for kind, statement := range l.Statements("01990000-0000-7000-8000-000000000007", c.query, start.Add(time.Hour)) {
					plan, err := l.Plan(t.Context(), engine.explain, statement)
					require.NoError(t, err)
					text := strings.Join(plan, "\n")
					for _, word := range costly(c) {
						require.NotContains(t, text, word, "%s, %s: %s", kind, c.name, statement.Text)
					}
					for _, line := range plan {
						scan := strings.Contains(line, "SCAN transactions") || strings.Contains(line, "SCAN l")
						require.False(t, scan && !strings.Contains(line, "INDEX"), "%s, %s: %s", kind, c.name, text)
					}
					index := c.index
					if kind == "Find" || kind == "Prune" {
						index = map[string]string{"Find": "pk", "Prune": "transactions_by_end"}[kind]
					}
					require.True(t, uses(text, index), "%s, %s does not go by %s:\n%s", kind, c.name, index, text)
					if kind == "Reach" && name == "SQLite" && len(strings.Fields(index)) == 1 && c.query.CardFingerprint == "" && !c.query.Releasing {
						require.Contains(t, text, "COVERING INDEX", "%s reads entries", c.name)
					}
				}
			}
		})
	}
}

// PostgreSQL reads no more entries of a card than the page takes, however many have its last four digits, and no more of each of
// several merchants.
func TestListReadsOnePage(t *testing.T) {
	engine := engines["PostgreSQL"]
	l := engine.at(t, filled(t, engine))
	require.NoError(t, l.Exec(t.Context(), "UPDATE transactions SET card_last_four = right(id, 2)::int % 20, card_fingerprint = right(id, 2)::int % 20"))
	require.NoError(t, l.Exec(t.Context(), "ANALYZE transactions"))
	two := identity.OnlyMerchants("default", "rare")
	for index, q := range map[string]ledger.Query{
		"transactions_by_card":             {Merchants: identity.AllMerchants(), CardLastFour: "7", CardFingerprint: "7"},
		"transactions_by_merchant":         {Merchants: two},
		"transactions_by_merchant_outcome": {Merchants: two, Outcome: fraud.Approve},
	} {
		q.Limit = 20
		plan, err := l.Plan(t.Context(), engine.explain, l.Statements("", q, start)["List"])
		require.NoError(t, err)
		text := strings.Join(plan, "\n")
		require.Contains(t, text, "Index Scan Backward using "+index+" ")
		require.Equal(t, !q.Merchants.All(), strings.Contains(text, "Sort"), "only the first of each merchant are sorted")
	}
}

// PostgreSQL keeps the plan of a page if one index leads to it: to make it takes longer than to read the page. Otherwise it plans by
// the values each time.
func TestPlansAreKept(t *testing.T) {
	engine := engines["PostgreSQL"]
	l := engine.at(t, filled(t, engine))
	require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
	l.Writer().SetMaxOpenConns(1) // which has the plans; it reads too
	place := ledger.Cursor{StartTime: start.Add(time.Hour), TransactionID: "01990000-0000-7000-8000-000000000060"}
	all := identity.AllMerchants()
	for _, c := range []struct {
		name  string
		query ledger.Query
		kept  bool
	}{
		{"place", ledger.Query{Merchants: all, After: place}, true},
		{"status", ledger.Query{Merchants: all, Status: transaction.Pending, After: place}, true},
		{"customer", ledger.Query{Merchants: all, CustomerID: "customer-7"}, true},
		{"merchant", ledger.Query{Merchants: identity.OnlyMerchants("acme")}, true},
		{"two merchants", ledger.Query{Merchants: identity.OnlyMerchants("acme", "rare")}, false},
		{"many merchants", ledger.Query{Merchants: ledgertest.Merchants(51)}, false},
	} {
		c.query.Limit, c.query.Brief = 25, true
		for range 7 { // of the first five, each has a plan of its own
			_, err := l.List(t.Context(), c.query)
			require.NoError(t, err)
		}
		var kept int
		list := l.Statements("", c.query, start)["List"].Text
		require.NoError(t, l.Writer().QueryRowContext(t.Context(), "SELECT generic_plans FROM pg_prepared_statements WHERE statement = $1", list).Scan(&kept))
		assert.Equal(t, c.kept, kept > 0, c.name)
	}
}

// visits counts the rows that SQLite looks at: its planner knows nothing about the function, and calls it for each row.
var visits atomic.Int64

func init() {
	sqlite.MustRegisterScalarFunction("visit", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		visits.Add(1)
		return int64(1), nil
	})
}

func TestPagesVisitEachRowOnce(t *testing.T) {
	engine := engines["SQLite"]
	l := engine.at(t, filled(t, engine))
	for name, q := range map[string]ledger.Query{
		"all":                  {},
		"span":                 {Since: start.Add(-time.Hour), Until: start.Add(5000 * time.Minute)},
		"until":                {Until: start.Add(5000 * time.Minute)},
		"until, of an outcome": {Outcome: fraud.Approve, Until: start.Add(5000 * time.Minute)},
		"until, of a status":   {Status: transaction.Pending, Until: start.Add(5000 * time.Minute)},
		"of a merchant":        {Merchants: identity.OnlyMerchants("acme"), Status: transaction.PaymentComplete},
		"of two merchants":     {Merchants: identity.OnlyMerchants("acme", "rare"), Outcome: fraud.Approve},
	} {
		t.Run(name, func(t *testing.T) {
			if q.Limit = 20; q.Merchants.None() {
				q.Merchants = identity.AllMerchants()
			}
			visits.Store(0)
			read, pages := 0, 0
			for more := true; more; pages++ {
				statement := l.Statements("", q, start)["List"]
				if !strings.Contains(statement.Text, "WHERE ") {
					statement.Text = strings.Replace(statement.Text, "ORDER BY", "WHERE true ORDER BY", 1)
				}
				statement.Text = strings.ReplaceAll(statement.Text, "WHERE ", "WHERE visit() AND ")
				_, err := l.Plan(t.Context(), "", statement)
				require.NoError(t, err)
				page, err := l.List(t.Context(), q)
				require.NoError(t, err)
				read, q.After, more = read+len(page.Entries), page.Next, page.Next.TransactionID != ""
			}
			require.Greater(t, pages, 3)
			// Each page also visits the row of its cursor, the row that shows whether there is a next page, and the next row of
			// a further merchant.
			require.LessOrEqual(t, visits.Load(), int64(read+(2+max(0, len(q.Merchants.Names())-1))*pages), "%d entries on %d pages", read, pages)
		})
	}
}

// A search that finds nothing looks at no more entries than it may, and at the next ones when it goes on.
func TestSearchVisitsNoMore(t *testing.T) {
	engine := engines["SQLite"]
	l := engine.at(t, filled(t, engine))
	const most = 100
	for name, q := range map[string]ledger.Query{
		"rule":                 {Rule: "never"},
		"currency":             {Currency: "USD", AmountFrom: 1},
		"metadata in a span":   {Metadata: map[string]string{"channel": "no"}, Since: start.Add(time.Hour), Until: start.Add(4000 * time.Minute)},
		"of a merchant":        {Merchants: identity.OnlyMerchants("acme"), Rule: "never"},
		"of two merchants":     {Merchants: identity.OnlyMerchants("acme", "rare"), Rule: "never"},
		"of many merchants":    {Merchants: ledgertest.Merchants(51)},
		"address and currency": {IP: "192.0.2.1", Currency: "USD"},
		"outcome and status":   {Status: transaction.InReview, Outcome: fraud.Decline},
	} {
		t.Run(name, func(t *testing.T) {
			if q.Limit = 20; q.Merchants.None() {
				q.Merchants = identity.AllMerchants()
			}
			for more := true; more; {
				reach, err := l.Reach(t.Context(), q, most)
				require.NoError(t, err)
				q.DownTo = reach
				visits.Store(0)
				statement := l.Statements("", q, start)["List"]
				statement.Text = strings.ReplaceAll(statement.Text, "WHERE ", "WHERE visit() AND ")
				found, err := l.Plan(t.Context(), "", statement)
				require.NoError(t, err)
				require.Empty(t, found)
				require.LessOrEqual(t, visits.Load(), int64(most+1+max(0, len(q.Merchants.Names())-1)), "and the row of each cursor")
				q.After, more = reach, reach != ledger.Cursor{}
			}
		})
	}
}

// A page ends at the lower of until and cursor.
func TestUntilAndCursor(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			var all []ledger.Entry
			for n := range 6 {
				all = append(all, ledgertest.Accepted(n))
				require.NoError(t, l.Save(t.Context(), all[n]))
			}
			at := func(n int) time.Time { return all[n].Record.StartTime }
			cursor := ledger.Cursor{StartTime: at(3), TransactionID: all[3].Record.TransactionID}
			for _, c := range []struct {
				until  time.Time
				newest int
			}{{time.Time{}, 2}, {at(5), 2}, {at(3).Add(time.Nanosecond), 2}, {at(3), 2}, {at(2), 1}} {
				page, err := l.List(t.Context(), ledger.Query{Merchants: identity.AllMerchants(), Limit: 10, Until: c.until, After: cursor})
				require.NoError(t, err)
				require.Len(t, page.Entries, c.newest+1, "until %s", c.until)
				require.Equal(t, all[c.newest].Record.TransactionID, page.Entries[0].Record.TransactionID)
			}
		})
	}
}

// uses reports whether the plan uses one of the indexes. Each engine names the primary key's index in its own way.
func uses(plan, indexes string) bool {
	for index := range strings.FieldsSeq(strings.ReplaceAll(indexes, "pk", "transactions_pkey sqlite_autoindex_transactions_1")) {
		if strings.Contains(plan, index) {
			return true
		}
	}
	return false
}

type question struct {
	name, index string
	query       ledger.Query
}

// questions returns all combinations of filters, with and without a span of time and an earlier page.
func questions() []question {
	var all []question
	for bits := range 1 << 7 {
		q := question{query: ledger.Query{Merchants: identity.AllMerchants(), Limit: 20}}
		for bit, part := range []struct {
			name, index string
			set         func(*ledger.Query)
		}{
			{"status", "transactions_by_status", func(q *ledger.Query) { q.Status = transaction.Pending }},
			{"outcome", "transactions_by_outcome", func(q *ledger.Query) { q.Outcome = fraud.Decline }},
			{"order", "transactions_by_order", func(q *ledger.Query) { q.OrderID = "order-700" }},
			{"merchant", "transactions_by_merchant", func(q *ledger.Query) { q.Merchants = identity.OnlyMerchants("acme") }},
			{"merchants", "transactions_by_merchant", func(q *ledger.Query) { q.Merchants = identity.OnlyMerchants("acme", "rare") }},
			{"span", "", func(q *ledger.Query) { q.Since, q.Until = start.Add(5*time.Minute), start.Add(50*time.Minute) }},
			{"page", "", func(q *ledger.Query) {
				q.After = ledger.Cursor{StartTime: start.Add(40 * time.Minute), TransactionID: "01990000-0000-7000-8000-000000002400"}
			}},
		} {
			if bits&(1<<bit) != 0 {
				part.set(&q.query)
				q.name, q.index = q.name+" "+part.name, q.index+" "+part.index
			}
		}
		switch ofMerchants, noOrder := !q.query.Merchants.All(), q.query.OrderID == ""; {
		case ofMerchants && noOrder && q.query.Status != 0 && q.query.Outcome != "":
			q.index = "transactions_by_merchant_status transactions_by_merchant_outcome"
		case ofMerchants && noOrder && q.query.Status != 0:
			q.index = "transactions_by_merchant_status"
		case ofMerchants && noOrder && q.query.Outcome != "":
			q.index = "transactions_by_merchant_outcome"
		case strings.TrimSpace(q.index) == "":
			q.index = "transactions_by_start"
		}
		all = append(all, q)
	}
	return append(all, searches()...)
}

// searches returns what people search by, alone and together with other filters. What has no index is read within a span, or down to a place.
func searches() (all []question) {
	span := func(q *ledger.Query) { q.Since, q.Until = start.Add(5*time.Minute), start.Add(50*time.Minute) }
	for _, by := range []struct {
		name, index string
		set         func(*ledger.Query)
	}{
		{"customer", "transactions_by_customer", func(q *ledger.Query) { q.CustomerID = "customer-300" }},
		{"last four", "transactions_by_card", func(q *ledger.Query) { q.CardLastFour = "0200" }},
		{"card", "transactions_by_card", func(q *ledger.Query) { q.CardLastFour, q.CardFingerprint = "0200", "0190" }},
		{"ip", "transactions_by_ip", func(q *ledger.Query) { q.IP = "192.0.2.3" }},
		{"releasing", "transactions_releasing", func(q *ledger.Query) { q.Releasing = true }},
		{"rule", "transactions_by_start", func(q *ledger.Query) { span(q); q.Rule = "card_velocity" }},
		{"disagrees", "transactions_by_start", func(q *ledger.Query) { span(q); q.Disagrees = fraud.ShadowRuleset }},
		{"metadata", "transactions_by_start", func(q *ledger.Query) { span(q); q.Metadata = map[string]string{"channel": "web"} }},
		{"amount", "transactions_by_start", func(q *ledger.Query) { span(q); q.Currency, q.AmountFrom, q.AmountTo = "INR", 1, 99999 }},
		{"method", "transactions_by_start", func(q *ledger.Query) { span(q); q.PaymentMethod = "amazonpay" }},
	} {
		for _, with := range []struct {
			name, index string
			set         func(*ledger.Query)
		}{
			{"", "", func(*ledger.Query) {}},
			{"of a merchant", "transactions_by_merchant", func(q *ledger.Query) { q.Merchants = identity.OnlyMerchants("acme") }},
			{"with an outcome", "transactions_by_outcome", func(q *ledger.Query) { q.Outcome = fraud.Decline }},
			{"in a span", "", span},
			{"down to", "", func(q *ledger.Query) { // without a span too, as a page of such a search
				q.Since, q.Until = time.Time{}, time.Time{}
				q.DownTo = ledger.Cursor{StartTime: start.Add(10 * time.Minute), TransactionID: "01990000-0000-7000-8000-000000000600"}
			}},
		} {
			q := question{name: by.name + " " + with.name, index: by.index + " " + with.index, query: ledger.Query{Merchants: identity.AllMerchants(), Limit: 20}}
			by.set(&q.query)
			with.set(&q.query)
			all = append(all, q)
		}
	}
	return all
}
