package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/rules"
)

// drawn is a rule of a ruleset that rapid generates.
type drawn struct {
	score  int
	action string
	hits   bool
	shadow bool
	fails  bool
}

func (d drawn) written(id string) string {
	when := fmt.Sprint(d.hits)
	if d.fails {
		when = "1 / (order.items - 1) > 0" // the unremarkable order has one item
	}
	lines := []string{fmt.Sprintf("score: %d", d.score)}
	if d.action != "" {
		lines = append(lines, "action: "+d.action)
	}
	if d.shadow {
		lines = append(lines, "mode: shadow")
	}
	return written(id, when, lines...)
}

var anyRule = rapid.Custom(func(t *rapid.T) drawn {
	return drawn{
		score:  rapid.IntRange(-100, 100).Draw(t, "score"),
		action: rapid.SampledFrom([]string{"", "", "", "allow", "review", "block"}).Draw(t, "action"),
		hits:   rapid.Bool().Draw(t, "hits"),
		shadow: rapid.IntRange(0, 4).Draw(t, "shadow") == 0,
		fails:  rapid.IntRange(0, 9).Draw(t, "fails") == 0,
	}
})

var anyRules = rapid.SliceOfN(anyRule, 0, 6)

var anyLists = rapid.SampledFrom([]string{"", "", "allow", "block", "allow block"})

// decided returns the decision of a ruleset about the unremarkable transaction. order is the order of the rules in it.
func decided(t *rapid.T, all []drawn, order []int, on string) fraud.Decision {
	set := madeOf(t, all, order, on)
	return set.Evaluate(rules.Unremarkable(), withZeros(set, nil))
}

func madeOf(t *rapid.T, all []drawn, order []int, on string) *rules.Set {
	text := "rules:\n"
	for _, i := range order {
		text += all[i].written(fmt.Sprintf("rule_%d", i))
	}
	files := saying(nil, on).with(folder{"rules/c.yaml": text}).files()
	set, err := rules.Read(files, "drawn")
	require.NoError(t, err)
	return set
}

func inTurn(number int) []int {
	order := make([]int, number)
	for i := range order {
		order[i] = i
	}
	return order
}

var severity = map[fraud.Outcome]int{fraud.Approve: 0, fraud.Review: 1, fraud.Decline: 2}

// The order of rules changes neither outcome nor score.
func TestRuleOrderChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, on := anyRules.Draw(t, "rules"), anyLists.Draw(t, "lists")
		seed := rapid.Uint64().Draw(t, "order")
		other := rand.New(rand.NewPCG(seed, 0)).Perm(len(all))
		a, b := decided(t, all, inTurn(len(all)), on), decided(t, all, other, on)
		require.Equal(t, b.Outcome, a.Outcome)
		require.Equal(t, b.Score, a.Score)
		require.Len(t, a.Reasons, len(b.Reasons))
	})
}

// A raised score never lowers the outcome.
func TestRaisedScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, on := rapid.SliceOfN(anyRule, 1, 6).Draw(t, "rules"), anyLists.Draw(t, "lists")
		before := decided(t, all, inTurn(len(all)), on)
		i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
		all[i].score = rapid.IntRange(all[i].score, 100).Draw(t, "raised")
		after := decided(t, all, inTurn(len(all)), on)
		require.GreaterOrEqual(t, severity[after.Outcome], severity[before.Outcome], "%s %s", before.Outcome, after.Outcome)
		require.GreaterOrEqual(t, after.Score, before.Score, "%s %s", before.Outcome, after.Outcome)
	})
}

func TestBlockListBeatsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := anyRules.Draw(t, "rules")
		on := rapid.SampledFrom([]string{"block", "allow block"}).Draw(t, "lists")
		d := decided(t, all, inTurn(len(all)), on)
		require.Equal(t, fraud.Decline, d.Outcome)
		require.GreaterOrEqual(t, d.Score, 80)
	})
}

func TestAllowListBeatsAllButBlockList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := anyRules.Draw(t, "rules")
		d := decided(t, all, inTurn(len(all)), "allow")
		require.Equal(t, fraud.Approve, d.Outcome, "%d", d.Score)
	})
}

func TestOutcomeAgreesWithThresholds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, on := anyRules.Draw(t, "rules"), anyLists.Draw(t, "lists")
		d := decided(t, all, inTurn(len(all)), on)
		least := map[fraud.Outcome]int{fraud.Approve: 0, fraud.Review: 40, fraud.Decline: 80}[d.Outcome]
		require.GreaterOrEqual(t, d.Score, least, d.Outcome)
		require.LessOrEqual(t, d.Score, fraud.MaxScore, d.Outcome)
	})
}

func TestHitsSettleToOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, lists := anyRules.Draw(t, "rules"), anyLists.Draw(t, "lists")
		set := madeOf(t, all, inTurn(len(all)), lists)
		d := set.Evaluate(rules.Unremarkable(), withZeros(set, nil))
		live := slices.DeleteFunc(slices.Clone(d.Explanation.Rules), func(r fraud.RuleResult) bool { return r.Shadow })
		require.Equal(t, d.Outcome, set.Settle(live), "%+v", live)
	})
}

// Shadow rules change nothing but the explanation.
func TestShadowRulesOnlyExplain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, on := anyRules.Draw(t, "rules"), anyLists.Draw(t, "lists")
		var live []int
		for i, r := range all {
			if !r.shadow {
				live = append(live, i)
			}
		}
		with, without := decided(t, all, inTurn(len(all)), on), decided(t, all, live, on)
		with.Explanation, without.Explanation, with.Ruleset, without.Ruleset = nil, nil, fraud.Ruleset{}, fraud.Ruleset{}
		require.Empty(t, cmp.Diff(without, with), "without and with rules in shadow")
	})
}

// A trial decides as if shadow rules were live.
func TestTrial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, on := anyRules.Draw(t, "rules"), anyLists.Draw(t, "lists")
		all = append(all, drawn{shadow: true})
		tried := decided(t, all, inTurn(len(all)), on).Explanation.Trials[0]
		for i := range all {
			all[i].shadow = false
		}
		acting := decided(t, all, inTurn(len(all)), on)
		require.Equal(t, acting.Outcome, tried.Outcome)
		require.Equal(t, acting.Score, tried.Score)
	})
}

func TestEvaluateIsDeterministic(t *testing.T) {
	set := rules.Default()
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]float64{}
		for _, f := range set.Features() {
			values[f.String()] = rapid.Float64Range(0, 1000).Draw(t, f.String())
		}
		require.Empty(t, cmp.Diff(set.Evaluate(rules.Unremarkable(), values), set.Evaluate(rules.Unremarkable(), values)))
	})
}
