package money_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/money"
)

// Plain decimals are read exactly.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		decimal  string
		currency money.Currency
		minor    int64
	}{
		{"123.00", "INR", 12300},
		{"123", "INR", 12300},
		{"123.4", "INR", 12340},
		{"0.01", "INR", 1},
		{"0", "INR", 0},
		{"0.00", "INR", 0},
		{"0.29", "USD", 29}, // 28 when multiplied as a float
		{"1.005000", "KWD", 1005},
		{"1.0000000000000000000000000000", "INR", 100},
		{"00012.50", "INR", 1250},
		{"0000000000000000012.50", "INR", 1250},
		{"999999999999.99", "INR", 99999999999999},
		{"500", "JPY", 500},
		{"500.00", "JPY", 500},
		{"1.234", "KWD", 1234},
		{"1.2", "KWD", 1200},
		{"0.0001", "CLF", 1},
		{"999999999999.9999", "CLF", 9999999999999999},
		{"1.25E7", "IDR", 1250000000}, // Java's doubles from ten million on
		{"1.25e+7", "JPY", 12500000},
		{"1250e-2", "EUR", 1250},
		{"0.0125E3", "EUR", 1250},
		{"1E-3", "KWD", 1},
		{"1.0e2", "INR", 10000},
		{"12300000e-5", "INR", 12300},
		{"99999999999999e-2", "INR", 99999999999999},
		{"1e00000000000000000002", "INR", 10000},
		{"-0", "INR", 0},
		{"-0.00E9", "INR", 0},
		{"0e999999999999999999999", "INR", 0},
	} {
		got, err := money.Parse(c.decimal, c.currency)
		require.NoError(t, err, "%q %s", c.decimal, c.currency)
		assert.Equal(t, money.Money{Minor: c.minor, Currency: c.currency}, got, "%q %s", c.decimal, c.currency)
	}
}

// Text that is not a plain amount is refused.
func TestParseRefuses(t *testing.T) {
	const (
		noDecimal     = "must be a positive decimal"
		tooLarge      = "must have at most 12 digits before the point"
		tooFine       = "decimal digits, as "
		knownCurrency = "must be an ISO 4217 currency code"
	)
	for _, c := range []struct {
		decimal  string
		currency money.Currency
		why      string
	}{
		{"", "INR", noDecimal},
		{".", "INR", noDecimal},
		{".5", "INR", noDecimal},
		{"5.", "INR", noDecimal},
		{"1.2.3", "INR", noDecimal},
		{"-1", "INR", noDecimal},
		{"+1", "INR", noDecimal},
		{"1.-5", "INR", noDecimal},
		{"-1e-99999999999", "INR", noDecimal},
		{"1e", "INR", noDecimal},
		{"1e+", "INR", noDecimal},
		{"1e2.0", "INR", noDecimal},
		{"e2", "INR", noDecimal},
		{"1 e2", "INR", noDecimal},
		{"0x10", "INR", noDecimal},
		{"1_000", "INR", noDecimal},
		{"1,000.00", "INR", noDecimal},
		{"1,5", "INR", noDecimal},
		{" 1", "INR", noDecimal},
		{"1 ", "INR", noDecimal},
		{"1\n", "INR", noDecimal},
		{"1\x00", "INR", noDecimal},
		{"NaN", "INR", noDecimal},
		{"Infinity", "INR", noDecimal},
		{"१२३", "INR", noDecimal}, // 123 in Devanagari
		{"1000000000000", "INR", tooLarge},
		{"1000000000000", "JPY", tooLarge},
		{strings.Repeat("9", 400), "INR", tooLarge},
		{"1e12", "INR", tooLarge},
		{"1E999999999", "INR", tooLarge},
		{"1e9223372036854775808", "INR", tooLarge},
		{"0.001", "INR", tooFine + "INR"},
		{"1e-3", "INR", tooFine + "INR"},
		{"1E-999999999999999999999", "INR", tooFine + "INR"},
		{"1255E-3", "INR", tooFine + "INR"},
		{"0.010000001", "INR", tooFine + "INR"},
		{"1.5", "JPY", tooFine + "JPY"},
		{"1.2345", "KWD", tooFine + "KWD"},
		{"1.23456", "CLF", tooFine + "CLF"},
		{"1.00", "", knownCurrency},
		{"1.00", "inr", knownCurrency},
		{"1.00", "BTC", knownCurrency},
	} {
		got, err := money.Parse(c.decimal, c.currency)
		require.ErrorContains(t, err, c.why, "Parse(%q, %q) = %+v", c.decimal, c.currency, got)
		assert.Equal(t, money.Money{}, got, "%q %q", c.decimal, c.currency)
	}
}

// A whole number is read from any form in which JSON writes it.
func TestWhole(t *testing.T) {
	for number, want := range map[string]string{
		"2": "2", "2.0": "2", "2.000": "2", "20e-1": "2", "0.2E1": "2", "2e0": "2", "1234.0": "1234", "1.234E3": "1234",
		"9007199254740993": "9007199254740993", "1e18": "1000000000000000000", "0": "0", "-0.0": "0", "0e99999999999": "0",
		strings.Repeat("9", 19): strings.Repeat("9", 19),
	} {
		got, ok := money.Whole(number, 19)
		require.True(t, ok, number)
		assert.Equal(t, want, got, number)
	}
	for _, number := range []string{"1.5", "15e-1", "1e-999999999", "-1", "1e19", "1e999999999999", "", "x", "1e", strings.Repeat("9", 20)} {
		got, ok := money.Whole(number, 19)
		assert.False(t, ok, "Whole(%q) = %q, want none", number, got)
	}
}

// Decimal writes all digits of the currency.
func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		money money.Money
		want  json.Number
	}{
		{money.Money{Minor: 12300, Currency: "INR"}, "123.00"},
		{money.Money{Minor: 12345, Currency: "INR"}, "123.45"},
		{money.Money{Minor: 0, Currency: "INR"}, "0.00"},
		{money.Money{Minor: 5, Currency: "INR"}, "0.05"},
		{money.Money{Minor: 50, Currency: "INR"}, "0.50"},
		{money.Money{Minor: -5, Currency: "INR"}, "-0.05"},
		{money.Money{Minor: -12300, Currency: "INR"}, "-123.00"},
		{money.Money{Minor: 123, Currency: "JPY"}, "123"},
		{money.Money{Minor: 0, Currency: "JPY"}, "0"},
		{money.Money{Minor: 1, Currency: "KWD"}, "0.001"},
		{money.Money{Minor: 1234, Currency: "KWD"}, "1.234"},
		{money.Money{Minor: 1, Currency: "CLF"}, "0.0001"},
		{money.Money{Minor: math.MaxInt64, Currency: "INR"}, "92233720368547758.07"},
		{money.Money{Minor: math.MinInt64, Currency: "INR"}, "-92233720368547758.08"},
		{money.Money{Minor: 7}, "7"},
	} {
		assert.Equal(t, c.want, c.money.Decimal(), "%d minor units of %q", c.money.Minor, c.money.Currency)
	}
}

// The currency comes first.
func TestString(t *testing.T) {
	assert.Equal(t, "INR 123.00", fmt.Sprint(money.Money{Minor: 12300, Currency: "INR"}))
}
