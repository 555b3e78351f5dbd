// Package spelling brings words that people and programs spell in many ways into the one form that is stored and compared.
package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// PaymentMethod returns a payment method folded to one case, in Unicode's form NFKC, without characters that are not shown and with
// single spaces within: "Card", "card " and "ｃａｒｄ" are one method.
func PaymentMethod(text string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return norm.NFKC.String(cases.Fold().String(strings.Join(strings.Fields(shown), " ")))
}

// ID is an id in Unicode's normal form C, without spaces around it and without characters that nobody sees. Large and small
// letters stay apart: many systems make ids of both. Characters that join or part letters in some scripts stay.
func ID(text string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(unseen, r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimFunc(norm.NFC.String(seen), isSpace)
}

// unseen are a soft hyphen, spaces of no width, joiners that change nothing, and a byte order mark.
const unseen = "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"

func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200c' || r == '\u200d'
}

// otherCountries are codes that are used for countries and that the library does not know: EL, which the European Union's
// institutions write for Greece.
var otherCountries = map[string]string{"EL": "GR"}

// Country returns the alpha-2 code of a country by its alpha-2, alpha-3 or numeric code of ISO 3166-1, in letters of either
// case, or by one that the standard reserves: UK is GB. It knows what Unicode's CLDR does, by way of golang.org/x/text, among
// that XK and other codes that stand for no country of the standard. It reports whether the code is known.
func Country(code string) (alpha2 string, known bool) {
	code = strings.ToUpper(code)
	if other := otherCountries[code]; other != "" {
		return other, true
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return "", false
	}
	if region = region.Canonicalize(); !region.IsCountry() {
		return "", false
	}
	return region.String(), true
}
