// Package money holds exact amounts: whole minor units of an ISO 4217 currency. It reads and writes them without floats.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// MaxIntegerDigits bounds an amount so that sums of many of them still fit an int64 of minor units.
const MaxIntegerDigits = 12

// Add adds two sums of minor units, neither of them below zero. A sum that does not fit is as much as fits: of a currency with four
// digits, that may be so from 923 amounts on.
func Add(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }

// Money is an amount in minor units (paise, cents) of its currency.
type Money struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// Parse parses a decimal such as "123.00" or "1.23E2" exactly. It refuses more decimal digits than the currency has, unless
// they are zeros, amounts below zero, and amounts with more than MaxIntegerDigits digits before the point.
func Parse(decimal string, currency Currency) (Money, error) {
	digits, err := currency.Digits()
	if err != nil {
		return Money{}, err
	}
	n, ok := readNumber(decimal)
	switch {
	case !ok || n.negative:
		return Money{}, errors.New("must be a positive decimal such as 123.45")
	case n.point > MaxIntegerDigits:
		return Money{}, fmt.Errorf("must have at most %d digits before the point", MaxIntegerDigits)
	case len(n.digits)-n.point > digits:
		return Money{}, fmt.Errorf("must have at most %d decimal digits, as %s has", digits, currency)
	}
	minor, err := strconv.ParseInt("0"+n.digits+strings.Repeat("0", n.point+digits-len(n.digits)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("read amount: %w", err)
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// Whole returns the digits of a number that is whole and not below zero: for "2.0" it returns "2", and for "20E-1" as well.
// It reports whether the number is of that kind, with at most longest digits.
func Whole(number string, longest int) (string, bool) {
	n, ok := readNumber(number)
	switch {
	case !ok || n.negative || n.point < len(n.digits) || n.point > longest:
		return "", false
	case n.digits == "":
		return "0", true
	}
	return n.digits + strings.Repeat("0", n.point-len(n.digits)), true
}

// number is 0.digits times ten to the power of point. Digits neither begin nor end with a zero; for zero, digits is empty.
type number struct {
	negative bool
	digits   string
	point    int
}

var numberForm = regexp.MustCompile(`^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?$`)

// readNumber parses a JSON number, and also accepts leading zeros. A large exponent costs nothing.
func readNumber(text string) (number, bool) {
	parts := numberForm.FindStringSubmatch(text)
	if parts == nil {
		return number{}, false
	}
	whole := strings.TrimLeft(parts[2], "0")
	n := number{negative: parts[1] != "", digits: whole + parts[3], point: len(whole)}
	significant := strings.TrimLeft(n.digits, "0")
	if significant == "" {
		return number{}, true // zero has no sign
	}
	n.point -= len(n.digits) - len(significant)
	n.digits = strings.TrimRight(significant, "0")
	exponent, err := strconv.Atoi("0" + parts[5])
	if err != nil || exponent > farthest {
		exponent = farthest
	}
	if parts[4] == "-" {
		exponent = -exponent
	}
	n.point += exponent
	return n, true
}

// farthest stands for every larger exponent. No number in a request's body has that many digits, so a point moved that far
// can never come back into range.
const farthest = 1 << 30

// Decimal returns the amount with all its currency's digits ("123.00"), as it is written in JSON: a number, never a float.
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

// Wire is an amount as it stands in JSON beside other members: a decimal and a currency code, which are not checked.
type Wire struct {
	Amount   json.Number `json:"amount"`
	Currency string      `json:"currency"`
}

// Wire returns the amount in its form for JSON.
func (m Money) Wire() Wire {
	return Wire{Amount: m.Decimal(), Currency: string(m.Currency)}
}

// FromWire parses an amount from its form in JSON, as Parse does.
func FromWire(w Wire) (Money, error) {
	return Parse(w.Amount.String(), Currency(w.Currency))
}

// String returns the amount for people: "INR 123.00".
func (m Money) String() string {
	return string(m.Currency) + " " + m.Decimal().String()
}
