// Package safetext makes text from outside safe to show: in records, messages, terminals and logs.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns the text on one line. Single spaces stand for white space and for every character that is not shown, such as
// those that a terminal obeys or that turn the direction of writing.
func Line(text string) string {
	return strings.Join(strings.Fields(replace(text, ' ')), " ")
}

// Block returns the text with its lines and tabs. U+FFFD stands for every other character that Line would replace.
func Block(text string) string {
	return replace(text, unicode.ReplacementChar)
}

func replace(text string, by rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), by != ' ' && (r == '\n' || r == '\t'):
			return r
		case r == '\u200c' || r == '\u200d': // they join and part letters and emoji, and do nothing by themselves
			return r
		}
		return by
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// Cut returns at most so many characters of the text. One that was cut ends in the mark, which counts.
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
