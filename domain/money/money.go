// Package money holds exact amounts: whole minor units of an ISO 4217 currency. No float ever touches one.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

// Parse reads a decimal such as "123.00" or "1.23E2" exactly. More decimal digits than the currency has are refused unless
// they are zeros, as are amounts below zero and of more than MaxIntegerDigits digits before the point.
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

// Whole writes a number that is whole and not below zero by its digits: "2.0" and "20E-1" are 2. It reports whether the
// number is such a one, of at most longest digits.
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

// number is 0.digits times ten to the power of point. Digits neither begin nor end with a zero; of zero there are none.
type number struct {
	negative bool
	digits   string
	point    int
}

var numberForm = regexp.MustCompile(`^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?$`)

// readNumber reads what JSON takes for a number, and zeros before it. An exponent costs nothing, however large it is.
func readNumber(text string) (number, bool) {
	parts := numberForm.FindStringSubmatch(text)
	if parts == nil {
		return number{}, false
	}
	whole := strings.TrimLeft(parts[2], "0")
	n := number{negative: parts[1] != "", digits: whole + parts[3], point: len(whole)}
	significant := strings.TrimLeft(n.digits, "0")
	if significant == "" {
		return number{}, true // minus nothing is nothing
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

// farthest stands for every exponent beyond it. No number of a body has as many digits, so that none comes back from there.
const farthest = 1 << 30

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
