package yamlfile

import (
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// Place is where a character of a scalar's text stands in the file. line and column count from 1, in the text. It follows
// the text through the file, past the indents, quotes and escapes that the text does not have.
func (v *Value) Place(line, column int) (int, int) {
	f := follower{lines: v.doc.lines, quote: quote(v.node.Style)}
	if v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		f.begin(v.node.Line, 0)
	} else {
		f.begin(v.node.Line-1, v.node.Column-1)
	}
	textLine, textColumn := 1, 1
	for _, r := range v.node.Value {
		if textLine > line || textLine == line && textColumn >= column {
			f.skip()
			break
		}
		if r == '\n' {
			textLine, textColumn = textLine+1, 1
		} else {
			textColumn++
		}
		if !unicode.IsSpace(r) {
			f.past(r)
		}
	}
	return f.line + 1, f.column + 1
}

func quote(style yaml.Style) rune {
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		return '"'
	case style&yaml.SingleQuotedStyle != 0:
		return '\''
	}
	return 0
}

// follower is a place in a file. Space is of no account to it: YAML folds lines, and so it must be to whoever names the place.
type follower struct {
	lines        []string
	line, column int
	here         []rune // the line
	quote        rune
}

// begin goes to a line.
func (f *follower) begin(line, column int) {
	f.line, f.column, f.here = line, column, nil
	if line < len(f.lines) {
		f.here = []rune(f.lines[line])
	}
}

// now is the character at the place; at the end of a line it is a line break, and at the end of the file 0.
func (f *follower) now() rune {
	switch {
	case f.column < len(f.here):
		return f.here[f.column]
	case f.line < len(f.lines):
		return '\n'
	}
	return 0
}

func (f *follower) step() {
	if f.now() == '\n' {
		f.begin(f.line+1, 0)
		return
	}
	f.column++
}

// skip goes to the next character that the text may have.
func (f *follower) skip() {
	for r := f.now(); r != 0 && (unicode.IsSpace(r) || r == f.quote || f.quote == '"' && r == '\\'); r = f.now() {
		if r == '\'' && f.next() == '\'' {
			f.step() // two stand for one, which is the text's
			return
		}
		if r == '\\' {
			f.step()
			if strings.ContainsRune(`"\/`, f.now()) {
				return
			}
		}
		f.step()
	}
}

// next is the character after the place, on its line.
func (f *follower) next() rune {
	if f.column+1 < len(f.here) {
		return f.here[f.column+1]
	}
	return '\n'
}

// past goes behind a character of the text.
func (f *follower) past(r rune) {
	for f.skip(); f.now() != 0 && f.now() != r; f.skip() {
		f.step()
	}
	f.step()
}
