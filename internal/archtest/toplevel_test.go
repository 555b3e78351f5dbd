package archtest_test

import (
	"cmp"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// topLevel lists everything in the repository's top folder. Names that begin with a dot belong to tools and are
// ignored.
var topLevel = []string{
	"workflows", "activities", "workers", "api", "desk", "domain", "rules", "alerting", "ops", "gateways", "cmd", "internal", "docs",
	"temporal-config", "deploy", "docker-compose.yml", "Dockerfile", "Makefile", "go.mod", "go.sum", "env", "pages.go",
	"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE",
}

// The top level holds nothing else.
func TestTopLevel(t *testing.T) {
	entries, err := fs.ReadDir(repository, ".")
	require.NoError(t, err)
	made := madeHere(t)
	for _, entry := range entries {
		name := entry.Name()
		if !slices.Contains(topLevel, name) && !slices.Contains(made, name) && !strings.HasPrefix(name, ".") {
			t.Errorf("%s lies in the repository's first folder: one of the folders there is the place for it", name)
		}
	}
}

// inDocs matches the files and folders that a page names: code in backquotes, and links.
var inDocs = regexp.MustCompile("`((?:" + strings.Join(topLevel[:15], "|") + ")/[\\w./-]*)`|\\]\\(([\\w./-]+)(?:#[\\w-]*)?\\)")

func TestDocsNameWhatIsThere(t *testing.T) {
	pages, err := fs.Glob(repository, "docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md") {
		text, err := fs.ReadFile(repository, page)
		require.NoError(t, err)
		for _, named := range inDocs.FindAllStringSubmatch(string(text), -1) {
			name := cmp.Or(named[1], path.Join(path.Dir(page), named[2]))
			if _, err := fs.Stat(repository, strings.TrimSuffix(name, "/")); err != nil {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
}

// madeHere returns what .gitignore names in the top folder.
func madeHere(t *testing.T) []string {
	t.Helper()
	text, err := fs.ReadFile(repository, ".gitignore")
	require.NoError(t, err)
	var names []string
	for line := range strings.Lines(string(text)) {
		if name, here := strings.CutPrefix(strings.TrimSpace(line), "/"); here {
			names = append(names, strings.TrimSuffix(name, "/"))
		}
	}
	return names
}
