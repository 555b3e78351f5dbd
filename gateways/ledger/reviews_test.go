package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/telemetrytest"
)

// held returns the n-th transaction, in review.
func held(n int, merchant string, amount money.Money, score int, deadline time.Duration) ledger.Entry {
	e := ledgertest.Accepted(n)
	e.Record.Merchant, e.Transaction.Merchant, e.Transaction.Payment.Amount = merchant, merchant, amount
	e.Record.Decide(fraud.Decision{Outcome: fraud.Review, Score: score, Explanation: &fraud.Explanation{}})
	e.Record.Review = &review.Review{RequestedAt: e.Record.StartTime, Deadline: start.Add(deadline), OnExpiry: review.Decline}
	e.Record.Move(transaction.InReview, e.Record.StartTime)
	e.Mark.Number = 2
	return e
}

// queue returns transactions in review, one that is decided already, and one that is decided and whose money is being taken.
func queue() []ledger.Entry {
	decided := held(5, "acme", money.Money{Minor: 900_00, Currency: "EUR"}, 99, 0)
	decided.Record.Review.Decide(review.Request{Verdict: review.Decline, Reviewer: "ada"}, start.Add(time.Minute))
	decided.Record.Move(transaction.Fraudulent, start.Add(time.Minute))
	taking := held(7, "acme", money.Money{Minor: 300_00, Currency: "EUR"}, 70, 0)
	taking.Record.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, start.Add(-time.Minute))
	return []ledger.Entry{
		held(0, "acme", money.Money{Minor: 100_00, Currency: "EUR"}, 60, 3*time.Hour),
		held(1, "acme", money.Money{Minor: 300_00, Currency: "EUR"}, 40, 2*time.Hour),
		held(2, "beta", money.Money{Minor: 200_00, Currency: "EUR"}, 80, time.Hour),
		held(3, "beta", money.Money{Minor: 5_000, Currency: "JPY"}, 60, 2*time.Hour),
		ledgertest.Accepted(4),
		decided,
		taking,
	}
}

func TestReviews(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for _, e := range queue() {
				require.NoError(t, l.Save(t.Context(), e))
			}
			all, acme, beta := identity.AllMerchants(), identity.OnlyMerchants("acme"), identity.OnlyMerchants("beta")
			require.NoError(t, l.Assign(t.Context(), acme, idOf(1), ledger.Assignment{Person: "ada", Until: start.Add(time.Minute)}, start))
			require.NoError(t, l.Assign(t.Context(), acme, idOf(0), ledger.Assignment{Person: "bob", Until: start.Add(time.Minute)}, start))
			queues := review.Queues{
				{Who: "seniors", From: money.Money{Minor: 300_00, Currency: "EUR"}},
				{Who: "acme-staff", From: money.Money{Currency: "EUR"}, Merchant: "acme"},
				{Who: "jo", From: money.Money{Currency: "JPY"}},
			}
			in := func(of ledger.QueueOf, whose ...string) ledger.ReviewQuery {
				return ledger.ReviewQuery{Merchants: all, Queue: of, Queues: queues, Whose: whose}
			}
			for name, c := range map[string]struct {
				query ledger.ReviewQuery
				want  []int
			}{
				"in one's queues":    {in(ledger.QueueMine, "seniors", "jo"), []int{1, 3}},
				"in another's":       {in(ledger.QueueMine, "acme-staff"), []int{0}},
				"in those of others": {in(ledger.QueueOthers, "acme-staff"), []int{1, 3}},
				"in no queue":        {in(ledger.QueueNone, "acme-staff"), []int{2}},
				"without queues":     {ledger.ReviewQuery{Merchants: all, Queue: ledger.QueueNone}, []int{2, 1, 3, 0}},
				"none is one's":      {ledger.ReviewQuery{Merchants: all, Queue: ledger.QueueMine, Whose: []string{"ada"}}, nil},
				"by deadline":        {ledger.ReviewQuery{Merchants: all}, []int{2, 1, 3, 0}},
				"by amount":          {ledger.ReviewQuery{Merchants: all, Sort: ledger.ByAmount}, []int{3, 1, 2, 0}},
				"by score":           {ledger.ReviewQuery{Merchants: all, Sort: ledger.ByScore}, []int{2, 3, 0, 1}},
				"of a merchant":      {ledger.ReviewQuery{Merchants: acme}, []int{1, 0}},
				"of none":            {ledger.ReviewQuery{}, nil},
				"in a currency":      {ledger.ReviewQuery{Merchants: all, Currency: "EUR", Sort: ledger.ByAmount}, []int{1, 2, 0}},
				"taken by a person":  {ledger.ReviewQuery{Merchants: all, Mine: "ada"}, []int{1}},
				"taken by nobody":    {ledger.ReviewQuery{Merchants: all, Free: true}, []int{2, 3}},
				"taken until before": {ledger.ReviewQuery{Merchants: all, Free: true, Now: start.Add(time.Minute)}, []int{2, 1, 3, 0}},
			} {
				t.Run(name, func(t *testing.T) {
					if c.query.Now.IsZero() {
						c.query.Now = start
					}
					for limit := 1; limit <= 5; limit += 2 { // in pages, and at once
						var found []int
						for q, more := c.query, true; more; {
							q.Limit = limit
							page, err := l.Reviews(t.Context(), q)
							require.NoError(t, err)
							require.LessOrEqual(t, len(page.Reviews), limit)
							for _, r := range page.Reviews {
								require.Nil(t, r.Record.Explanation)
								found = append(found, int(r.Record.StartTime.Sub(ledgertest.Accepted(0).Record.StartTime)/time.Second))
							}
							q.After, more = page.Next, page.Next.TransactionID != ""
						}
						assert.Equal(t, c.want, found, "%d on a page", limit)
					}
				})
			}
			page, err := l.Reviews(t.Context(), ledger.ReviewQuery{Merchants: all, Limit: 10, Now: start})
			require.NoError(t, err)
			assert.Nil(t, page.Reviews[0].Assignment)
			assert.Equal(t, &ledger.Assignment{Person: "ada", Until: start.Add(time.Minute)}, page.Reviews[1].Assignment)
			assert.Empty(t, page.Next)
			none, err := l.Assigned(t.Context(), beta, idOf(1), start)
			require.NoError(t, err)
			assert.Nil(t, none)

			failed := telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")
			require.NoError(t, l.Exec(t.Context(), `UPDATE transactions SET record = '[]'`))
			_, err = l.Reviews(t.Context(), ledger.ReviewQuery{Merchants: all, Limit: 10, Now: start})
			require.Error(t, err)
			assert.InDelta(t, 1, telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")-failed, 0, "counted once")
		})
	}
}

