package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/rules"
)

// A pattern's cost is that of what it is compiled to.
func TestPatternCost(t *testing.T) {
	for _, when := range []string{
		`metadata("note").value.matches("((a?){1000})x")`, `matches(metadata("note").value, "((a?){1000})x")`,
		`order.name.matches("((a?){1000})x")`, `order.name.lowerAscii().matches("((a?){1000})x")`,
		`order.name.split(" ").exists(word, word.matches("((a?){100})x"))`,
		`metadata("note").value.matches("[` + strings.Repeat("a", 1000) + `]")`, // CEL stops its evaluation by the pattern's length
	} {
		require.Contains(t, plain.rule("|\n      " + when).faults(t)[0], "and 10000 is the limit", when)
	}
	short, long := `card.lastFour.matches("((a?){1000})x")`, `metadata("note").value.matches("(?i)gift\\s*card")`
	for when, most := range map[string]uint64{short: 2500, long: 700} {
		cost := plain.rule("|\n      "+when, "score: 1").read(t).Rules()[2].Cost
		require.Less(t, cost, most, when)
		require.Greater(t, cost, most/2, when)
	}
}

// All rules together have a limit too.
func TestCostOfAllRules(t *testing.T) {
	many := func(number int, when string) folder {
		var text strings.Builder
		text.WriteString("rules:\n")
		for i := range number {
			text.WriteString(written(fmt.Sprintf("rule_%d", i), when, "score: 1"))
		}
		return plain.with(folder{"rules/b.yaml": text.String()})
	}
	many(1000, `'card.count("1h") >= 3 && payment.currency == "INR" && order.name.contains("gift card") && payment.amount > 5'`).read(t)
	dear := `'metadata("note").value.matches("gift card|voucher|top-up|wallet|recharge") && card.count("1h") >= 3'`
	many(10, dear).read(t)
	require.Regexp(t, `^rules/b.yaml:2: all rules together may cost up to \d+ units, and 200000 is the limit: the dearest is this, rule_0, of \d+$`,
		many(200, dear).faults(t)[0])
}

// A rule that costs more than was estimated fails. The API limits texts to the bounds that costs are estimated from. A
// longer text stops the evaluation.
func TestCostAboveEstimate(t *testing.T) {
	set := plain.rule(`metadata("a").value.contains(metadata("b").value)`, "score: 1").read(t)
	c := rules.Unremarkable()
	c.Metadata = map[string]string{"a": strings.Repeat("a", 100_000), "b": strings.Repeat("b", 100_000)}
	d := set.Evaluate(c, withZeros(set, nil))
	require.Equal(t, fraud.Review, d.Outcome)
	require.Contains(t, d.Explanation.Rules[0].Error, "cost limit exceeded")
}
