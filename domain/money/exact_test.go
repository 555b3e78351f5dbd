package money_test

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	iso4217 "github.com/bojanz/currency"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/money"
)

// amounts draws every amount that Parse can return.
func amounts(t *rapid.T) money.Money {
	currency := money.Currency(rapid.SampledFrom(iso4217.GetCurrencyCodes()).Draw(t, "currency"))
	digits, err := currency.Digits()
	require.NoError(t, err)
	largest := int64(math.Pow10(money.MaxIntegerDigits+digits)) - 1
	return money.Money{Minor: rapid.Int64Range(0, largest).Draw(t, "minor"), Currency: currency}
}

// Parse reads what Decimal writes.
func TestDecimalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := amounts(t)
		got, err := money.FromWire(m.Wire())
		require.NoError(t, err, m.Decimal())
		require.Equal(t, m, got, m.Decimal())
	})
}

// Zeros around an amount change nothing.
func TestParseExtraZeros(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := amounts(t)
		before := strings.Repeat("0", rapid.IntRange(0, 20).Draw(t, "before"))
		after := strings.Repeat("0", rapid.IntRange(1, 20).Draw(t, "after"))
		decimal := before + m.Decimal().String()
		if !strings.Contains(decimal, ".") {
			decimal += "."
		}
		got, err := money.Parse(decimal+after, m.Currency)
		require.NoError(t, err, "%q %s", decimal+after, m.Currency)
		require.Equal(t, m, got, "%q %s", decimal+after, m.Currency)
	})
}

// Decimal is the exact value as a JSON number.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := money.Currency(rapid.SampledFrom(iso4217.GetCurrencyCodes()).Draw(t, "currency"))
		m := money.Money{Minor: rapid.Int64().Draw(t, "minor"), Currency: currency}
		text, err := json.Marshal(m.Decimal())
		require.NoError(t, err, "%+v", m)
		require.Zero(t, value(t, string(text)).Cmp(exactly(t, m)), "%+v is written %s", m, text)
	})
}

// FuzzParse checks Parse against a grammar written in another way, and against exact arithmetic.
func FuzzParse(f *testing.F) {
	for _, decimal := range []string{
		"123.00", "0", "0.01", "00.10", "1.", ".1", "", "-1", "+1", "1e9", "1.25E7", "1250e-2", "1e-999999999", "1.0000", "999999999999.9999",
		"1000000000000", "0x1p-2", "1_0", "1,5", "٣", "1\x00",
	} {
		for _, currency := range oneOfEach {
			f.Add(decimal, string(currency))
		}
	}
	f.Add("1.00", "XXX")
	f.Fuzz(func(t *testing.T, decimal, code string) {
		currency := money.Currency(code)
		m, err := money.Parse(decimal, currency)
		if farAway.MatchString(decimal) {
			return
		}
		require.Equal(t, isAmount(decimal, currency), err == nil, "Parse(%q, %q) says %v", decimal, code, err)
		if err != nil {
			return
		}
		require.Zero(t, value(t, decimal).Cmp(exactly(t, m)), "Parse(%q, %q) = %+v, which is another value", decimal, code, m)
		if again, err := money.Parse(m.Decimal().String(), currency); err != nil || again != m {
			t.Fatalf("%+v is written %q and read back as %+v, %v", m, m.Decimal(), again, err)
		}
	})
}

// isAmount reports whether decimal is an amount, by the grammar of JSON's numbers and by exact arithmetic.
func isAmount(decimal string, currency money.Currency) bool {
	digits, err := currency.Digits()
	if err != nil || !regexp.MustCompile(`\A-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z`).MatchString(decimal) {
		return false
	}
	exact, ok := new(big.Rat).SetString(decimal)
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	largest := new(big.Rat).SetInt64(1_000_000_000_000)
	return ok && exact.Sign() >= 0 && exact.Cmp(largest) < 0 && new(big.Rat).Mul(exact, new(big.Rat).SetInt(unit)).IsInt()
}

// farAway matches exponents for which exact arithmetic takes too long.
var farAway = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{3,}`)

type fataler interface {
	Fatalf(format string, args ...any)
}

func value(t fataler, decimal string) *big.Rat {
	exact, ok := new(big.Rat).SetString(decimal)
	if !ok {
		t.Fatalf("%q is not a number", decimal)
	}
	return exact
}

func exactly(t fataler, m money.Money) *big.Rat {
	digits, ok := iso4217.GetDigits(string(m.Currency))
	if !ok {
		t.Fatalf("%q is no currency", m.Currency)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return new(big.Rat).SetFrac(big.NewInt(m.Minor), unit)
}
