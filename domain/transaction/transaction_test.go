package transaction_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

func inr(minor int64) money.Money {
	return money.Money{Minor: minor, Currency: "INR"}
}

// A line costs its pieces less the discount of the line.
func TestItemTotal(t *testing.T) {
	for _, c := range []struct {
		item transaction.Item
		want int64
	}{
		{transaction.Item{Cost: inr(12300), Quantity: 1}, 12300},
		{transaction.Item{Cost: inr(12300), Quantity: 3}, 36900},
		{transaction.Item{Cost: inr(12300), Quantity: 3, Discount: inr(900)}, 36000},
		{transaction.Item{Cost: inr(12300), Quantity: 0}, 0},
		{transaction.Item{Cost: inr(100), Quantity: 1, Discount: inr(150)}, -50},
	} {
		assert.Equal(t, c.want, c.item.Total(), "%d pieces at %s less %s", c.item.Quantity, c.item.Cost, c.item.Discount)
	}
}

// A transaction travels as JSON from process to process.
func TestTransactionJSONRoundTrip(t *testing.T) {
	const number = "4929186730458126"
	parsed, err := card.ParseNumber(number)
	require.NoError(t, err)
	want := transaction.Transaction{
		ID: "01990000-0000-7000-8000-000000000001",
		Order: transaction.Order{
			ID: "1234", Name: "avengers 4 spoilers book", Cost: inr(12300),
			Items: []transaction.Item{{ID: "1", Name: "book", Cost: inr(6200), Quantity: 2, Discount: inr(100)}},
		},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.NewDescriber([]byte("key")).Describe(parsed), Type: "wallet",
			Amount: money.Money{Minor: 1<<53 + 1, Currency: "INR"}, // no float64 holds it exactly
		},
		Customer: &transaction.Customer{
			ID: "c-1", Email: "ada@example.com", CreatedAt: time.Date(2020, 2, 29, 12, 0, 0, 1, time.UTC),
		},
		IP: "192.0.2.1", BillingCountry: "IN", ShippingCountry: "GB",
		Metadata: map[string]string{"channel": "web"},
		Receipt:  transaction.Receipt{Client: "shop", BodyDigest: "hmac-sha256:00", Call: "call-1"},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	var got transaction.Transaction
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Empty(t, cmp.Diff(want, got), "after the journey (-want +got)")
	assert.NotContains(t, string(text), number, "the card number travels along")
}

// What a merchant leaves out is left out.
func TestTransactionJSONOmitsEmpty(t *testing.T) {
	text, err := json.Marshal(transaction.Transaction{Customer: &transaction.Customer{ID: "c-1"}})
	require.NoError(t, err)
	for _, key := range []string{
		"name", "items", "email", "createdAt", "ip", "billingCountry", "shippingCountry", "metadata",
		"card", "token", "receipt", "client", "bodyDigest", "call",
	} {
		assert.NotContains(t, string(text), `"`+key+`"`, key)
	}
}

// A payment by token travels without a card.
func TestTokenPaymentJSON(t *testing.T) {
	want := transaction.Payment{Token: "pm_card_visa", Type: "card", Amount: inr(12300)}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	assert.NotContains(t, string(text), `"card":`)
	assert.Contains(t, string(text), `"token":"pm_card_visa"`)
	var got transaction.Payment
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Empty(t, cmp.Diff(want, got), "after the journey (-want +got)")
}
