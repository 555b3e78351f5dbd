package card

import (
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

// groupsOf returns all digits of a text in groups. Characters without width and marks do not separate digits.
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
		case !unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me):
			gap, open = append(gap, r), false
		}
	}
	for i, g := range groups {
		groups[i].digits = digitsOf(text[g.start:g.end])
	}
	return groups
}

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
	return 0, false
}

// joins reports whether the gap before g may stand between the groups of one card number: up to three signs, or one letter
// that stands between all groups of the number.
func (g group) joins(letter *rune) bool {
	if len(g.gap) == 1 && unicode.IsLetter(g.gap[0]) {
		if *letter == 0 {
			*letter = g.gap[0]
		}
		return *letter == g.gap[0]
	}
	return *letter == 0 && len(g.gap) <= 3 && !slices.ContainsFunc(g.gap, unicode.IsLetter)
}

// span is the place of digits in a text, in bytes.
type span struct{ start, end int }

// issuedIn finds digits that are very probably a card number, alone or in groups: they have the length of a known scheme's
// numbers, its first digits, and the right check digit.
func issuedIn(text string) []span {
	var all []span
	groups := groupsOf(text)
	for i := range groups {
		digits, letter := "", rune(0)
		for j := i; j < len(groups) && len(digits)+len(groups[j].digits) <= MaxDigits; j++ {
			if j > i && !groups[j].joins(&letter) {
				break
			}
			if digits += groups[j].digits; issued(digits) {
				all = append(all, span{groups[i].start, groups[j].end})
			}
		}
	}
	return all
}

// HoldsNumber reports whether text holds digits, of any script, that are very probably a card number. It wrongly takes one
// in thirty random numbers of 16 digits for a card number: a third have the first digits of a scheme, and a tenth of those
// have the right check digit. Nothing else tells them apart. A number with a plus before it is a telephone number.
func HoldsNumber(text string) bool {
	return slices.ContainsFunc(issuedIn(text), func(s span) bool { return !strings.HasSuffix(text[:s.start], "+") })
}

func issued(digits string) bool {
	if len(digits) < MinDigits {
		return false
	}
	s := schemeOf(digits)
	return s != nil && slices.Contains(s.Lengths, len(digits)) && luhnValid(digits)
}

// Redact masks everything in text that could be a card number. It is for text from outside that has to be shown or logged,
// and masks more than HoldsNumber finds, because a mistake costs nothing there. It masks at least 12 digits of any script in
// a row, together or in groups, with anything but letters and slashes between them; groups of three or more digits also with
// slashes between them, or with one letter that is not a hexadecimal digit; and every number that is very probably a card
// number.
func Redact(text string) string {
	for {
		masked := redactOnce(text)
		if masked == text {
			return text
		}
		text = masked // the remaining digits may now stand side by side
	}
}

func redactOnce(text string) string {
	spans := slices.Concat(rows(text, apart), rows(text, spelled), issuedIn(text))
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

// rows returns the spans that hold at least MinDigits digits, in groups that each may follow the one before. follows decides
// that; its letter is the one that has stood between the groups of the row so far.
func rows(text string, follows func(before, g group, letter *rune) bool) []span {
	var all []span
	var before group
	row, digits, letter := span{}, 0, rune(0)
	for _, g := range append(groupsOf(text), group{gap: []rune("/...")}) { // which follows no group
		if digits == 0 || !follows(before, g, &letter) {
			if digits >= MinDigits {
				all = append(all, row)
			}
			row, digits, letter = span{start: g.start}, 0, 0
		}
		row.end, digits, before = g.end, digits+len(g.digits), g
	}
	return all
}

func apart(_, g group, _ *rune) bool {
	return !slices.ContainsFunc(g.gap, func(r rune) bool { return r == '/' || unicode.IsLetter(r) })
}

func spelled(before, g group, letter *rune) bool {
	return len(before.digits) >= 3 && len(g.digits) >= 3 && g.joins(letter) && !strings.ContainsRune("abcdefABCDEF", *letter)
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
