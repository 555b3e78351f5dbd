package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

var (
	docsFence   = regexp.MustCompile("(?ms)^```.*?^```")
	docsPrompt  = regexp.MustCompile(`(?m)^\$ (.+)$`) // in a fence
	docsSpan    = regexp.MustCompile("`([^`]+)`")
	docsCommand = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*(?:\S*/)?(orders|temporal) ([^|;&#]+)|[ (](?:bin)?/(orders|temporal) ([^|;&#]+)`)
	docsWord    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	docsFlag    = regexp.MustCompile(`\s(--?[a-z][a-z-]*)`)
	docsQuery   = regexp.MustCompile(`--query "([^"]+)"`)
)

// documentedCommands returns what the pages say to type, from the program's name on.
func documentedCommands(t *testing.T, root string) (commands []string) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		prose, typed := docsFence.ReplaceAllString(string(text), ""), []string(nil)
		for _, typing := range docsPrompt.FindAllStringSubmatch(string(text), -1) {
			typed = append(typed, typing[1])
		}
		for _, span := range docsSpan.FindAllStringSubmatch(prose, -1) {
			typed = append(typed, span[1])
		}
		for line := range strings.Lines(prose) {
			if strings.HasPrefix(line, "    ") {
				typed = append(typed, line)
			}
		}
		for _, line := range typed {
			if found := docsCommand.FindStringSubmatch(strings.Join(strings.Fields(line), " ")); found != nil {
				commands = append(commands, strings.TrimSpace(found[1]+found[3]+" "+found[2]+found[4]))
			}
		}
	}
	slices.Sort(commands)
	return slices.Compact(commands)
}

// Each command in the docs exists and has the flags that it is typed with, and Temporal understands each query.
func TestDocumentedCommands(t *testing.T) {
	w := newWorld(t, nil)
	root, err := stack.Root()
	require.NoError(t, err)
	temporal, err := stack.FindTemporal(t.Context(), root)
	require.NoError(t, err)
	programs := map[string]string{"orders": w.binary, "temporal": temporal}
	helps := map[string]string{}
	commands := documentedCommands(t, root)
	require.Greater(t, len(commands), 80)
	for _, command := range commands {
		var words []string
		for word := range strings.FieldsSeq(command) {
			if !docsWord.MatchString(word) {
				break
			}
			words = append(words, word)
		}
		path := strings.Join(words, " ")
		if _, known := helps[path]; !known {
			printed, err := exec.CommandContext(t.Context(), programs[words[0]], append(words[1:], "--help")...).CombinedOutput()
			require.NoError(t, err, "%s: %s", command, printed)
			helps[path] = string(printed)
		}
		if words[0] == "temporal" {
			assert.Contains(t, helps[path], "\n  "+path+" [flags]", command)
		}
		for _, flag := range docsFlag.FindAllStringSubmatch(command, -1) {
			assert.Regexp(t, `(?m)[ ,]`+flag[1]+`([ ,=\[]|$)`, helps[path], command)
		}
		if query := docsQuery.FindStringSubmatch(command); query != nil {
			_, err := running(t.Context(), query[1])
			assert.NoError(t, err, command)
		}
	}
}
