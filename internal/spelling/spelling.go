// Package spelling brings words that people and programs spell in many ways into the one form that is stored and compared.
package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// PaymentMethod returns a payment method in lower case, in Unicode's form NFKC, without characters that are not shown and with
// single spaces within: "Card", "card " and "ｃａｒｄ" are one method.
func PaymentMethod(text string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return norm.NFKC.String(strings.ToLower(strings.Join(strings.Fields(shown), " ")))
}
