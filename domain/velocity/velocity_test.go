package velocity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
)

// A transaction is found by all that it has.
func TestOf(t *testing.T) {
	whole := transaction.Transaction{
		ID: "0199", Order: transaction.Order{ID: "1234"}, Customer: &transaction.Customer{ID: "ada"}, IP: "8.8.8.8",
		Payment:  transaction.Payment{Card: card.Details{Fingerprint: "f00d"}, Amount: money.Money{Minor: 12300, Currency: "INR"}},
		Metadata: map[string]string{"device": "d", "channel": "web", "empty": ""},
	}
	named := []velocity.Dimension{velocity.Card, velocity.Metadata("device"), velocity.Metadata("empty"), velocity.Metadata("missing")}
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.FixedZone("IST", 19800))
	require.Equal(t, velocity.Use{
		TransactionID: "0199", Merchant: "default", At: time.Date(2026, 1, 1, 21, 34, 5, 123456000, time.UTC), Amount: whole.Payment.Amount,
		Values: map[velocity.Dimension]string{
			velocity.Card: "f00d", velocity.Customer: "ada", velocity.IP: "8.8.8.8", velocity.Order: "1234", velocity.Metadata("device"): "d",
		},
	}, velocity.Of(whole, at, named))
	whole.Merchant = "acme"
	require.Equal(t, "acme", velocity.Of(whole, at, named).Merchant)

	bare := transaction.Transaction{ID: "0199", Order: transaction.Order{ID: "1234"}, Customer: &transaction.Customer{Email: "ada@example.com"}}
	require.Equal(t, map[velocity.Dimension]string{velocity.Order: "1234"}, velocity.Of(bare, at, named).Values)
	bare.Customer = nil
	require.Equal(t, map[velocity.Dimension]string{velocity.Order: "1234"}, velocity.Of(bare, at, nil).Values)
}

// An address that names no subscriber is not counted.
func TestOfPrivateAddress(t *testing.T) {
	for _, ip := range []string{"10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "64:ff9b::10.0.0.1", "no address"} {
		require.Empty(t, velocity.Of(transaction.Transaction{IP: ip}, moment, nil).Values, ip)
	}
	require.Equal(t, "8.8.8.8", velocity.Of(transaction.Transaction{IP: "64:ff9b::808:808"}, moment, nil).Values[velocity.IP])
}

// Only a dimension of metadata has a key.
func TestMetadataKey(t *testing.T) {
	for _, d := range []velocity.Dimension{velocity.Card, velocity.Customer, velocity.IP, velocity.Order} {
		_, is := d.MetadataKey()
		require.False(t, is, d)
	}
	for _, key := range []string{"terminal", "card", "metadata.x", "", "."} {
		got, is := velocity.Metadata(key).MetadataKey()
		require.True(t, is)
		require.Equal(t, key, got)
	}
}
