package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A condition that begins with an exclamation mark is refused. YAML reads a value that begins with ! as a tag, and
// would keep only the part of a condition after the first space.
func TestConditionExclamationMark(t *testing.T) {
	const text = ": begins with !, which YAML takes for a tag: put it in quotes or after |"
	for _, when := range []string{
		"! card.known", "!card.known", "!card.known && ip.known", "!card.known && !ip.known", "!(card.known) && ip.known", "!",
		"!card.known || ip.known", `!listed("x")`, `! listed("x")`, "!card.known &&\n      ip.known", "!!str card.known", "! [card.known]",
	} {
		require.Equal(t, []string{"rules/b.yaml:4:11" + text}, plain.rule(when).faults(t), when)
	}
	for at, rule := range map[string]string{
		"7:5":  written("x", "true", "!x score: 1"),
		"7:12": written("x", "true", "score: !!int 1"),
		"7:30": written("x", "true", "cases: [{name: a, given: !a {}, hits: true}]"),
	} {
		require.Equal(t, []string{"rules/b.yaml:" + at + text}, plain.with(folder{"rules/b.yaml": "rules:\n" + rule}).faults(t))
	}
	plain.rule("'!card.known'").read(t)
	plain.rule("|\n      !card.known").read(t)
}
