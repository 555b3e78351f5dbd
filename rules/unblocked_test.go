package rules_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules"
)

const inSpite = "WARN A ruleset is used in spite of faults: they change no decision"

// A threshold out of reach is a fault that does not keep the ruleset from deciding.
func TestThresholdOutOfReach(t *testing.T) {
	set := plain.with(folder{"ruleset.yaml": strings.Replace(plain["ruleset.yaml"], "80", "91", 1)}).read(t)
	require.Equal(t, []rules.Fault{{
		File: "ruleset.yaml", Line: 3, Column: 35,
		Text: "no score can reach this: those of all live rules come to 90, so it must be at most that, or rules must score more",
	}}, set.Unreachable())
	require.Empty(t, plain.read(t).Unreachable())
	require.Empty(t, rules.Default().Unreachable())
}

// A rule put in shadow is taken over, although a threshold is then out of reach. Putting a rule in shadow in an
// emergency may leave a threshold that no score can reach.
func TestReloadRuleInShadow(t *testing.T) {
	w := watch(t, numbered(2))
	inShadow := numbered(2)
	inShadow["rules/a.yaml"] += "    mode: shadow\n"
	w.save(inShadow)
	w.look(10)
	require.Empty(t, w.Current().Evaluate(rules.Unremarkable(), nil).Reasons)
	require.Equal(t, []string{inSpite, tookOver}, w.logs())
	require.Contains(t, w.logged.String(), "ruleset.yaml:3:22: no score can reach this")
}

// Faults in cases do not keep a change from deciding.
func TestReloadFaultsInCases(t *testing.T) {
	for name, broken := range map[string]folder{
		"of the whole set":  {"cases/a.yaml": "cases: [{name: a, given: {crad: none}, outcome: approve}]\n"},
		"that are no YAML":  {"cases/a.yaml": "cases: ["},
		"with a wrong name": {"cases/a.yml": "cases: []"},
		"of a rule":         {"rules/b.yaml": "rules:\n" + written("x", "true", "cases: [{name: a, given: {seen: {card.count(\"1d\"): 1}}, hits: true}]")},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t, numbered(2))
			w.save(numbered(3))
			w.save(broken)
			w.look(10)
			require.Equal(t, 3, w.version())
			require.Equal(t, []string{inSpite, tookOver}, w.logs())
			_, err := rules.Load(w.folder)
			require.ErrorAs(t, err, new(rules.Faults))
			again := watch(t, numbered(3).with(broken))
			require.Equal(t, 3, again.version(), "a start takes it, too")
		})
	}
}

// A source that starts with faults in cases says so once.
func TestSourceStartsWithCaseFaults(t *testing.T) {
	w := &watched{t: t, folder: t.TempDir(), logged: &bytes.Buffer{}}
	w.save(numbered(2).with(folder{"cases/a.yaml": "cases: ["}))
	source, err := rules.NewSource(w.folder, slog.New(slog.NewJSONHandler(w.logged, nil)))
	require.NoError(t, err)
	require.Equal(t, []string{inSpite}, w.logs())
	w.Source = source
	w.look(10)
	require.Equal(t, []string{inSpite}, w.logs())
	require.Contains(t, w.logged.String(), "cases/a.yaml:")
}

// A file of cases that cannot be read hides no faults of others.
func TestUnreadableCasesHideNothing(t *testing.T) {
	for _, torn := range []string{"cases: [", "#" + strings.Repeat(" ", 32<<20)} {
		require.Len(t, plain.with(folder{
			"cases/a.yaml": torn, "cases/b.yaml": "cases: [{name: a, given: {crad: none}, outcome: approve}]\n",
		}).faults(t), 2)
	}
}

// Faults in cases are reported beside those of rules.
func TestFaultsOfCasesAndRules(t *testing.T) {
	require.Len(t, plain.with(folder{
		"cases/a.yaml": "cases: [{name: a, given: {crad: none}, outcome: approve}]\n", "rules/b.yaml": "rules:\n" + written("x", "card"),
	}).faults(t), 2)
}

// A file that cannot be read is tried again, although nothing changes. The state of the folder is the same before and
// after: for the state, a file that cannot be read counts as one that contains "cannot be read".
func TestReloadUnreadableFile(t *testing.T) {
	w := watch(t, numbered(2))
	outside, list := filepath.Join(t.TempDir(), "outside.txt"), filepath.Join(w.folder, "l.txt")
	require.NoError(t, os.Remove(list))
	require.NoError(t, os.Symlink(outside, list))
	w.save(folder{"rules/b.yaml": "rules: []\n"})
	w.look(5)
	require.Equal(t, []string{refused}, w.logs(), "it is said once within a minute")
	require.NoError(t, os.Remove(list))
	w.save(folder{"l.txt": "cannot be read"})
	w.look(1)
	require.Equal(t, []string{refused, tookOver}, w.logs())
}

// A folder without rules says so and nothing else.
func TestFolderWithoutRules(t *testing.T) {
	for _, f := range []folder{
		{"ruleset.yaml": plain["ruleset.yaml"]},
		{"ruleset.yaml": plain["ruleset.yaml"] + "odd: 1\n", "rulez/a.yaml": plain["rules/a.yaml"], "cases/a.yaml": "cases: [{name: a}]"},
		{"ruleset.yaml": plain["ruleset.yaml"], "rules/README.md": "none yet"},
	} {
		require.Equal(t, []string{"rules: no rules: there must be rules/*.yaml"}, f.faults(t))
	}
}

// Files in the folder that are not read are warned of.
func TestWarnOfUnreadFiles(t *testing.T) {
	set := plain.with(folder{
		"ruleset.yaml":     plain["ruleset.yaml"] + "lists:\n  l: {file: people/l.txt, of: customer.id, effect: block}\n",
		"people/l.txt":     "c-1\n",
		"rules/old/a.yaml": "rules: []\n", "case/a.yaml": "cases: []\n", "README.md": "Ours.", ".git/x": "x", "lists/l.txt": "c-2",
	}).read(t)
	require.Equal(t, []rules.Fault{
		{File: "case", Text: "is not read: a ruleset is made of ruleset.yaml, rules/, cases/ and the files of its lists"},
		{File: "rules/old", Text: "is not read: files must stand in rules/ itself"},
	}, set.Warnings())
}

func TestLargeFileIsNotRead(t *testing.T) {
	huge := plain.with(folder{"rules/b.yaml": "#" + strings.Repeat(" ", 32<<20)})
	require.Equal(t, []string{"rules/b.yaml: cannot be read: it is larger than 33554432 bytes"}, huge.faults(t))
}
