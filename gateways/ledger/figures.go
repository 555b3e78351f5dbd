package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/internal/telemetry"
)

// Held is the money of one currency that gateways hold for a reason.
type Held struct {
	Reason string // Review or Release
	Money  money.Money
	Count  int64     // of transactions
	Oldest time.Time // when the first of them was accepted
}

// The reasons for which money is held.
const (
	Review  = "review"  // a person decides about it
	Release = "release" // the gateway is asked to give it back
)

// Held returns what is held for these merchants' transactions.
func (l *Ledger) Held(ctx context.Context, of identity.Merchants) (all []Held, err error) {
	err = l.retry(ctx, func() (err error) {
		all, err = l.heldOnce(ctx, of)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read in the ledger what money is held: %w", l.explain("read", err))
	}
	return all, nil
}

// MeasureReviews shows in the metrics what the transactions in review come to, and all money that is held. If that cannot be read,
// the metrics show nothing.
func (l *Ledger) MeasureReviews(ctx context.Context) error {
	var all []Held
	var waiting int
	var deadline time.Time
	err := l.retry(ctx, func() (err error) {
		if all, err = l.heldOnce(ctx, identity.AllMerchants()); err == nil {
			waiting, deadline, err = l.waitingOnce(ctx, identity.AllMerchants())
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
	oldest := map[string]time.Time{}
	for _, h := range all {
		if first, known := oldest[h.Reason]; !known || h.Oldest.Before(first) {
			oldest[h.Reason] = h.Oldest
		}
		currency := h.Money.Currency
		money = append(money, telemetry.Value{Value: currency.Major(h.Money.Minor), Labels: []string{string(currency), h.Reason}})
	}
	telemetry.ReviewsWaiting.Set(telemetry.Value{Value: float64(waiting)})
	telemetry.MoneyHeld.Set(money...)
	telemetry.MoneyHeldOldest.Set(telemetry.At(oldest[Review], Review), telemetry.At(oldest[Release], Release))
	telemetry.ReviewNextDeadline.Set(telemetry.At(deadline))
	return nil
}

func (l *Ledger) heldOnce(ctx context.Context, of identity.Merchants) (all []Held, err error) {
	err = l.engine.read(ctx, l.reader, of, l.heldQuery(of), func(r row) error {
		var h Held
		var currency sql.NullString
		var first instant
		if err := r.Scan(&h.Reason, &currency, &h.Count, &h.Money.Minor, &first); err != nil {
			return err
		}
		h.Money.Currency, h.Oldest = money.Currency(currency.String), first.Time
		all = append(all, h)
		return nil
	})
	return all, err
}

func (l *Ledger) heldQuery(of identity.Merchants) query {
	var reviews conditions
	reviews.add(statusInReview)
	reviews.of(of)
	releasing := ledger.Query{Releasing: true}
	releases := l.listConditions(releasing, of)
	sums := `SELECT '%s', currency, count(*), ` + l.engine.sum + `, min(started_at) FROM transactions %s%sGROUP BY currency`
	text := fmt.Sprintf(sums+" UNION ALL "+sums, Review, l.reviewIndex("amount"), reviews.where(), Release, l.listIndex(releasing, of), releases.where())
	return query{l.engine.bind(text), append(reviews.args, releases.args...)}
}
