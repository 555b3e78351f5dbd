package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The walk-through of docs/rules.md shows the actual output of its commands.
func TestDocsWalkThrough(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	docs := string(text)
	t.Chdir(t.TempDir())
	shows := func(args, output string) {
		t.Helper()
		require.Contains(t, docs, "$ orders rules "+args+"\n"+longDigest.ReplaceAllString(output, "$1…"))
	}
	run := func(args string, do func(output) error) {
		t.Helper()
		out, err := printed(t, do)
		if err != nil {
			out += "orders: " + err.Error() + "\n"
		}
		shows(args, out)
	}
	gift, body := filepath.Join("my-rules", "rules", "gift_cards.yaml"), block(t, docs, "json")

	run("init my-rules", initRulesCommand{Folder: "my-rules"}.init)
	require.NoError(t, os.WriteFile(gift, []byte(block(t, docs, "yaml")), 0o600))
	edit(t, filepath.Join("my-rules", "ruleset.yaml"), "\nversion: 2\n", "\nversion: 3\n")
	run("check my-rules", checkRulesCommand{Ruleset: "my-rules"}.check)
	run("test my-rules", testRulesCommand{Ruleset: "my-rules"}.test)

	set, err := loadRuleset("my-rules")
	require.NoError(t, err)
	posted, err := readBody(strings.NewReader(body), aKey, false)
	require.NoError(t, err)
	var saw featureValue
	require.NoError(t, saw.UnmarshalText([]byte(`card.distinct("order", "1d")=2`)))
	out, err := printed(t, func(out output) error {
		c := tryRulesCommand{At: moment{time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}, Features: []featureValue{saw}}
		return c.try(t.Context(), set, *posted, noPastUses{}, out)
	})
	require.NoError(t, err)
	shows(`try my-rules --seen 'card.distinct("order", "1d")=2' < body.json`, before(t, out, "Rules that did not hit"))

	edit(t, gift, ">= 2\n", "> 2\n")
	run("test my-rules", testRulesCommand{Ruleset: "my-rules"}.test)
	edit(t, gift, "> 2\n", ">= 2\n")

	digests := map[string]bool{"2 " + digestOf(t, "default"): true, "3 " + digestOf(t, "my-rules"): true}
	edit(t, gift, "score: 40\n", "score: 40\n    mode: shadow\n")
	digests["3 "+digestOf(t, "my-rules")] = true
	edit(t, gift, "    mode: shadow\n", "")
	edit(t, filepath.Join("my-rules", "ruleset.yaml"), "\nversion: 3\n", "\nversion: 4\n")
	digests["4 "+digestOf(t, "my-rules")] = true
	for _, shown := range shownDigest.FindAllStringSubmatch(docs+string(readme), -1) {
		require.Contains(t, digests, shown[1]+" "+shown[2])
	}

	edit(t, gift, "score: 40", "score: 400")
	edit(t, gift, "    message:", "    mesage:")
	edit(t, filepath.Join("my-rules", "rules", "cards.yaml"), "!card.luhnValid", "!card.luhnVaild")
	run("check my-rules", checkRulesCommand{Ruleset: "my-rules"}.check)
}

var (
	longDigest  = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)
	shownDigest = regexp.MustCompile(`(?:default(?:\+shadow)? version |"version": )(\d+)(?: \(|, "digest": ")sha256:([0-9a-f]{12})`)
)

// block returns the first code block in a language.
func block(t *testing.T, docs, language string) string {
	t.Helper()
	_, after, found := strings.Cut(docs, "```"+language+"\n")
	require.True(t, found)
	return before(t, after, "```")
}

func edit(t *testing.T, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), from)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

func digestOf(t *testing.T, ruleset string) string {
	t.Helper()
	set, err := loadRuleset(ruleset)
	require.NoError(t, err)
	return strings.TrimPrefix(set.Ruleset().Digest, "sha256:")[:12]
}
