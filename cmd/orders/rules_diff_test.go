package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Diff names each thing that differs.
func TestDiff(t *testing.T) {
	was, is := ruleset(t, rule), ruleset(t, strings.Replace(rule, "score: 40", "score: 50", 1))
	out, err := printed(t, diffRulesCommand{From: was, To: is}.diff)
	require.EqualError(t, err, was+" and "+is+" differ in 1 thing")
	require.Equal(t, "the rule velocity: score was 40, is 50\n", out)
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "diff", was, is}))
}

// Rulesets that decide alike do not differ.
func TestDiffSame(t *testing.T) {
	was := ruleset(t, rule)
	for is, line := range map[string]string{
		was:                                "They decide alike.\n",
		ruleset(t, "# a comment\n"+rule):   "They decide alike: only comments, cases or the order of rules differ.\n",
		ruleset(t, rule+"      # later\n"): "They decide alike: only comments, cases or the order of rules differ.\n",
	} {
		out, err := printed(t, diffRulesCommand{From: was, To: is}.diff)
		require.NoError(t, err)
		require.Equal(t, line, out)
	}
}

// Of a long condition, diff shows the lines that differ.
func TestDiffLongCondition(t *testing.T) {
	long := func(lines ...string) string {
		return ruleset(t, strings.Replace(rule, ` card.count("10m") >= 3`, " |\n      "+strings.Join(lines, "\n      "), 1))
	}
	was := long(`card.count("10m") >= 3 &&`, `  payment.amount > 5 &&`, `  payment.amount < 1000 &&`, `  order.cost > 1`)
	is := long(`card.count("10m") >= 3 &&`, `  payment.amount > 6 &&`, `  payment.amount < 1000 &&`, `  order.items > 0 &&`, `  order.cost > 1`)
	out, err := printed(t, diffRulesCommand{From: was, To: is}.diff)
	require.ErrorContains(t, err, "differ in 1 thing")
	require.Equal(t, `the rule velocity: when, where its lines differ:
  -   payment.amount > 5 &&
  +   payment.amount > 6 &&
  +   order.items > 0 &&
`, out)

	out, _ = printed(t, diffRulesCommand{From: was, To: long(`card.count("10m") >= 3`)}.diff)
	require.Equal(t, `the rule velocity: when, where its lines differ:
  - card.count("10m") >= 3 &&
  -   payment.amount > 5 &&
  -   payment.amount < 1000 &&
  -   order.cost > 1
  + card.count("10m") >= 3
`, out)
}

// A rule that is new or gone is shown as a block.
func TestDiffNewAndRemovedRules(t *testing.T) {
	other := strings.Replace(strings.Replace(rule, "id: velocity", "id: twice", 1), ` card.count("10m") >= 3`, " |\n      card.count(\"10m\") >= 3 ||\n        false", 1)
	one, two := ruleset(t, rule), ruleset(t, rule+strings.TrimPrefix(other, "rules:\n"))
	block := `
  name     Many payments with one card
  when     card.count("10m") >= 3 ||
             false
  score    40
  mode     live
  reason   VELOCITY
  message  the card was used often
`
	out, err := printed(t, diffRulesCommand{From: one, To: two}.diff)
	require.ErrorContains(t, err, "differ in 1 thing")
	require.Equal(t, "the rule twice is new:"+block, out)
	out, _ = printed(t, diffRulesCommand{From: two, To: one}.diff)
	require.Equal(t, "the rule twice is gone:"+block, out)
}
