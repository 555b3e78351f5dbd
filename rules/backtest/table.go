package backtest

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is a table in plain text. All cells of a column have the same width. The first column and those in words hold words
// and are aligned left; the others hold numbers and are aligned right.
type table struct {
	words map[int]bool
	lines [][]string
}

func (t *table) add(cells ...any) {
	line := make([]string, len(cells))
	for i, cell := range cells {
		line[i] = fmt.Sprint(cell)
	}
	t.lines = append(t.lines, line)
}

func (t *table) write(out io.Writer) {
	widths := t.widths()
	for _, line := range t.lines {
		var text strings.Builder
		for i, cell := range line {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 || t.words[i] {
				text.WriteString("  " + cell + padding)
			} else {
				text.WriteString("  " + padding + cell)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(text.String(), " "))
	}
	fmt.Fprintln(out)
}

// wrapped breaks a text into lines of about lineWidth characters at most.
func wrapped(text string) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last+word) < lineWidth:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

const lineWidth = 110

func (t *table) widths() map[int]int {
	widths := map[int]int{}
	for _, line := range t.lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}
