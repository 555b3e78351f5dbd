package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules"
	"dummyorders/rules/lang"
)

// Wrong arguments have an exit code of their own.
func TestRulesArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{
		"rules", "rules lint", "rules init", "rules check", "rules check a b", "rules test", "rules try", "rules explain", "rules diff a",
		"rules vocabulary all",
		"rules try default --at=yesterday",
		"rules try default --seen=4",
		"rules try default --seen=visits=4",
		"rules try default --seen=payment.amount=4",
		`rules try default --seen=card.count("10m")=four`,
		`rules try default --seen=card.count("10m")=-1`,
		`rules try default --seen=card.count("10m")=NaN`,
		`rules try default --seen=card.count("90d")=1`,
	} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields(args)), args)
	}
}

// The ruleset that init writes is the built-in one.
func TestInit(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "shop", "my-rules")
	require.Zero(t, execute(t.Context(), []string{"rules", "init", folder}))
	set, err := loadRuleset(folder)
	require.NoError(t, err)
	require.Equal(t, rules.Default().Ruleset(), set.Ruleset())
	require.NoError(t, os.WriteFile(filepath.Join(folder, "ruleset.yaml"), nil, 0o600), "what was written cannot be changed")
}

// A folder called default is named so that it is not taken for the built-in ruleset. Only the bare word default names
// the built-in ruleset.
func TestInitFolderCalledDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	out, err := printed(t, initRulesCommand{Folder: "default"}.init)
	require.NoError(t, err)
	require.Equal(t, "The built-in ruleset is in ./default. Change it, then run: orders rules check ./default\n", out)
}

func TestInitRefusesFullFolder(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "ruleset.yaml")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "init", folder}))
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "init", file}))
	require.Equal(t, "mine", contents(t, file))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// Check says what a ruleset holds.
func TestCheckRules(t *testing.T) {
	folder := ruleset(t, rule)
	out, err := printed(t, checkRulesCommand{Ruleset: folder}.check)
	require.NoError(t, err)
	require.Regexp(t, `^tiny version 7: 1 rule \(0 in shadow\), 1 feature, 0 lists, a cost of [0-9]+ at most, sha256:[0-9a-f]{64}\n$`, out)
}

// Check reports every fault with its place and what would be right.
func TestCheckRulesFaults(t *testing.T) {
	folder := ruleset(t, strings.NewReplacer("card.count(", "cart.count(", "score: 40", "score: 400").Replace(rule))
	_, err := printed(t, checkRulesCommand{Ruleset: folder}.check)
	lines := strings.Split(err.Error(), "\n")
	require.Equal(t, "the ruleset "+folder+" cannot be used:", lines[0])
	file := filepath.Join(folder, "rules", "velocity.yaml")
	require.Contains(t, err.Error(), "\n"+file+`:4:11: "cart" is not known: did you mean "card"?`)
	require.Contains(t, err.Error(), "\n"+file+":5:12: must be a whole number from -100 to 100")
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "check", folder}))
}

func TestCheckRulesWarnings(t *testing.T) {
	untried, _, _ := strings.Cut(rule, "    cases:")
	folder := ruleset(t, untried)
	out, err := printed(t, checkRulesCommand{Ruleset: folder}.check)
	require.NoError(t, err)
	require.Contains(t, out, "warning: "+filepath.Join(folder, "rules", "velocity.yaml")+":2:5: the rule velocity has no cases")
}

func TestMissingRuleset(t *testing.T) {
	_, err := loadRuleset(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "none")
	require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "test", filepath.Join(t.TempDir(), "none")}))
}

// The output counts the cases that passed.
func TestTestRules(t *testing.T) {
	out, err := printed(t, testRulesCommand{Ruleset: ruleset(t, rule)}.test)
	require.NoError(t, err)
	require.Equal(t, "2 cases passed, of 1 rule and of the whole ruleset\n", out)
}

func TestTestRulesFails(t *testing.T) {
	folder := ruleset(t, strings.Replace(rule, ">= 3", ">= 4", 1))
	out, err := printed(t, testRulesCommand{Ruleset: folder}.test)
	require.EqualError(t, err, "1 of 2 cases failed")
	require.Equal(t, filepath.Join(folder, "rules", "velocity.yaml")+`:9: the rule velocity, case "the fourth":
	it must hit, and does not
	when: card.count("10m") >= 4
	card.count("10m") was 3

`, out)
}

func TestVocabulary(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printVocabulary(&out))
	for _, part := range lang.Vocabulary() {
		for _, word := range part.Words {
			require.Contains(t, out.String(), word.Name)
			require.Contains(t, out.String(), word.Example)
		}
	}
	require.Zero(t, execute(t.Context(), []string{"rules", "vocabulary"}))
}

// rule is a ruleset's file with one rule.
const rule = `rules:
  - id: velocity
    name: Many payments with one card
    when: card.count("10m") >= 3
    score: 40
    reason: VELOCITY
    message: the card was used often
    cases:
      - name: the fourth
        given: {seen: {'card.count("10m")': 3}}
        hits: true
      - name: the third
        given: {seen: {'card.count("10m")': 2}}
        hits: false
`

// ruleset creates a folder with a ruleset whose rules are in one file.
func ruleset(t *testing.T, velocity string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "rules"), 0o700))
	for file, text := range map[string]string{
		"ruleset.yaml":        "id: tiny\nversion: 7\nthresholds: {review: 20, decline: 40}\n",
		"rules/velocity.yaml": velocity,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
	}
	return folder
}

// printed returns what a command writes to the standard output.
func printed(t *testing.T, do func(output) error) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := do(output{results: &out, progress: io.Discard})
	return out.String(), err
}
