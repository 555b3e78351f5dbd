package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// before is the last word before a place, on the same line.
func before(when string, c complaint) string {
	lines := strings.Split(when, "\n")
	if c.line > len(lines) {
		return ""
	}
	line := []rune(lines[c.line-1])
	words := strings.Fields(string(line[:min(len(line), c.column-1)]))
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// spellings are what other languages write and CEL does not.
var spellings = map[string]string{"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "=": "==", "<>": "!="}

var input = regexp.MustCompile(`(?s)(?:input|recognition error at:|alternative at input) '(.*?)'(?: expecting .*)?$`)

func syntaxError(text, before string) string {
	parts := input.FindStringSubmatch(text)
	if parts == nil {
		return "is no condition in CEL: " + text
	}
	odd := strings.TrimSpace(parts[1])
	for _, word := range []string{odd, before} {
		if right, known := spellings[word]; known {
			return fmt.Sprintf("%q is not CEL: write %s", word, right)
		}
	}
	switch {
	case odd == "<EOF>":
		return "the condition ends too early: something must follow here, a value or a closing bracket"
	case strings.HasPrefix(odd, `'`) || strings.HasPrefix(odd, `"`):
		return fmt.Sprintf("%s is not closed or stands where no text can: put it in a pair of quotes, after an operator", odd)
	}
	return fmt.Sprintf("%q cannot stand here: an operator such as && or ==, or the end of the condition, must come first", odd)
}