// One person works on a transaction at a time, and can go on and stop.
func TestAssign(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, acme, now := engine.migrated(t), identity.OnlyMerchants("acme"), start
			for _, e := range queue() {
				require.NoError(t, l.Save(t.Context(), e))
			}
			take := func(n int, person string) error {
				return l.Assign(t.Context(), acme, idOf(n), ledger.Assignment{Person: person, Until: now.Add(time.Minute)}, now)
			}
			has := func(want string, until time.Time) {
				t.Helper()
				found, err := l.Assigned(t.Context(), acme, idOf(0), now)
				require.NoError(t, err)
				if want == "" {
					require.Nil(t, found)
					return
				}
				require.Equal(t, &ledger.Assignment{Person: want, Until: until}, found)
			}
			for what, n := range map[string]int{"not in review": 4, "decided": 5, "being taken": 7, "of another merchant": 2, "unknown": 77} {
				require.ErrorIs(t, take(n, "ada"), ledger.ErrNotInReview, what)
			}
			require.NoError(t, take(0, "ada"))
			has("ada", start.Add(time.Minute))
			now = now.Add(30 * time.Second)
			var taken *ledger.TakenError
			require.ErrorAs(t, take(0, "bob"), &taken)
			require.Equal(t, ledger.Assignment{Person: "ada", Until: start.Add(time.Minute)}, taken.Assignment)
			require.NoError(t, take(0, "ada"))
			has("ada", now.Add(time.Minute))
			require.ErrorAs(t, l.Release(t.Context(), acme, idOf(0), "bob", now), &taken)
			require.NoError(t, l.Release(t.Context(), identity.OnlyMerchants("beta"), idOf(0), "ada", now), "it does nothing")
			has("ada", now.Add(time.Minute))
			require.NoError(t, l.Release(t.Context(), acme, idOf(0), "ada", now))
			require.NoError(t, l.Release(t.Context(), acme, idOf(0), "ada", now))
			has("", now)
			require.NoError(t, take(0, "bob"))
			require.NoError(t, l.Release(t.Context(), acme, idOf(0), "", now), "whoever has it")
			require.NoError(t, take(0, "bob"))
			now = now.Add(time.Minute)
			has("", now)
			require.NoError(t, take(0, "ada"), "bob's time is over")
			has("ada", now.Add(time.Minute))
		})
	}
}

