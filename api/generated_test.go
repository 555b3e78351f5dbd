package api_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/internal/stack"
)

// These tests run clients that generators make from the contract, and linters that read it. make installs what comes from
// npm.

// Generated clients charge the amounts that they are given.
func TestGeneratedClients(t *testing.T) {
	w := realWorld(t)
	server := httptest.NewServer(w.api())
	t.Cleanup(server.Close)
	for name, build := range map[string]func(t *testing.T) (client []string){
		"oapi-codegen": goClient, "openapi-typescript": typescriptClient,
	} {
		t.Run(name, func(t *testing.T) {
			client := build(t)
			for _, c := range []struct {
				currency, amount string
				minor            int64
			}{
				{"INR", "0.01", 1},
				{"INR", "131072.77", 13107277},
				{"INR", "1234567.89", 123456789},
				{"EUR", "16777217", 1677721700},
				{"USD", "999999999999.99", 99999999999999},
				{"KWD", "1234567.891", 1234567891},
				{"BHD", "0.001", 1},
				{"JPY", "16777217", 16777217},
			} {
				said := run(t, client[0], append(client[1:], server.URL, c.currency, c.amount)...)
				for i, form := range []string{"as a text", "as a number"} {
					id, amounts, _ := strings.Cut(strings.Split(said, "\n")[i], " ")
					w.ended(t, id)
					e, err := w.ledger.Find(t.Context(), identity.AllMerchants(), id)
					require.NoError(t, err)
					want := money.Money{Minor: c.minor, Currency: money.Currency(c.currency)}
					assert.Equal(t, want, e.Transaction.Order.Cost, "%s %s %s", c.currency, c.amount, form)
					assert.Equal(t, want, e.Transaction.Payment.Amount, "%s %s %s", c.currency, c.amount, form)
					assert.Equal(t, c.amount+" "+c.amount, amounts, "%s %s %s", c.currency, c.amount, form)
				}
			}
		})
	}
}

var withVacuum = flag.Bool("vacuum", false, "lint the contract by vacuum as well, which takes minutes to compile")

// Linters find nothing in the OpenAPI document.
func TestOpenAPILinters(t *testing.T) {
	modules := npmModules(t)
	root, err := stack.Root()
	require.NoError(t, err)
	rules := filepath.Join(root, "api/testdata/contract")
	for name, keys := range map[string]bool{"with API keys": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			document := writeContract(t, t.TempDir(), keys)
			run(t, filepath.Join(modules, ".bin/spectral"), "lint", document, "-r", filepath.Join(rules, "spectral.yaml"), "--fail-severity", "hint")
			// Redocly fails only on errors, not on warnings.
			said := run(t, filepath.Join(modules, ".bin/redocly"), "lint", document, "--config", filepath.Join(rules, "redocly.yaml"), "--format", "json")
			var found struct{ Problems []any }
			require.NoError(t, json.Unmarshal([]byte(said[max(0, strings.Index(said, "{")):]), &found))
			assert.Empty(t, found.Problems, said)
			if !*withVacuum {
				return
			}
			run(t, "go", "tool", "-modfile", filepath.Join(root, "internal/tools/vacuum.mod"), "vacuum", "lint", document, "--details",
				"--ruleset", filepath.Join(rules, "vacuum.yaml"), "--fail-severity", "info", "--no-banner", "--no-style")
		})
	}
}

// npmModules returns the folder of what make has installed from npm.
func npmModules(t *testing.T) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	modules, err := stack.FindNPM(root)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("what internal/tools/npm lists is not installed")
	}
	require.NoError(t, err)
	return modules
}

// goClient needs the network the first time, as any Go build does.
func goClient(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/clients/go")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "orders"), 0o755))
	document := writeContract(t, dir, false)
	run(t, "go", "tool", "-C", dir, "oapi-codegen", "-generate", "types,client", "-package", "orders", "-o", "orders/orders.go", document)
	run(t, "go", "build", "-C", dir, "-o", "client", ".")
	return []string{filepath.Join(dir, "client")}
}

func typescriptClient(t *testing.T) []string {
	t.Helper()
	modules, dir := npmModules(t), t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/clients/typescript")))
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	document := writeContract(t, dir, false)
	run(t, filepath.Join(modules, ".bin/openapi-typescript"), document, "-o", filepath.Join(dir, "orders.ts"))
	run(t, filepath.Join(modules, ".bin/tsc"), "-p", dir)
	return []string{"node", filepath.Join(dir, "main.mjs")}
}

func writeContract(t *testing.T, dir string, keys bool) string {
	t.Helper()
	o := options(nowhere(t), newMemory())
	if keys {
		o.Authenticators = clients(map[string]string{"shop": "the key of the shop"})
	}
	path := filepath.Join(dir, "openapi.json")
	require.NoError(t, os.WriteFile(path, request(t, handlerWith(o), http.MethodGet, "/openapi.json", "").Body.Bytes(), 0o600))
	return path
}

// run returns what a program prints, and requires that it succeeds.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s %s", cmd, out, &faults)
	return string(out)
}
