package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules"
)

// A diff says field by field what changed.
func TestDiff(t *testing.T) {
	a := on("customer.id", "a\nb\nc\n").with(folder{"rules/b.yaml": "rules:\n" + written("gone", "true", "score: 3")})
	b := a.with(folder{
		"ruleset.yaml": strings.NewReplacer("version: 1", "version: 2", "review: 40", "review: 30", "effect: block", "effect: allow").Replace(a["ruleset.yaml"]) + "across_merchants: [ip, card]\n",
		"l.txt":        "c\nd\n",
		"rules/b.yaml": "rules:\n" + written("new", "false", "action: block"),
		"rules/a.yaml": "rules:\n" + written("big", "payment.amount > 1000", "action: review", "score: 80", "public_message: no") +
			written("often", `card.count("10m") >= 4`, "mode: shadow"),
	})
	var changes []string
	for _, c := range rules.Diff(a.read(t), b.read(t)) {
		changes = append(changes, c.String())
	}
	require.Equal(t, []string{
		`the ruleset: version was 1, is 2`,
		`the ruleset: the threshold of review was 40, is 30`,
		`the ruleset: across_merchants was not given, is card, ip`,
		`the list l: effect was block, is allow`,
		`the list l: entries was 3, is 2 (1 added, 2 removed)`,
		`the rule big: score was 45, is 80`,
		`the rule big: action was not given, is review`,
		`the rule big: public_message was not given, is no`,
		`the rule gone is gone: when true, score 3, mode live, reason GONE, message it is so, name a rule`,
		`the rule new is new: when false, score 0, action block, mode live, reason NEW, message it is so, name a rule`,
		`the rule often: when was card.count("10m") >= 3, is card.count("10m") >= 4`,
		`the rule often: score was 45, is 0`,
		`the rule often: mode was live, is shadow`,
	}, changes)
	require.Empty(t, rules.Diff(a.read(t), a.read(t)))
}

// The digest covers what decides and not the cases.
func TestDigest(t *testing.T) {
	base := on("customer.id", "a\n")
	digest := base.read(t).Ruleset().Digest
	require.Regexp(t, "^sha256:[0-9a-f]{64}$", digest)
	for name, changed := range map[string]folder{
		"a threshold": base.with(folder{"ruleset.yaml": strings.Replace(base["ruleset.yaml"], "review: 40", "review: 41", 1)}),
		"merchants":   base.with(folder{"ruleset.yaml": base["ruleset.yaml"] + "across_merchants: [card]\n"}),
		"a list":      base.with(folder{"l.txt": "b\n"}),
		"a rule":      base.with(folder{"rules/a.yaml": strings.Replace(base["rules/a.yaml"], ">= 3", ">= 4", 1)}),
		"a file":      base.with(folder{"rules/b.yaml": "rules: []\n"}),
		"a name":      base.with(folder{"rules/b.yaml": base["rules/a.yaml"], "rules/a.yaml": ""}),
	} {
		require.NotEqual(t, digest, changed.read(t).Ruleset().Digest, name)
	}
	for name, same := range map[string]folder{
		"cases":               {"cases/a.yaml": "cases: []\n"},
		"a file that is none": {"README.md": "read me", "rules/notes.txt": "x", "rules/.a.yaml.swp": "x", "lists/unused.txt": "x"},
	} {
		require.Equal(t, digest, base.with(same).read(t).Ruleset().Digest, name)
	}
}