// Of many who take a transaction at once, one gets it.
func TestAssignAtOnce(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.Save(t.Context(), queue()[0]))
			results := make(chan error, 10)
			for n := range cap(results) {
				go func() {
					results <- l.Assign(t.Context(), identity.AllMerchants(), idOf(0), ledger.Assignment{Person: fmt.Sprint(n), Until: start.Add(time.Minute)}, start)
				}()
			}
			got := 0
			for range cap(results) {
				var taken *ledger.TakenError
				if err := <-results; err == nil {
					got++
				} else {
					require.ErrorAs(t, err, &taken)
				}
			}
			require.Equal(t, 1, got)
		})
	}
}

// The queue is read in order from an index that holds nothing else, and no further than the page. No row is read of what is passed over
// or added up.
func TestReviewPlans(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, filled(t, engine))
			require.NoError(t, l.Exec(t.Context(), "UPDATE transactions SET status = 19, review_deadline = started_at, score = 50, reviewed_at = CASE WHEN id > '01990000-0000-7000-8000-000000003500' THEN started_at END WHERE status = 11 AND id > '01990000-0000-7000-8000-000000001000'"))
			alone := "USING COVERING INDEX "
			if name != "SQLite" {
				require.NoError(t, l.Exec(t.Context(), "VACUUM ANALYZE transactions"))
				alone = "Index Only Scan (Backward )?using "
			}
			for sort, index := range map[ledger.ReviewSort]string{
				ledger.ByDeadline: "reviews_by_deadline", ledger.ByAmount: "reviews_by_amount", ledger.ByScore: "reviews_by_score",
			} {
				for _, q := range []ledger.ReviewQuery{
					{},
					{Merchants: identity.OnlyMerchants("acme")},
					{Mine: "ada"},
					{Free: true},
					{Queue: ledger.QueueMine, Whose: []string{"ada"}, Queues: review.Queues{{Who: "ada", From: money.Money{Currency: "INR"}, Merchant: "acme"}}},
					{After: ledger.ReviewCursor{Deadline: start, Currency: "INR", Amount: 1, Score: 50, TransactionID: idOf(7)}},
				} {
					if q.Sort, q.Limit = sort, 5; q.Merchants.None() {
						q.Merchants = identity.AllMerchants()
					}
					planOf := func(s ledgerdb.Statement) string {
						plan, err := l.Plan(t.Context(), engine.explain, s)
						require.NoError(t, err)
						return strings.Join(plan, "\n")
					}
					queue, waiting, reviewed := l.ReviewStatements(q)
					text := planOf(queue)
					few := name != "SQLite" && (q.Queue != "" || !q.Merchants.All()) // PostgreSQL may take the few that it expects, and sort those
					switch {
					case q.Mine != "":
						require.Regexp(t, "(?i)scan (on )?assignments", text)
						require.Regexp(t, "sqlite_autoindex_transactions_1|transactions_pkey", text, "the few are looked up")
					case !few:
						require.Regexp(t, alone+index, text, "%+v", q)
						require.NotContains(t, text, "Sort", "%+v", q)
						require.NotContains(t, text, "TEMP B-TREE", "%+v", q)
					}
					require.NotContains(t, text, "Seq Scan on transactions", "%+v", q)
					held := planOf(l.DeskStatements(q.Merchants, "", start)["held"])
					if !few {
						require.Regexp(t, alone+"reviews_by_", planOf(waiting))
						require.Regexp(t, alone+"reviews_by_amount", held)
					}
					for _, plan := range []string{planOf(waiting), held} {
						require.Regexp(t, "reviews_by_|transactions_by_(merchant_)?status", plan)
					}
					text = planOf(reviewed)
					require.Contains(t, text, "reviews_by_end")
					if name != "SQLite" && !q.Merchants.All() {
						require.Contains(t, text, "AND (merchant", "those of others are passed over in the index")
					}
				}
			}
		})
	}
}

// The API's user sees and changes assignments of these merchants alone.
func TestAssignmentsOfMerchants(t *testing.T) {
	name := twoMerchants(t)
	owner := server.URL("postgres", name)
	require.NoError(t, connect(t, owner).Exec(t.Context(), "UPDATE transactions SET status = 19"))
	reader, until := connect(t, server.URL("orders_reader", name)), start.Add(time.Minute)
	require.NoError(t, reader.Assign(t.Context(), identity.OnlyMerchants("acme"), idOf(0), ledger.Assignment{Person: "ada", Until: until}, start))
	require.NoError(t, reader.Assign(t.Context(), identity.AllMerchants(), idOf(4), ledger.Assignment{Person: "bob", Until: until}, start))
	executeForAcme(t, server.URL("orders_reader", name), map[string]statement{
		"all that is seen":   {statement: "UPDATE assignments SET person = 'eve'", changed: 1},
		"all that is gone":   {statement: "DELETE FROM assignments", changed: 1},
		"one of another's":   {statement: fmt.Sprintf("INSERT INTO assignments VALUES ('%s', 'eve', now())", idOf(3)), refused: "row-level security"},
		"moved to another's": {statement: fmt.Sprintf("UPDATE assignments SET transaction_id = '%s'", idOf(3)), refused: "row-level security"},
	})
}

