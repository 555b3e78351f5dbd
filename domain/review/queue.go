package review

import (
	"dummyorders/domain/money"
)

// Queue says who gets which reviews first. A field with its zero value excludes none.
type Queue struct {
	Who      string      // a group of the issuer, or a person
	From     money.Money // the least amount, of its currency; none of another currency
	Merchant string
}

// Queues lists queues. A review is in the first that it fits.
type Queues []Queue

// Of returns whose queue a review is in, or "" if it is in none.
func (all Queues) Of(amount money.Money, merchant string) string {
	for _, q := range all {
		if (q.From.Currency == "" || q.From.Currency == amount.Currency && q.From.Minor <= amount.Minor) && (q.Merchant == "" || q.Merchant == merchant) {
			return q.Who
		}
	}
	return ""
}
