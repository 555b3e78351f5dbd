package card

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// group is a run of digits of any script in a text, and the visible characters between it and the group before it.
type group struct {
	digits     string
	start, end int // in bytes
	gap        []rune
}

// maxGap is how many visible characters may stand between two groups of one card number.
const maxGap = 3

// near reports whether g may follow the group before it in one card number. The parts of a masked number never do.
func (g group) near(before group) bool {
	masked := len(g.gap) > 1 && strings.Trim(string(g.gap), "*") == "" && len(before.digits) >= 6
	return len(g.gap) <= maxGap && !masked
}

// groupsOf returns all digits of a text in groups. Characters without width and marks do not separate digits. A character
// that is repeated in a gap counts once, except for the asterisks of a masked number.
func groupsOf(text string) []group {
	var groups []group
	gap, open := []rune{}, false
	for at, r := range text {
		_, digit := digitOf(r)
		switch {
		case digit && open:
			groups[len(groups)-1].end = at + len(string(r))
		case digit:
			groups = append(groups, group{start: at, end: at + len(string(r)), gap: gap})
			gap, open = nil, true
		case !unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Other_Default_Ignorable_Code_Point):
			if open = false; len(gap) == 0 || gap[len(gap)-1] != r || r == '*' {
				gap = append(gap, r)
			}
		}
	}
	for i, g := range groups {
		groups[i].digits = digitsOf(text[g.start:g.end])
	}
	return groups
}

// otherDigits holds what people read as digits although Unicode has them as other numbers, each from 0 to 9.
var otherDigits = func() map[rune]rune {
	values := map[rune]rune{}
	for _, ten := range []string{
		"⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "🄋➀➁➂➃➄➅➆➇➈", "🄌➊➋➌➍➎➏➐➑➒", "〇一二三四五六七八九",
	} {
		value := '0'
		for _, r := range ten {
			values[r] = value
			value++
		}
	}
	return values
}()

// digitOf returns the value of a decimal digit of any script, as an ASCII digit, and reports whether r is one. It relies on
// each script's digits being in the order of their values.
func digitOf(r rune) (rune, bool) {
	if r <= unicode.MaxASCII {
		return r, '0' <= r && r <= '9'
	}
	for _, digits := range unicode.Nd.R16 {
		if lo, hi := rune(digits.Lo), rune(digits.Hi); lo <= r && r <= hi {
			return '0' + (r-lo)%10, true
		}
	}
	for _, digits := range unicode.Nd.R32 {
		lo, hi := rune(digits.Lo), rune(digits.Hi) //nolint:gosec // runes have 21 bits
		if lo <= r && r <= hi {
			return '0' + (r-lo)%10, true
		}
	}
	value, is := otherDigits[r]
	return value, is
}

// span is the place of digits in a text, in bytes.
type span struct{ start, end int }

// ordinary matches what has many digits and is in no way a card number: a time since 1900 as RFC 3339 writes it, and
// UUIDs, and hexadecimal ids and digests by their lengths.
var ordinary = regexp.MustCompile(`\b(?:(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](?:\.[0-9]{1,9})?` +
	`|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{24}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})(?:[Zz]|\b)`)

// searched returns the parts of a text in which card numbers are looked for: all but what is ordinary. A hexadecimal word
// without dashes is searched too if it has only one or two different letters: those may stand between a card's digits.
func searched(text string) []span {
	var parts []span
	from := 0
	for _, found := range ordinary.FindAllStringIndex(text, -1) {
		word, several := strings.ToLower(text[found[0]:found[1]]), 0
		for _, letter := range "abcdef" {
			several += min(1, strings.Count(word, string(letter)))
		}
		if strings.Contains(word, "-") || several > 2 {
			parts = append(parts, span{from, found[0]})
			from = found[1]
		}
	}
	return append(parts, span{from, len(text)})
}

// issuedIn finds digits that are very probably a card number, alone or in groups: they have the length of a known scheme's
// numbers, its first digits, and the right check digit. Up to three characters may stand between two groups, letters too.
func issuedIn(text string) []span {
	if !hasDigits(text, MinDigits) {
		return nil
	}
	var all []span
	for _, part := range searched(text) {
		groups := groupsOf(text[part.start:part.end])
		for i := range groups {
			digits := ""
			for j := i; j < len(groups) && len(digits)+len(groups[j].digits) <= MaxDigits; j++ {
				if j > i && !groups[j].near(groups[j-1]) {
					break
				}
				if digits += groups[j].digits; issued(digits) {
					all = append(all, span{part.start + groups[i].start, part.start + groups[j].end})
				}
			}
		}
	}
	return all
}

// maxTelephone is the most digits that a telephone number has, by ITU-T E.164.
const maxTelephone = 15

// numbersIn is issuedIn without telephone numbers: up to 15 digits with a plus before them.
func numbersIn(text string) []span {
	return slices.DeleteFunc(issuedIn(text), func(s span) bool {
		return strings.HasSuffix(text[:s.start], "+") && len(digitsOf(text[s.start:s.end])) <= maxTelephone
	})
}

