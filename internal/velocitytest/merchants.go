package velocitytest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/velocity"
)

// MerchantsApart tests two merchants that have the same numbers of orders and customers, the same devices, and the same buyer.
func MerchantsApart(t *testing.T, store fraud.VelocityStore) {
	of := []velocity.Dimension{velocity.Card, velocity.Customer, velocity.IP, velocity.Order, velocity.Metadata("device")}
	var counted []velocity.Feature
	for _, by := range of {
		counted = append(counted, velocity.Feature{Measure: velocity.Count, By: by, Window: time.Hour})
	}
	counted = append(counted,
		velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: time.Hour}.AcrossMerchants(),
		velocity.Feature{Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Customer, Window: time.Hour}.AcrossMerchants(),
		velocity.Feature{Measure: velocity.Distinct, By: velocity.Card, Of: velocity.IP, Window: time.Hour}.AcrossMerchants())
	for n, c := range []struct {
		merchant string
		own      float64 // earlier transactions of the merchant
	}{{"acme", 0}, {"umbrella", 0}, {"acme", 1}, {"umbrella", 1}, {"umbrella", 2}} {
		u := Use(n, "f00d")
		u.Merchant = c.merchant
		u.Values[velocity.Customer], u.Values[velocity.IP], u.Values[velocity.Order] = "42", "8.8.8.8", "1"
		u.Values[velocity.Metadata("device")] = "d"
		d, err := store.Decide(patience(t), Check(u), u, velocity.Lookups(counted, u, u.At), func(past velocity.Past) fraud.Decision {
			return fraud.Decision{Explanation: &fraud.Explanation{Features: velocity.Values(counted, u, u.At, past)}}
		})
		require.NoError(t, err)
		require.Equal(t, map[string]float64{
			`card.count("1h")`: c.own, `customer.count("1h")`: c.own, `ip.count("1h")`: c.own, `order.count("1h")`: c.own,
			`metadata("device").count("1h")`:                 c.own,
			`card.count("1h") across merchants`:              float64(n),
			`ip.distinct("customer", "1h") across merchants`: float64(min(n, 2)), // customer 42 of two merchants
			`card.distinct("ip", "1h") across merchants`:     float64(min(n, 1)),
		}, d.Explanation.Features, "transaction %d", n)
	}
}
