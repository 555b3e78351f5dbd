package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
)

// looked is how many of the oldest reviews are looked at for the next deadline. They all have the same time to be decided, unless
// REVIEW_DEADLINE was changed, so the next deadline is that of one of the oldest.
const looked = 20

// MeasureReviews shows in the metrics what the transactions in review come to. If that cannot be read, the metrics show nothing.
func (l *Ledger) MeasureReviews(ctx context.Context) error {
	var held []telemetry.Value
	var waiting int64
	var oldest, deadline time.Time
	err := l.retry(ctx, func() (err error) {
		if held, waiting, oldest, err = l.heldForReview(ctx); err == nil {
			deadline, err = l.nextDeadline(ctx)
		}
		return err
	})
	if err != nil {
		for _, gauge := range []*telemetry.Gauge{telemetry.ReviewsWaiting, telemetry.MoneyHeld, telemetry.MoneyHeldOldest, telemetry.ReviewNextDeadline} {
			gauge.Set()
		}
		return fmt.Errorf("read the reviews in the ledger: %w", l.explain("read", err))
	}
	telemetry.ReviewsWaiting.Set(telemetry.Value{Value: float64(waiting)})
	telemetry.MoneyHeld.Set(held...)
	telemetry.MoneyHeldOldest.Set(telemetry.At(oldest))
	telemetry.ReviewNextDeadline.Set(telemetry.At(deadline))
	return nil
}

func (l *Ledger) heldForReview(ctx context.Context) (held []telemetry.Value, waiting int64, oldest time.Time, err error) {
	rows, err := l.reader.QueryContext(ctx, l.engine.bind(
		`SELECT currency, count(*), CAST(sum(amount) AS bigint), min(started_at) FROM transactions WHERE status = ? GROUP BY currency`), int(transaction.InReview))
	if err != nil {
		return nil, 0, oldest, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var currency sql.NullString
		var count, minor int64
		var first instant
		if err := rows.Scan(&currency, &count, &minor, &first); err != nil {
			return nil, 0, oldest, err
		}
		waiting += count
		if oldest.IsZero() || first.Before(oldest) {
			oldest = first.Time
		}
		held = append(held, telemetry.Value{Value: money.Currency(currency.String).Major(minor), Labels: []string{currency.String}})
	}
	return held, waiting, oldest, rows.Err()
}

func (l *Ledger) nextDeadline(ctx context.Context) (next time.Time, err error) {
	rows, err := l.reader.QueryContext(ctx, l.engine.bind(`SELECT record FROM transactions WHERE status = ? ORDER BY started_at, id LIMIT ?`),
		int(transaction.InReview), looked)
	if err != nil {
		return next, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text []byte
		var record struct{ Review struct{ Deadline time.Time } }
		if err := rows.Scan(&text); err != nil {
			return next, err
		}
		if err := json.Unmarshal(text, &record); err != nil {
			return next, fmt.Errorf("its record: %w", err)
		}
		if at := record.Review.Deadline; next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, rows.Err()
}
