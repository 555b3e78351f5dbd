package stripe_test

import (
	"math"
	"testing"

	iso4217 "github.com/bojanz/currency"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
)

// sent returns the amount that reaches Stripe by a hold and by a charge, or why none does.
func sent(t *testing.T, m money.Money) (amount int64, currency string, err error) {
	t.Helper()
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	r := payment.AuthorizeRequest{IdempotencyKey: "hold", TransactionID: "t", Token: "pm_card_visa", Amount: m}
	_, err = gateway.Authorize(t.Context(), r)
	r.IdempotencyKey = "charge"
	_, chargeErr := gateway.Charge(t.Context(), r)
	require.Equal(t, err, chargeErr)
	for _, i := range f.intents {
		require.True(t, amount == 0 || amount == i.amount && currency == i.metadata.Get("currency"), "%v", i)
		amount, currency = i.amount, i.metadata.Get("currency")
	}
	return amount, currency, err
}

// An amount reaches Stripe as Stripe counts.
func TestAmounts(t *testing.T) {
	for decimal, want := range map[string]struct {
		amount   int64
		currency string
	}{
		"INR 123.45": {12345, "inr"},
		"USD 10.00":  {1000, "usd"},
		"JPY 500":    {500, "jpy"},
		"KRW 500":    {500, "krw"},
		"ISK 5":      {500, "isk"}, // "to charge 5 ISK, provide an amount value of 500"
		"UGX 5":      {500, "ugx"},
		"HUF 10.45":  {1045, "huf"}, // special only for payouts
		"TWD 800.45": {80045, "twd"},
		"KWD 5.120":  {5120, "kwd"},
		"TND 0.010":  {10, "tnd"},
	} {
		m, err := money.Parse(decimal[4:], money.Currency(decimal[:3]))
		require.NoError(t, err)
		amount, currency, err := sent(t, m)
		require.NoError(t, err, decimal)
		require.Equal(t, want.amount, amount, decimal)
		require.Equal(t, want.currency, currency, decimal)
	}
}

// An amount that Stripe cannot take is declined before it is sent.
func TestAmountsDeclined(t *testing.T) {
	for _, m := range []money.Money{
		{Minor: 5124, Currency: "KWD"}, // Stripe asks for KWD 5.120 or 5.130
		{Minor: 1, Currency: "BHD"},
		{Minor: 1000, Currency: "IQD"}, // thousandths, of which Stripe says nothing
		{Minor: 1000, Currency: "LYD"},
		{Minor: 10000, Currency: "CLF"},
		{Minor: 10000, Currency: "UYW"},
		{Minor: 100, Currency: "UYI"},
		{Minor: 50000, Currency: "MGA"}, // hundredths to ISO 4217, whole to Stripe
		{Minor: math.MaxInt64/100 + 1, Currency: "ISK"},
		{Minor: 0, Currency: "INR"},
		{Minor: -100, Currency: "INR"},
		{Minor: 100, Currency: "XXX"},
		{Minor: 100},
	} {
		amount, currency, err := sent(t, m)
		require.Equal(t, "unsupported_amount", code(t, err), "%+v", m)
		require.Zero(t, amount)
		require.Empty(t, currency)
	}
}

// This goes through all currencies that there are: one of ISO 4217's own digits is sent as it is, but for the two that
// Stripe counts in hundredths.
func TestAmountsOfAllCurrencies(t *testing.T) {
	for _, iso := range iso4217.GetCurrencyCodes() {
		amount, _, err := sent(t, money.Money{Minor: 770, Currency: money.Currency(iso)})
		want := int64(770)
		if iso == "ISK" || iso == "UGX" {
			want = 77000
		}
		if err == nil {
			require.Equal(t, want, amount, iso)
		} else {
			require.Contains(t, []string{"IQD", "LYD", "CLF", "UYW", "UYI", "MGA"}, iso)
		}
	}
}
