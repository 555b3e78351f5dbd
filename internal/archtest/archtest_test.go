// Package archtest_test checks the structure of the code: which packages may import which, and what lies in the
// repository's top folder. It reads all files itself, whatever their build tags, so that Go's test cache knows what it
// read and runs it again after a change.
package archtest_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository is the repository's top folder, seen from this one.
var repository = os.DirFS("../..")

// Dependencies point one way.
func TestDependencies(t *testing.T) {
	files := productionFiles(t, repository)
	for _, fault := range faults(files) {
		t.Error(fault)
	}
	for folder := range layers {
		assert.True(t, slices.ContainsFunc(files, func(f source) bool { return layer(f.folder()) == folder }),
			"no Go file was found in %s: this test does not look where the code is", folder)
	}
}

// A breach of the layers is named.
func TestFaults(t *testing.T) {
	const (
		onlyStandard = "domain may import only domain and the standard library"
		notTheSDK    = "only workflows, activities, workers, gateways/temporal may import Temporal's SDK"
		forTests     = "it serves tests and laptops, and what runs in production may not import it"
	)
	for _, c := range []struct{ file, imports, fault string }{
		{"domain/card/number.go", "crypto/hmac", ""},
		{"domain/fraud/limit.go", "dummyorders/domain/money", ""},
		{"domain/fraud/limit.go", "dummyorders/internal/health", "of dummyorders, domain may import only domain"},
		{"domain/fraud/limit.go", "github.com/google/uuid", onlyStandard},
		{"domain/fraud/limit.go", "dummyorders", "of dummyorders, domain may import only domain"},
		{"api/server.go", "dummyorders", "of dummyorders, api may import only api, domain, internal"},
		{"cmd/orders/help.go", "dummyorders", ""},
		{"domain/fraud/limit_test.go", "github.com/google/go-cmp/cmp", ""},
		{"activities/fraud.go", "dummyorders/workflows", "of dummyorders, activities may import only activities, domain, internal"},
		{"workflows/review.go", "dummyorders/activities", ""},
		{"workflows/review.go", "dummyorders/gateways/smtp", "of dummyorders, workflows may import only workflows, domain, activities, internal"},
		{"workflows/pay_test.go", "dummyorders/gateways/smtp", ""},
		{"workers/run.go", "dummyorders/api", "of dummyorders, workers may import only workers, domain, activities, workflows, internal"},
		{"api/server.go", "dummyorders/workers", "of dummyorders, api may import only api, domain, internal"},
		{"api/transact.go", "go.temporal.io/sdk/client", notTheSDK},
		{"cmd/orders/alertman.go", "go.temporal.io/api/serviceerror", notTheSDK},
		{"gateways/rabbitmq/publisher.go", "go.temporal.io/sdk/temporal", notTheSDK},
		{"gateways/temporal/client.go", "go.temporal.io/sdk/client", ""},
		{"gateways/temporal/client.go", "dummyorders/workflows", ""},
		{"gateways/rabbitmq/publisher.go", "dummyorders/workflows", "of dummyorders, gateways may import only gateways, domain, internal"},
		{"gateways/smtp/channel.go", "dummyorders/alerting/templates", "of dummyorders, gateways may import only gateways, domain, internal"},
		{"rules/decide.go", "dummyorders/gateways/ledger", "of dummyorders, rules may import only rules, domain, rules/lang, internal"},
		{"rules/read.go", "dummyorders/rules/lang", ""},
		{"rules/lang/view.go", "dummyorders/rules", "of dummyorders, rules/lang may import only rules/lang, domain, internal"},
		{"alerting/routing/read.go", "dummyorders/gateways/webhook", ""},
		{"internal/bench/main.go", "go.temporal.io/sdk/client", ""},
		{"api/label_test.go", "go.temporal.io/sdk/mocks", ""},
		{"gateways/rabbitmq/publisher.go", "dummyorders/gateways/cloudevents", ""},
		{"gateways/rabbitmq/publisher.go", "dummyorders/activities", "of dummyorders, gateways may import only gateways, domain, internal"},
		{"cmd/orders/main.go", "dummyorders/gateways/smtp", ""},
		{"cmd/orders/main.go", "dummyorders/internal/devstack", forTests},
		{"gateways/oidc/issuer.go", "dummyorders/internal/devissuer", forTests},
		{"cmd/orders/main.go", "dummyorders/internal/channeltest", forTests},
		{"internal/health/health.go", "dummyorders/domain/card", "of dummyorders, internal may import only internal"},
		{"internal/health/health.go", "dummyorders/internal/stack", forTests},
		{"gateways/ledger/inspect/verify.go", "dummyorders/domain/ledger", ""},
		{"gateways/ledger/inspect/verify.go", "dummyorders/workflows", "of dummyorders, gateways may import only gateways, domain, internal"},
		{"api/server.go", "dummyorders/gateways/ledger/inspect", "of dummyorders, api may import only api, domain, internal"},
		{"cmd/orders/ledger.go", "dummyorders/gateways/ledger/inspect", ""},
		{"internal/channeltest/suite.go", "dummyorders/gateways/smtp", ""},
		{"internal/devstack/main.go", "dummyorders/internal/stack", ""},
		{"util/strings.go", "strings", "no layer is given for the folder util"},
	} {
		code := fmt.Sprintf("//go:build never\n\npackage p\n\nimport _ %q\n", c.imports)
		got := faults(productionFiles(t, fstest.MapFS{c.file: {Data: []byte(code)}}))
		var want []string
		if c.fault != "" {
			want = []string{c.file + " imports " + c.imports + ": " + c.fault}
		}
		assert.True(t, slices.Equal(got, want), "%s imports %s: found %q, want %q", c.file, c.imports, got, want)
	}
}

// source is a Go file and its imports.
type source struct {
	name    string
	imports []string
}

func (s source) folder() string { return path.Dir(s.name) }

func faults(files []source) []string {
	var all []string
	for _, file := range files {
		for _, imported := range file.imports {
			if wrong := breach(file.folder(), imported); wrong != "" {
				all = append(all, fmt.Sprintf("%s imports %s: %s", file.name, imported, wrong))
			}
		}
	}
	return all
}

// productionFiles returns all Go files of the module except for tests.
func productionFiles(t *testing.T, tree fs.FS) []source {
	t.Helper()
	var files []source
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && isForeign(tree, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		imports, err := readImports(tree, name)
		files = append(files, source{name, imports})
		return err
	})
	require.NoError(t, err)
	return files
}

// isForeign reports whether Go does not count a folder as part of the module: it is hidden, holds test data, or is a
// module of its own.
func isForeign(tree fs.FS, folder string) bool {
	_, err := fs.Stat(tree, folder+"/go.mod")
	return err == nil || strings.ContainsAny(path.Base(folder)[:1], "._") || path.Base(folder) == "testdata"
}

func readImports(tree fs.FS, name string) ([]string, error) {
	code, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, code, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imported)
	}
	return imports, nil
}
