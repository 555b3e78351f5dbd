package ledger_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/telemetrytest"
)

// inReview returns the n-th transaction, with its money held until a deadline.
func inReview(n int, amount money.Money, deadline time.Time) ledger.Entry {
	e := ledgertest.Accepted(n)
	e.Transaction.Payment.Amount = amount
	at := e.Record.StartTime
	e.Record.Move(transaction.PaymentInitiated, at)
	e.Record.Review = &review.Review{RequestedAt: at, Deadline: deadline, OnExpiry: review.Decline}
	e.Record.Move(transaction.InReview, at)
	e.Mark.Number = 2
	return e
}

// noErrors notes how many errors of the database were counted, and returns a check that there are no more: a refusal is none.
func noErrors(t *testing.T) (check func()) {
	t.Helper()
	before := telemetrytest.Value(t, "orders_ledger_errors_total")
	return func() {
		t.Helper()
		assert.Zero(t, telemetrytest.Value(t, "orders_ledger_errors_total")-before)
	}
}

// releasing returns the n-th transaction, whose money a gateway is asked to give back.
func releasing(n int) ledger.Entry {
	e := ledgertest.Accepted(n)
	e.Transaction.Payment.Amount = money.Money{Minor: 300, Currency: "EUR"}
	e.Record.Payment.AuthorizationID = "held"
	e.Record.Move(transaction.PaymentInitiated, e.Record.StartTime)
	e.Record.Move(transaction.PaymentError, e.Record.StartTime)
	e.Mark.Number = 2
	return e
}

// released returns the same, once the gateway has.
func released(n int) ledger.Entry {
	e := releasing(n)
	at := e.Record.StartTime
	e.Record.Payment.VoidedAt, e.Mark.Number = &at, 3
	return e
}

// The metrics show the reviews that wait for a decision, and the money that is held for each reason in each currency. They show nothing
// once a read fails, or if its context has ended.
func TestMeasureReviews(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.MeasureReviews(t.Context()))
			assert.Zero(t, telemetrytest.Value(t, "orders_reviews_waiting"))
			assert.Equal(t, 1, telemetrytest.Series(t, "orders_reviews_waiting"))
			assert.Zero(t, telemetrytest.Value(t, "orders_review_next_deadline_timestamp_seconds"))

			first := start.Add(20 * time.Hour)
			taking := inReview(8, money.Money{Minor: 55, Currency: "INR"}, start)
			taking.Record.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, start)
			for _, e := range []ledger.Entry{
				ledgertest.Ended(1, start.Add(time.Minute)), ledgertest.Accepted(2),
				inReview(3, money.Money{Minor: 12345, Currency: "INR"}, start.Add(24*time.Hour)),
				inReview(4, money.Money{Minor: 100, Currency: "INR"}, first),
				inReview(5, money.Money{Minor: 500, Currency: "JPY"}, start.Add(25*time.Hour)),
				releasing(6), releasing(7), released(7), taking,
			} {
				require.NoError(t, l.Save(t.Context(), e))
			}
			require.NoError(t, l.MeasureReviews(t.Context()))
			assert.InDelta(t, 3, telemetrytest.Value(t, "orders_reviews_waiting"), 0)
			assert.InDelta(t, 125, telemetrytest.Value(t, "orders_money_held", "currency", "INR", "reason", "review"), 1e-9)
			assert.InDelta(t, 3, telemetrytest.Value(t, "orders_money_held", "currency", "EUR", "reason", "release"), 1e-9)
			assert.Equal(t, 3, telemetrytest.Series(t, "orders_money_held"))
			assert.InDelta(t, 500, telemetrytest.Value(t, "orders_money_held", "currency", "JPY"), 0)
			assert.InDelta(t, float64(first.Unix()), telemetrytest.Value(t, "orders_review_next_deadline_timestamp_seconds"), 0)
			oldest := ledgertest.Accepted(3).Record.StartTime
			assert.InDelta(t, float64(oldest.Unix()), telemetrytest.Value(t, "orders_money_held_oldest_timestamp_seconds", "reason", "review"), 1)
			assert.InDelta(t, float64(releasing(6).Record.StartTime.Unix()), telemetrytest.Value(t, "orders_money_held_oldest_timestamp_seconds", "reason", "release"), 1)
			now, err := l.Now(t.Context(), identity.AllMerchants(), start)
			require.NoError(t, err)
			assert.EqualValues(t, 3, now.Waiting)
			assert.Len(t, now.Held, 2)
			assert.Equal(t, []money.Money{{Minor: 300, Currency: "EUR"}}, now.Releasing)
			others, err := l.Held(t.Context(), identity.OnlyMerchants("acme"))
			require.NoError(t, err)
			assert.Empty(t, others)
			require.NoError(t, l.Exec(t.Context(), "UPDATE transactions SET ended_at = started_at WHERE releasing"), "as code from before the column ends it")
			all, err := l.Held(t.Context(), identity.AllMerchants())
			require.NoError(t, err)
			assert.Len(t, all, 2)
			sooner := start.Add(time.Hour) // REVIEW_DEADLINE was made shorter while many reviews waited
			for n := range 21 {
				require.NoError(t, l.Save(t.Context(), inReview(10+n, money.Money{Minor: 1, Currency: "INR"}, first.Add(time.Hour))))
			}
			require.NoError(t, l.Save(t.Context(), inReview(40, money.Money{Minor: 1, Currency: "INR"}, sooner)))
			require.NoError(t, l.MeasureReviews(t.Context()))
			assert.InDelta(t, float64(sooner.Unix()), telemetrytest.Value(t, "orders_review_next_deadline_timestamp_seconds"), 0)
			now, err = l.Now(t.Context(), identity.AllMerchants(), start)
			require.NoError(t, err)
			assert.Equal(t, sooner, now.NextDeadline)
			require.NoError(t, l.Exec(t.Context(), "UPDATE transactions SET amount = 9223372036854775807 WHERE status = 19"))
			all, err = l.Held(t.Context(), identity.AllMerchants())
			require.NoError(t, err)
			assert.Contains(t, []money.Money{all[0].Money, all[1].Money}, money.Money{Minor: math.MaxInt64, Currency: "INR"}, "as much as fits")
			gone := func(ctx context.Context) {
				failed := telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")
				require.Error(t, l.MeasureReviews(ctx))
				assert.Zero(t, telemetrytest.Series(t, "orders_reviews_waiting"))
				assert.Zero(t, telemetrytest.Series(t, "orders_money_held"))
				assert.InDelta(t, 1, telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")-failed, 0, "there is an alarm for it")
			}
			late, cancel := context.WithDeadline(t.Context(), time.Now())
			defer cancel()
			gone(late)
			require.NoError(t, l.Close())
			gone(t.Context())
		})
	}
}