// What was in review before has its deadline afterwards.
func TestMigrateReviews(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, engine.place(t))
			require.NoError(t, l.MigrateTo(t.Context(), 10))
			at := map[string]string{"SQLite": "1767323045000000", "PostgreSQL": "'2026-01-02T03:04:05Z'"}[name]
			for n, deadline := range map[int]string{1: "2026-01-03T03:04:05.123456789Z", 2: "2026-01-03T02:04:05Z"} {
				require.NoError(t, l.Exec(t.Context(), fmt.Sprintf(`INSERT INTO transactions (id, status, amount, currency, started_at, mark_at, mark_number, record, posted)
					VALUES ('%s', 19, 100, 'EUR', %s, 1, 1, '{"transactionID": "%[1]s", "transactionStatus": {"code": 19}, "order": {"cost": 1}, "amount": 1,
					"review": {"deadline": "%[3]s"}}', '{}')`, idOf(n), at, deadline)))
			}
			require.NoError(t, l.MigrateTo(t.Context(), 25))
			if name == "PostgreSQL" { // it can be repeated, as after a worker that was killed in it
				require.NoError(t, l.Exec(t.Context(), "DELETE FROM ledger_migrations WHERE version_id = 25"))
				require.NoError(t, l.Exec(t.Context(), "ALTER INDEX reviews_by_score RENAME TO reviews_in_index"))
			}
			require.NoError(t, l.Migrate(t.Context()))
			page, err := l.Reviews(t.Context(), ledger.ReviewQuery{Merchants: identity.AllMerchants(), Limit: 1, Now: start})
			require.NoError(t, err)
			require.Equal(t, idOf(2), page.Reviews[0].Record.TransactionID)
			require.WithinDuration(t, time.Date(2026, 1, 3, 2, 4, 5, 0, time.UTC), page.Next.Deadline, time.Second)
		})
	}
}

// What was decided is found by when, with the labels that others gave.
func TestReviewed(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, all := engine.migrated(t), identity.AllMerchants()
			for _, e := range queue() {
				require.NoError(t, l.Save(t.Context(), e))
			}
			later := held(6, "beta", money.Money{Minor: 100, Currency: "EUR"}, 50, time.Hour)
			later.Record.Review.Expire(review.Decline, start.Add(time.Hour))
			later.Record.Move(transaction.AlertDone, start.Add(time.Hour))
			require.NoError(t, l.Save(t.Context(), later))
			for _, label := range []ledger.Label{
				{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: start},
				{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: start},
				{Label: ledger.Legitimate, Source: ledger.ByEarlyFraudWarning, Time: start},
			} {
				_, err := l.Label(t.Context(), all, idOf(5), label)
				require.NoError(t, err)
			}
			for what, c := range map[string]struct {
				of    identity.Merchants
				since time.Time
				limit int
				want  []string
			}{
				"all, the latest first": {all, start, 10, []string{"by its deadline 0", "by ada 2"}},
				"of a merchant":         {identity.OnlyMerchants("acme"), start, 10, []string{"by ada 2"}},
				"since":                 {all, start.Add(time.Minute + time.Microsecond), 10, []string{"by its deadline 0"}},
				"no more than asked":    {all, start, 1, []string{"by its deadline 0"}},
				"of none":               {identity.Merchants{}, start, 10, nil},
			} {
				reviewed, err := l.Reviewed(t.Context(), c.of, c.since, c.limit)
				require.NoError(t, err)
				var found []string
				for _, r := range reviewed {
					_, by, _ := strings.Cut(r.Review.By(), " ")
					found = append(found, fmt.Sprint(strings.Split(by, " at ")[0], " ", len(r.Labels)))
				}
				assert.Equal(t, c.want, found, what)
			}
			waiting, next, err := l.Waiting(t.Context(), all)
			require.NoError(t, err)
			assert.Equal(t, 4, waiting)
			assert.Equal(t, start.Add(time.Hour), next)
			waiting, _, err = l.Waiting(t.Context(), identity.OnlyMerchants("acme"))
			require.NoError(t, err)
			assert.Equal(t, 2, waiting)
		})
	}
}
