package api

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/money"
	"dummyorders/internal/spelling"
	"dummyorders/internal/strictjson"
)

// What the members of a transaction are made of. Each reader notes the fault of its value and reads on.

// readMoney is an amount above zero in a currency beside it.
func readMoney(amount, currency *strictjson.Value) money.Money {
	if currency.Is(strictjson.String) {
		if _, err := money.ParseCurrency(currency.Literal()); err != nil {
			currency.Fault(err.Error())
		}
	}
	return readAmount(amount, currency, false)
}

// readAmount reads in a currency whose own faults are told elsewhere.
func readAmount(v, currency *strictjson.Value, zeroAllowed bool) money.Money {
	known, err := money.ParseCurrency(currency.Literal())
	if !v.Is(strictjson.Number) {
		return money.Money{Currency: known}
	}
	if err != nil {
		known = "CLF" // for the faults that do not depend on it: none has more digits
	}
	amount, err := money.Parse(v.Literal(), known)
	switch {
	case err != nil:
		v.Fault(err.Error())
	case amount.Minor == 0 && !zeroAllowed:
		v.Fault("must be more than zero")
	}
	return amount
}

func readQuantity(v *strictjson.Value) int64 {
	if v == nil {
		return 1
	}
	if !v.Is(strictjson.Number) {
		return 0
	}
	quantity := int64(0)
	for _, digit := range v.Literal() {
		if digit < '0' || digit > '9' || quantity > maxQuantity {
			quantity = -1
			break
		}
		quantity = quantity*10 + int64(digit-'0')
	}
	if quantity < 1 || quantity > maxQuantity {
		v.Fault("must be a whole number from 1 to 1000000")
		return 0
	}
	return quantity
}

// readID takes a string in the spelling that ids are compared in, and a whole number by its digits.
func readID(v *strictjson.Value) string {
	if v.Kind() == strictjson.Number {
		if strings.Trim(v.Literal(), "0123456789") != "" || len(v.Literal()) > maxID {
			v.Fault("must be a whole number or a string")
		}
		return v.Literal()
	}
	if !v.Is(strictjson.String, strictjson.Number) {
		return ""
	}
	return spelled(v, maxID)
}

// spelled is a text that others are compared with: an id, or a value of the metadata.
func spelled(v *strictjson.Value, limit int) string {
	posted := text(v, limit)
	content := spelling.ID(posted)
	if content == "" && strings.TrimSpace(posted) != "" {
		v.Fault("must not be empty")
	}
	return content
}

// text is a string of at least one and at most limit characters, none of them a control character.
func text(v *strictjson.Value, limit int) string {
	if !v.Is(strictjson.String) {
		return ""
	}
	content := v.Literal()
	switch length := utf8.RuneCountInString(content); {
	case strings.TrimSpace(content) == "":
		v.Fault("must not be empty")
	case length > limit:
		v.Fault("must have at most " + strconv.Itoa(limit) + " characters")
	case !printable(content):
		v.Fault("must not hold control characters")
	}
	return content
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, unicode.IsControl)
}
