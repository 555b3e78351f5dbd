// Package card keeps card numbers from spreading. A Number lives in the API process for one call; after that only its
// Details are passed on: first six digits, last four, brand, Luhn result and a keyed fingerprint.
package card

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The length of a card number in digits, ISO/IEC 7812-1.
const (
	MinDigits = 12
	MaxDigits = 19
)

// ErrNumber is returned for text that is not a card number. It never repeats the text.
var ErrNumber = errors.New("must be a card number: 12 to 19 digits, with at most one space or dash between two of them")

// Number is a card number that no formatting verb, logger or encoder will show. The digits are behind a pointer because fmt
// prints unexported fields of an enclosing struct without calling their methods.
type Number struct {
	digits *string
}

// NumberPattern matches a card number: 12 to 19 digits, with single spaces or dashes between them if they are in groups, as
// on cards.
const NumberPattern = `^[0-9](?:[ -]?[0-9]){11,18}$`

var numberForm = regexp.MustCompile(NumberPattern)

// ParseNumber accepts text that matches NumberPattern. It also accepts a number that fails the Luhn check: that is a fraud
// signal, not a malformed number.
func ParseNumber(text string) (Number, error) {
	if !numberForm.MatchString(text) {
		return Number{}, ErrNumber
	}
	digits := digitsOf(text)
	return Number{digits: &digits}, nil
}

// AppearsIn reports whether text holds the whole number, whatever stands between its digits.
func (n Number) AppearsIn(text string) bool {
	return n.digits != nil && strings.Contains(digitsOf(text), *n.digits)
}

// Format prints the mask, whatever the verb.
func (n Number) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, n.mask())
}

// MarshalText returns the mask, so that every encoder that calls it writes the mask.
func (n Number) MarshalText() ([]byte, error) {
	return []byte(n.mask()), nil
}

func (n Number) mask() string {
	if n.digits == nil {
		return ""
	}
	return Mask(*n.digits)
}

// Mask keeps the first six and the last four digits: "123456******4321".
func Mask(digits string) string {
	if len(digits) < MinDigits {
		return strings.Repeat("*", len(digits))
	}
	return digits[:6] + strings.Repeat("*", len(digits)-10) + digits[len(digits)-4:]
}
