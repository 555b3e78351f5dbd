package archtest_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// topLevel is all that a visitor finds in the repository's first folder. Names that begin with a dot belong to
// tools, and are passed over.
var topLevel = []string{
	"workflows", "activities", "workers", "api", "domain", "gateways", "cmd", "internal", "docs",
	"temporal-config", "docker-compose.yml", "Dockerfile", "Makefile", "go.mod", "go.sum", "env",
	"README.md", "CHANGELOG.md", "LICENSE",
}

func TestTheTopLevelHoldsNothingElse(t *testing.T) {
	entries, err := fs.ReadDir(repository, ".")
	if err != nil {
		t.Fatal(err)
	}
	made := madeHere(t)
	for _, entry := range entries {
		name := entry.Name()
		if !slices.Contains(topLevel, name) && !slices.Contains(made, name) && !strings.HasPrefix(name, ".") {
			t.Errorf("%s lies in the repository's first folder: one of the folders there is the place for it", name)
		}
	}
}

// madeHere is what .gitignore names of the first folder.
func madeHere(t *testing.T) []string {
	t.Helper()
	text, err := fs.ReadFile(repository, ".gitignore")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if name, here := strings.CutPrefix(strings.TrimSpace(line), "/"); here {
			names = append(names, strings.TrimSuffix(name, "/"))
		}
	}
	return names
}
