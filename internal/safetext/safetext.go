// Package safetext makes text from outside safe to show: in records, messages, terminals and logs.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns the text on one line. It replaces white space and invisible characters, such as terminal control
// characters and those that change the writing direction, with single spaces.
func Line(text string) string {
	return strings.Join(strings.Fields(replace(text, ' ')), " ")
}

// Block returns the text with its lines and tabs. It replaces every other character that Line would replace with
// U+FFFD.
func Block(text string) string {
	return replace(text, unicode.ReplacementChar)
}

func replace(text string, by rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), by != ' ' && (r == '\n' || r == '\t'):
			return r
		case r == '\u200c' || r == '\u200d': // they join or separate letters and emoji, and are harmless by themselves
			return r
		}
		return by
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// Cut returns up to most characters of the text. A text that was cut ends in mark, which is included in the count.
func Cut(text string, most int, mark string) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	keep := max(0, most-utf8.RuneCountInString(mark))
	for at := range text {
		if keep == 0 {
			return text[:at] + mark
		}
		keep--
	}
	return text
}

// Cell returns a text for a spreadsheet, which would take one that begins like a formula for one: it then begins with an apostrophe,
// as https://owasp.org/www-community/attacks/CSV_Injection advises.
func Cell(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	if text != "" && strings.ContainsRune("'=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
