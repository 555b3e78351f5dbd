package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
)

// looked is how many of the oldest reviews are looked at for the next deadline. They all have the same time to be decided, unless
// REVIEW_DEADLINE was changed, so the next deadline is that of one of the oldest.
const looked = 20

// MeasureReviews shows in the metrics what the transactions in review come to. If that cannot be read, the metrics show nothing.
func (l *Ledger) MeasureReviews(ctx context.Context) error {
	var held []heldMoney
	var deadline time.Time
	err := l.retry(ctx, func() (err error) {
		if held, err = l.heldForReview(ctx, identity.AllMerchants()); err == nil {
			deadline, err = l.nextDeadline(ctx, identity.AllMerchants())
		}
		return err
	})
	if err != nil {
		for _, gauge := range []*telemetry.Gauge{telemetry.ReviewsWaiting, telemetry.MoneyHeld, telemetry.MoneyHeldOldest, telemetry.ReviewNextDeadline} {
			gauge.Set()
		}
		return fmt.Errorf("read the reviews in the ledger: %w", l.explain("read", err))
	}
	var money []telemetry.Value
	var waiting int64
	var oldest time.Time
	for _, h := range held {
		waiting += h.count
		if oldest.IsZero() || h.oldest.Before(oldest) {
			oldest = h.oldest
		}
		money = append(money, telemetry.Value{Value: h.money.Currency.Major(h.money.Minor), Labels: []string{string(h.money.Currency)}})
	}
	telemetry.ReviewsWaiting.Set(telemetry.Value{Value: float64(waiting)})
	telemetry.MoneyHeld.Set(money...)
	telemetry.MoneyHeldOldest.Set(telemetry.At(oldest))
	telemetry.ReviewNextDeadline.Set(telemetry.At(deadline))
	return nil
}

// heldMoney is what is held in a currency for transactions in review.
type heldMoney struct {
	money  money.Money
	count  int64
	oldest time.Time
}

func (l *Ledger) heldForReview(ctx context.Context, of identity.Merchants) (all []heldMoney, err error) {
	err = l.engine.read(ctx, l.reader, of, l.heldQuery(of), func(r row) error {
		var h heldMoney
		var currency sql.NullString
		var first instant
		if err := r.Scan(&currency, &h.count, &h.money.Minor, &first); err != nil {
			return err
		}
		h.money.Currency, h.oldest = money.Currency(currency.String), first.Time
		all = append(all, h)
		return nil
	})
	return all, err
}

func (l *Ledger) heldQuery(of identity.Merchants) query {
	c := l.listConditions(ledger.Query{Status: transaction.InReview}, of)
	return query{l.engine.bind(`SELECT currency, count(*), CAST(sum(amount) AS bigint), min(started_at) FROM transactions ` + c.where() + `GROUP BY currency`), c.args}
}

func (l *Ledger) deadlineQuery(of identity.Merchants) query {
	c := l.listConditions(ledger.Query{Status: transaction.InReview}, of)
	return query{l.engine.bind(`SELECT record FROM transactions ` + c.where() + `ORDER BY started_at, id LIMIT ?`), append(c.args, looked)}
}

func (l *Ledger) nextDeadline(ctx context.Context, of identity.Merchants) (next time.Time, err error) {
	err = l.engine.read(ctx, l.reader, of, l.deadlineQuery(of), func(r row) error {
		var text []byte
		var record struct{ Review struct{ Deadline time.Time } }
		if err := r.Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal(text, &record); err != nil {
			return fmt.Errorf("its record: %w", err)
		}
		if at := record.Review.Deadline; next.IsZero() || at.Before(next) {
			next = at
		}
		return nil
	})
	return next, err
}
