// Package money holds exact amounts: whole minor units of an ISO 4217 currency. No float ever touches one.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxIntegerDigits bounds an amount so that sums of many of them still fit an int64 of minor units.
const MaxIntegerDigits = 12

// Money is an amount in minor units (paise, cents) of its currency.
type Money struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// Parse reads a plain decimal such as "123.00" exactly. More decimal digits than the currency has are refused
// unless they are zeros, as are exponents, signs and amounts of more than MaxIntegerDigits digits before the point.
func Parse(decimal string, currency Currency) (Money, error) {
	digits, err := currency.Digits()
	if err != nil {
		return Money{}, err
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	if whole == "" || !onlyDigits(whole) || !onlyDigits(fraction) || strings.HasSuffix(decimal, ".") {
		return Money{}, errors.New("must be a plain positive decimal such as 123.45, with no sign and no exponent")
	}
	if whole = strings.TrimLeft(whole, "0"); len(whole) > MaxIntegerDigits {
		return Money{}, fmt.Errorf("must have at most %d digits before the point", MaxIntegerDigits)
	}
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) > digits {
		return Money{}, fmt.Errorf("must have at most %d decimal digits, as %s has", digits, currency)
	}
	minor, err := strconv.ParseInt("0"+whole+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("read amount: %w", err)
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// Decimal is the amount with all its currency's digits ("123.00"), as it is written in JSON: a number, never a float.
func (m Money) Decimal() json.Number {
	digits, err := m.Currency.Digits()
	if err != nil || digits == 0 {
		return json.Number(strconv.FormatInt(m.Minor, 10))
	}
	sign, text := "", strconv.FormatInt(m.Minor, 10)
	if m.Minor < 0 {
		sign, text = text[:1], text[1:]
	}
	text = strings.Repeat("0", max(0, digits+1-len(text))) + text
	point := len(text) - digits
	return json.Number(sign + text[:point] + "." + text[point:])
}

// String is for people: "INR 123.00".
func (m Money) String() string {
	return string(m.Currency) + " " + m.Decimal().String()
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
