// Package spelling normalizes words that people and programs spell in many ways into the one form that is stored and
// compared.
package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// PaymentMethod returns a payment method folded to one case, in Unicode's form NFKC, without invisible characters and
// with single spaces within: "Card", "card " and "ｃａｒｄ" are one method.
func PaymentMethod(text string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return norm.NFKC.String(cases.Fold().String(strings.Join(strings.Fields(shown), " ")))
}

// ID returns an id in Unicode's normal form C, without spaces around it and without invisible characters. It keeps
// upper and lower case apart, because many systems use both in ids. It also keeps the characters that join or separate
// letters in some scripts.
func ID(text string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(invisible, r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimFunc(norm.NFC.String(visible), isSpace)
}

// invisible lists invisible characters: a soft hyphen, zero-width spaces, joiners that change nothing, and a byte order
// mark.
const invisible = "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"

func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200c' || r == '\u200d'
}

// otherCountries holds country codes that are in use but that the library does not know: EL, which the European Union's
// institutions use for Greece.
var otherCountries = map[string]string{"EL": "GR"}

// Country returns a country's alpha-2 code for its alpha-2, alpha-3 or numeric code of ISO 3166-1, in upper or lower
// case, or for a code that the standard reserves: UK is GB. It knows the codes of Unicode's CLDR, through
// golang.org/x/text, which include XK and other codes for what is not a country of the standard. known says whether the
// code is known.
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
