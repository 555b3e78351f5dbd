package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// The metrics show the reviews that wait, and their money in each currency. They show nothing once the database cannot be read.
func TestMeasureReviews(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.MeasureReviews(t.Context()))
			assert.Zero(t, telemetrytest.Value(t, "orders_reviews_waiting"))
			assert.Equal(t, 1, telemetrytest.Series(t, "orders_reviews_waiting"))
			assert.Zero(t, telemetrytest.Value(t, "orders_review_next_deadline_timestamp_seconds"))

			first := start.Add(20 * time.Hour)
			for _, e := range []ledger.Entry{
				ledgertest.Ended(1, start.Add(time.Minute)), ledgertest.Accepted(2),
				inReview(3, money.Money{Minor: 12345, Currency: "INR"}, start.Add(24*time.Hour)),
				inReview(4, money.Money{Minor: 100, Currency: "INR"}, first),
				inReview(5, money.Money{Minor: 500, Currency: "JPY"}, start.Add(25*time.Hour)),
			} {
				require.NoError(t, l.Save(t.Context(), e))
			}
			require.NoError(t, l.MeasureReviews(t.Context()))
			assert.InDelta(t, 3, telemetrytest.Value(t, "orders_reviews_waiting"), 0)
			assert.InDelta(t, 124.45, telemetrytest.Value(t, "orders_money_held", "currency", "INR"), 1e-9)
			assert.InDelta(t, 500, telemetrytest.Value(t, "orders_money_held", "currency", "JPY"), 0)
			assert.InDelta(t, float64(first.Unix()), telemetrytest.Value(t, "orders_review_next_deadline_timestamp_seconds"), 0)
			oldest := ledgertest.Accepted(3).Record.StartTime
			assert.InDelta(t, float64(oldest.Unix()), telemetrytest.Value(t, "orders_money_held_oldest_timestamp_seconds"), 1)

			failed := telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")
			require.NoError(t, l.Close())
			require.Error(t, l.MeasureReviews(t.Context()))
			assert.Zero(t, telemetrytest.Series(t, "orders_reviews_waiting"))
			assert.Zero(t, telemetrytest.Series(t, "orders_money_held"))
			assert.InDelta(t, 1, telemetrytest.Value(t, "orders_ledger_errors_total", "operation", "read")-failed, 0)
		})
	}
}
