package review_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/money"
	"dummyorders/domain/review"
)

// A review is in the first queue that it fits.
func TestQueues(t *testing.T) {
	queues := review.Queues{
		{Who: "seniors", From: money.Money{Minor: 1000, Currency: "EUR"}},
		{Who: "acme-staff", Merchant: "acme"},
		{Who: "bob", From: money.Money{Currency: "EUR"}, Merchant: "beta"},
	}
	for _, c := range []struct {
		minor          int64
		currency       money.Currency
		merchant, want string
	}{
		{1000, "EUR", "acme", "seniors"},
		{999, "EUR", "acme", "acme-staff"},
		{5000, "USD", "acme", "acme-staff"},
		{1, "EUR", "beta", "bob"},
		{1, "USD", "beta", ""},
		{1, "EUR", "default", ""},
	} {
		assert.Equal(t, c.want, queues.Of(money.Money{Minor: c.minor, Currency: c.currency}, c.merchant), "%+v", c)
	}
	assert.Empty(t, review.Queues(nil).Of(money.Money{Minor: 1, Currency: "EUR"}, "acme"))
}
