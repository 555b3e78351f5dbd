// Package oneline makes strangers' words fit for a record that people read, and for their terminals.
package oneline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Of is the text on one line and in at most so many characters, the "…" at the end of a cut one among them. A space
// stands for all that is no character to read: a terminal would obey some of it.
func Of(text string, most int) string {
	readable := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cut(strings.Join(strings.Fields(readable), " "), most)
}

func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(0, most-1)]) + "…"
}
