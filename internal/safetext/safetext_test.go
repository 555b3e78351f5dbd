package safetext_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"dummyorders/internal/safetext"
)

// The result is one line that a terminal only shows.
func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		" \r\n\t":                            "",
		"250 queued\r\nas 1":                 "250 queued as 1",
		" a\r\n\tb\x00\u2028\u202ec ":        "a b c",
		"no\x1b[2J\x1b]0;owned\x07 \u009b5A": "no [2J ]0;owned 5A",
		"ü ⚠ 𝄞 \xff":                         "ü ⚠ 𝄞 �",
		"👩\u200d👧 م\u200cن\ufeff":            "👩\u200d👧 م\u200cن",
	} {
		assert.Equal(t, want, safetext.Cut(safetext.Line(text), 100, "…"), "%q", text)
	}
}

// Block keeps lines and shows where something was removed.
func TestBlock(t *testing.T) {
	assert.Equal(t, "a\tb\n\nc�[2J � � d", safetext.Block("a\tb\n\nc\x1b[2J \u202e \xff d"))
}

// A text that is too long is cut between characters.
func TestCut(t *testing.T) {
	for text, want := range map[string]string{
		"üüü": "üüü", "üüüü": "üü…", "𝄞𝄞𝄞": "𝄞𝄞𝄞", "𝄞𝄞𝄞𝄞": "𝄞𝄞…", "a \n b": "a b",
	} {
		assert.Equal(t, want, safetext.Cut(safetext.Line(text), 3, "…"), "%q", text)
	}
}

// A text that begins like a formula, and only that, begins with an apostrophe.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=": "'\t=", "＝1": "'＝1", "'a": "''a", "a=1": "a=1", "": "", "ü": "ü"} {
		assert.Equal(t, want, safetext.Cell(text))
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[2J\r\n\xff𝄞", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 1 {
			t.Skip()
		}
		got := safetext.Cut(safetext.Line(text), most, "…")
		unreadable := func(r rune) bool { return !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d' }
		assert.False(t, strings.ContainsFunc(got, unreadable), text)
		assert.True(t, utf8.ValidString(got), text)
		assert.LessOrEqual(t, utf8.RuneCountInString(got), most, text)
	})
}
