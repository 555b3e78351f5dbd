// Package card keeps card numbers from spreading. A Number lives in the API process for one call; what goes on is its
// Details: first six, last four, brand, Luhn result and a keyed fingerprint.
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

// ErrNumber is returned for anything that is no card number. It never repeats what it was given.
var ErrNumber = errors.New("must be a card number: 12 to 19 digits, with at most one space or dash between two of them")

// Number is a card number that no formatting verb, logger or encoder will show. The digits hang behind a pointer
// because fmt prints unexported fields of an enclosing struct without asking their methods.
type Number struct {
	digits *string
}

// NumberPattern is how a card number is written: 12 to 19 digits, with single spaces or dashes between them where they are
// in groups, as on cards.
const NumberPattern = `^[0-9](?:[ -]?[0-9]){11,18}$`

var numberForm = regexp.MustCompile(NumberPattern)

// ParseNumber accepts what is written like NumberPattern. A number that fails the Luhn check is accepted: that is a fraud
// signal, not a malformed number.
func ParseNumber(text string) (Number, error) {
	if !numberForm.MatchString(text) {
		return Number{}, ErrNumber
	}
	digits := digitsOf(text)
	return Number{digits: &digits}, nil
}

// AppearsIn says whether text holds the whole number, whatever stands between its digits.
func (n Number) AppearsIn(text string) bool {
	return n.digits != nil && strings.Contains(digitsOf(text), *n.digits)
}

// Format shows the mask, whatever the verb.
func (n Number) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, n.mask())
}

// MarshalText makes every encoder that honours it write the mask.
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