// HoldsNumber reports whether text holds digits, of any script, that are very probably a card number. It wrongly takes one
// in thirty random numbers of 16 digits for a card number: a third have the first digits of a scheme, and a tenth of those
// have the right check digit. Nothing else tells them apart. docs/transactions.md says how often it takes other ids for one.
func HoldsNumber(text string) bool {
	return len(numbersIn(text)) > 0
}

// issued reports whether a scheme has numbers of this length with these first digits, and the check digit is right. Of
// schemes whose ranges overlap each counts.
func issued(digits string) bool {
	return len(digits) >= MinDigits && luhnValid(digits) && slices.ContainsFunc(ranges(), func(f firstDigits) bool {
		return f.hold(digits) && slices.Contains(f.scheme.Lengths, len(digits))
	})
}

// verification matches a card verification value after one of its names: "CVC2: 123", "the security code is 1234".
var verification = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:(?:cvv|cvc|cvn|csc|cvd|cav)2?|(?:security|verification|validation)[\s_-]*(?:code|value|number))` +
	`[^\pL\pN]{0,5}(?:(?:is|was|no|nr|code|number|value)[^\pL\pN]{1,5}){0,2}` +
	`(\p{Nd}(?:[\p{Zs}\p{Pd}\p{Cf}\p{Mn}.]{0,3}\p{Nd}){2,3})(?:[^\pN]|$)`)

// HoldsVerificationValue reports whether text holds three or four digits after a name of the card verification value.
func HoldsVerificationValue(text string) bool {
	return hasDigits(text, 3) && verification.MatchString(text)
}

// Conceal masks what HoldsNumber and HoldsVerificationValue find, and leaves all else as it is. It is for texts that should
// hold neither, such as logs and exports.
func Conceal(text string) string {
	return concealVerification(maskSpans(text, numbersIn(text)))
}

func concealVerification(text string) string {
	for _, found := range slices.Backward(verification.FindAllStringSubmatchIndex(text, -1)) {
		text = text[:found[2]] + "***" + text[found[3]:]
	}
	return text
}

// Redact masks everything in text that could be a card number or a verification value. It is for text from outside that has
// to be shown or logged, and masks more than Conceal, because a mistake costs nothing there. It masks at least 12 digits of
// any script in a row, together or in groups, with anything but letters and slashes between them; groups of three or more
// digits also with slashes or letters between them, up to three characters, none of them a hexadecimal digit; and every
// number that is very probably a card number.
func Redact(text string) string {
	for {
		masked := maskSpans(text, slices.Concat(rows(text, apart), rows(text, spelled), issuedIn(text)))
		if masked == text {
			return concealVerification(text)
		}
		text = masked // the remaining digits may now stand side by side
	}
}

// maskSpans masks the digits of each span, and of spans that overlap together.
func maskSpans(text string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var masked strings.Builder
	done := 0
	for i := 0; i < len(spans); {
		start, end := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start < end; i++ {
			end = max(end, spans[i].end)
		}
		masked.WriteString(text[done:start] + Mask(digitsOf(text[start:end])))
		done = end
	}
	return masked.String() + text[done:]
}

// rows returns the spans that hold at least MinDigits digits, in groups that each may follow the one before.
func rows(text string, follows func(before, g group) bool) []span {
	var all []span
	var before group
	row, digits := span{}, 0
	for _, g := range append(groupsOf(text), group{gap: []rune("/...")}) { // which follows no group
		if digits == 0 || !follows(before, g) {
			if digits >= MinDigits {
				all = append(all, row)
			}
			row, digits = span{start: g.start}, 0
		}
		row.end, digits, before = g.end, digits+len(g.digits), g
	}
	return all
}

func apart(_, g group) bool {
	return !slices.ContainsFunc(g.gap, func(r rune) bool { return r == '/' || unicode.IsLetter(r) })
}

func spelled(before, g group) bool {
	return len(before.digits) >= 3 && len(g.digits) >= 3 && g.near(before) && !strings.ContainsAny(string(g.gap), "abcdefABCDEF")
}

// digitsOf returns the digits of a text, of any script, as ASCII digits.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if digit, is := digitOf(r); is {
			return digit
		}
		return -1
	}, text)
}

// hasDigits reports whether a text has at least so many digits, of any script: most texts have not, and need not be searched.
func hasDigits(text string, least int) bool {
	for _, r := range text {
		if _, is := digitOf(r); is {
			least--
		}
		if least == 0 {
			return true
		}
	}
	return false
}

// jsonText matches a string in a JSON document.
var jsonText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// ConcealJSON returns a JSON document in which the strings are concealed, names of members too.
func ConcealJSON(document []byte) []byte {
	return jsonText.ReplaceAllFunc(document, func(quoted []byte) []byte {
		var text string
		if json.Unmarshal(quoted, &text) != nil {
			return quoted
		}
		concealed := Conceal(text)
		if concealed == text {
			return quoted
		}
		quoted, _ = json.Marshal(concealed) // encoding a string never fails
		return quoted
	})
}
