package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules/lang"
)

// Every example of the vocabulary is a condition. The built-in ruleset has the list that one of the examples uses.
func TestVocabularyExamples(t *testing.T) {
	set := everyWord(t)
	require.NotEmpty(t, exampleRules())
	for _, r := range evaluate(set, nil).Explanation.Rules {
		require.Empty(t, r.Error, r.ID)
	}
}

// Every word is explained and its example uses it.
func TestVocabularyWords(t *testing.T) {
	for _, part := range lang.Vocabulary() {
		require.NotEmpty(t, part.Doc, part.Name)
		for _, word := range part.Words {
			require.NotEmpty(t, word.Doc, word.Name)
			require.NotEmpty(t, word.Type, word.Name)
			name, _, _ := strings.Cut(strings.ReplaceAll(word.Name, `metadata("key")`, ""), "(")
			require.Contains(t, word.Example, name, word.Name)
		}
	}
}

// exampleRules returns a rule for every example, as YAML.
func exampleRules() string {
	var text strings.Builder
	for i, part := range lang.Vocabulary() {
		for j, word := range part.Words {
			text.WriteString(written(fmt.Sprintf("word_%d_%d", i, j), "|\n      "+word.Example, "score: 1"))
		}
	}
	return text.String()
}
