package money_test

import (
	"strings"
	"testing"

	iso4217 "github.com/bojanz/currency"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/money"
)

// Every ISO 4217 currency is known with its digits.
func TestCurrencyDigits(t *testing.T) {
	for _, code := range iso4217.GetCurrencyCodes() {
		want, _ := iso4217.GetDigits(code)
		got, err := money.Currency(code).Digits()
		if err != nil {
			t.Errorf("%s is an ISO 4217 currency, but: %v", code, err)
		} else if got != int(want) {
			t.Errorf("%s has %d digits, want %d", code, got, want)
		}
	}
}

// Every code of three capitals is tried, so that nothing but ISO 4217's own can be in the table.
func TestParseCurrencyOnlyISO(t *testing.T) {
	for i := range 26 * 26 * 26 {
		code := string([]byte{'A' + byte(i/676), 'A' + byte(i/26%26), 'A' + byte(i%26)})
		if _, err := money.ParseCurrency(code); err == nil && !iso4217.IsValid(code) {
			t.Errorf("%s is accepted, and is no ISO 4217 currency", code)
		}
	}
}

// A currency is a code in capitals.
func TestParseCurrency(t *testing.T) {
	currency, err := money.ParseCurrency("INR")
	require.NoError(t, err)
	assert.Equal(t, money.Currency("INR"), currency)
	for _, code := range []string{"", "inr", "Inr", " INR", "INR ", "RUPEE", "₹", "356", "XXX", "XTS", "XAU"} {
		_, err := money.ParseCurrency(code)
		if err == nil {
			t.Errorf("ParseCurrency(%q) is accepted", code)
		} else if !strings.Contains(err.Error(), "ISO 4217") {
			t.Errorf("ParseCurrency(%q) does not say what would be right: %v", code, err)
		}
	}
}

// oneOfEach lists one currency for each number of decimal digits.
var oneOfEach = []money.Currency{"JPY", "INR", "KWD", "CLF"}

// The samples have a currency of each number of digits.
func TestSamplesCoverAllDigits(t *testing.T) {
	covered := map[uint8]bool{}
	for _, currency := range oneOfEach {
		digits, _ := iso4217.GetDigits(string(currency))
		covered[digits] = true
	}
	for _, code := range iso4217.GetCurrencyCodes() {
		digits, _ := iso4217.GetDigits(code)
		assert.True(t, covered[digits], "%s has %d digits, and no test looks at such a currency", code, digits)
	}
}
