package api_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
)

var updateSecurity = flag.Bool("update-security", false, "write the tables of docs/security.md anew")

const (
	securityFile = "../docs/security.md"
	tablesBegin  = "<!-- go test ./api -run TestSecurityPage -update-security writes from here -->\n"
	tablesEnd    = "<!-- to here -->\n"
)

// The page says who may do what as the OpenAPI document and the roles do.
func TestSecurityPage(t *testing.T) {
	written, err := os.ReadFile(securityFile)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(written), tablesBegin)
	_, after, ends := strings.Cut(rest, tablesEnd)
	require.True(t, found && ends, "the page lacks the marks around its tables")
	page := before + tablesBegin + "\n" + operationsTable(t) + "\n" + rolesTable() + "\n" + tablesEnd + after
	if *updateSecurity {
		require.NoError(t, os.WriteFile(securityFile, []byte(page), 0o644))
		return
	}
	assert.Empty(t, cmp.Diff(page, string(written)), "-code +file")
	there := testsOf(t)
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(page, -1) {
		if name != "TestSecurityPage" {
			if !strings.Contains(there, "func "+name+"(") {
				t.Errorf("the page names %s, which does not exist", name)
			}
		}
	}
}

// testsOf returns the text of all tests of the repository.
func testsOf(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, fs.WalkDir(os.DirFS(".."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile("../" + path)
		all.Write(text)
		return err
	}))
	return all.String()
}

// operationsTable lists the operations by their scopes.
func operationsTable(t *testing.T) string {
	t.Helper()
	byScope := map[identity.Scope][]string{}
	for path, item := range contractOf(true).document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			for _, way := range operation.(map[string]any)["security"].([]any) {
				scopes, is := way.(map[string]any)["apiKey"].([]any)
				if is && len(scopes) == 0 {
					scopes = []any{""}
				}
				for _, scope := range scopes {
					byScope[identity.Scope(scope.(string))] = append(byScope[identity.Scope(scope.(string))], fmt.Sprintf("`%s %s`", strings.ToUpper(method), path))
				}
			}
		}
	}
	var table strings.Builder
	table.WriteString("| scope | lets one | operations of the API |\n|--|--|--|\n")
	row := func(name, allows string, scope identity.Scope) {
		operations := slices.Compact(slices.Sorted(slices.Values(byScope[scope])))
		fmt.Fprintf(&table, "| %s | %s | %s |\n", name, allows, strings.Join(operations, ", "))
	}
	for _, scope := range identity.Scopes {
		row("`"+string(scope)+"`", scope.Allows(), scope)
	}
	row("none", "see one's own sessions at the desk, and end them; with `admin` for all merchants, those of all persons", "")
	return table.String()
}

func rolesTable() string {
	var table strings.Builder
	table.WriteString("| role |")
	for _, scope := range identity.Scopes {
		fmt.Fprintf(&table, " %s |", scope)
	}
	table.WriteString("\n|--|" + strings.Repeat("--|", len(identity.Scopes)) + "\n")
	for _, role := range identity.Roles {
		fmt.Fprintf(&table, "| `%s` |", role)
		for _, scope := range identity.Scopes {
			fmt.Fprintf(&table, " %s |", map[bool]string{true: "yes"}[slices.Contains(role.Scopes(), scope)])
		}
		table.WriteString("\n")
	}
	return table.String()
}
