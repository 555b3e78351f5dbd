package rules_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/rules"
)

// folder maps the names of a ruleset's files to their contents.
type folder map[string]string

// plain is a ruleset of two rules without faults.
var plain = folder{
	"ruleset.yaml": "id: plain\nversion: 1\nthresholds: {review: 40, decline: 80}\n",
	"rules/a.yaml": "rules:\n" + written("often", `card.count("10m") >= 3`, "score: 45") + written("big", "payment.amount > 1000", "score: 45"),
}

// with returns the folder with files added or replaced. Empty contents remove a file.
func (f folder) with(changes folder) folder {
	changed := maps.Clone(f)
	maps.Copy(changed, changes)
	return changed
}

// rule returns the folder with one more rule.
func (f folder) rule(when string, lines ...string) folder {
	return f.with(folder{"rules/b.yaml": "rules:\n" + written("tried", when, lines...)})
}

func (f folder) files() fstest.MapFS {
	files := fstest.MapFS{}
	for name, content := range f {
		if content != "" {
			files[name] = &fstest.MapFile{Data: []byte(content)}
		}
	}
	return files
}

func (f folder) read(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.Read(f.files(), "test")
	require.NoError(t, err)
	return set
}

// faults returns the faults of a folder, which must have some.
func (f folder) faults(t testing.TB) []string {
	t.Helper()
	_, err := rules.Read(f.files(), "test")
	var faults rules.Faults
	require.ErrorAs(t, err, &faults)
	return strings.Split(faults.Error(), "\n")
}

// written returns a rule as YAML. Its condition begins at 4:11 of the file if it is the first rule.
func written(id, when string, lines ...string) string {
	text := fmt.Sprintf("  - id: %s\n    name: a rule\n    when: %s\n    reason: %s\n    message: it is so\n", id, when, strings.ToUpper(id))
	for _, line := range lines {
		text += "    " + line + "\n"
	}
	if !strings.Contains(text, "cases:") {
		text += "    cases: []\n"
	}
	return text
}

// withZeros returns values of all features of a set: 0, except for those in known.
func withZeros(s *rules.Set, known map[string]float64) map[string]float64 {
	values := map[string]float64{}
	for _, f := range s.Features() {
		values[f.String()] = 0
	}
	maps.Copy(values, known)
	return values
}

func evaluate(s *rules.Set, known map[string]float64) fraud.Decision {
	return s.Evaluate(rules.Unremarkable(), withZeros(s, known))
}
