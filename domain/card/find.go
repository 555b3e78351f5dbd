package card

import (
	"slices"
	"strings"
	"unicode"
)

// group is digits of any script that stand side by side in a text, with what stands between them and the group before: the
// characters that are seen.
type group struct {
	digits     string
	start, end int // in bytes
	gap        []rune
}

// groupsOf takes out of a text all that is digits. Characters of no width and marks part no digits.
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

// digitOf is the value of a decimal digit of any script. Each script's stand in the order of their values.
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

// joins reports whether a gap may stand between the groups of one card number: up to three signs, or one letter that stands
// between all its groups.
func (g group) joins(letter *rune) bool {
	if len(g.gap) == 1 && unicode.IsLetter(g.gap[0]) {
		if *letter == 0 {
			*letter = g.gap[0]
		}
		return *letter == g.gap[0]
	}
	return *letter == 0 && len(g.gap) <= 3 && !slices.ContainsFunc(g.gap, unicode.IsLetter)
}

// span is where digits stand in a text, in bytes.
type span struct{ start, end int }

// issuedIn finds what is in all likelihood the number of a card: as many digits as a known scheme's numbers have, with its
// first ones and the right check digit, alone or in groups.
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

// HoldsNumber reports whether text holds what is in all likelihood the number of a card, in digits of any script. Of random
// numbers of 16 digits it takes one in thirty for a card's: a third have the first digits of a scheme, and of those a tenth
// the right check digit. Nothing else tells them apart. A number with a plus before it is a telephone's.
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

// Redact masks whatever in text could be a card number. It is for text from outside that has to be shown or logged, and
// masks more than HoldsNumber finds, since a mistake costs nothing there: at least 12 digits of any script in a row, as they
// are or in groups, whatever but letters and slashes is between them; groups of three and more also with slashes or one
// letter between them that is no hexadecimal digit; and every number that is in all likelihood a card's.
func Redact(text string) string {
	for {
		masked := redactOnce(text)
		if masked == text {
			return text
		}
		text = masked // what is left may stand side by side now
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

// rows are at least MinDigits digits in groups of which each may follow the one before it, with the letter that has stood
// between those of its row.
func rows(text string, follows func(before, g group, letter *rune) bool) []span {
	var all []span
	var before group
	row, digits, letter := span{}, 0, rune(0)
	for _, g := range append(groupsOf(text), group{gap: []rune("/...")}) { // which follows none
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

// digitsOf is the digits of a text, of any script, as those of ASCII.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if digit, is := digitOf(r); is {
			return digit
		}
		return -1
	}, text)
}
