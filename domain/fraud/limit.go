package fraud

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"dummyorders/domain/money"
)

// Limit decides by the amount alone: a transaction above the decline limit of its currency is declined, and one above the
// lower review limit is for review. A currency without any limit is for review, because it is not known which amounts are
// usual in it.
type Limit struct {
	review, decline map[money.Currency]money.Money
	ruleset         Ruleset
}

// NewLimit returns a Limit with at most one review limit and one decline limit for each currency. It refuses a review limit
// above the decline limit of its currency, because it could never be reached.
func NewLimit(review, decline []money.Money) (*Limit, error) {
	l := &Limit{review: byCurrency(review), decline: byCurrency(decline)}
	for _, currency := range slices.Sorted(maps.Keys(l.review)) {
		if d, both := l.decline[currency]; both && l.review[currency].Minor > d.Minor {
			return nil, fmt.Errorf("the review limit %s is above the decline limit %s", l.review[currency], d)
		}
	}
	text, err := json.Marshal([]any{l.review, l.decline})
	if err != nil {
		return nil, fmt.Errorf("digest the limits: %w", err)
	}
	l.ruleset = Ruleset{ID: "limit", Version: 1, Digest: digest(string(text))}
	return l, nil
}

// Detect never fails.
func (l *Limit) Detect(_ context.Context, c Check) (Decision, error) {
	f, amount := newFinding(c.Transaction), c.Payment.Amount
	decline, hasDecline := l.decline[amount.Currency]
	review, hasReview := l.review[amount.Currency]
	switch {
	case hasDecline && amount.Minor > decline.Minor:
		f.add(Decline, declineScore, Reason{Code: "AMOUNT_OVER_LIMIT", Message: fmt.Sprintf("%s is above the limit of %s", amount, decline)})
	case hasReview && amount.Minor > review.Minor:
		f.add(Review, reviewScore, Reason{Code: "AMOUNT_OVER_REVIEW_LIMIT", Message: fmt.Sprintf("%s is above the review limit of %s", amount, review)})
	case !hasDecline && !hasReview:
		f.add(Review, reviewScore, Reason{Code: "CURRENCY_WITHOUT_LIMIT", Message: fmt.Sprintf("no limit is set for %s", amount.Currency)})
	}
	return f.decision(l.ruleset), nil
}

func byCurrency(limits []money.Money) map[money.Currency]money.Money {
	table := make(map[money.Currency]money.Money, len(limits))
	for _, limit := range limits {
		table[limit.Currency] = limit
	}
	return table
}
