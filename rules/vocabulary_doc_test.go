package rules_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/rules"
	"dummyorders/rules/lang"
)

var update = flag.Bool("update", false, "write docs/vocabulary.md anew")

// vocabularyFile is the page of the vocabulary for analysts.
const vocabularyFile = "../docs/vocabulary.md"

// The page of the vocabulary is what rules are compiled by.
func TestVocabularyPage(t *testing.T) {
	page, err := lang.VocabularyPage(rules.Unremarkable())
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(vocabularyFile, []byte(page), 0o644))
	}
	written, err := os.ReadFile(vocabularyFile)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(page, string(written)), "docs/vocabulary.md is not what the code says; go test ./rules -update writes it anew (-code +file)")
}
