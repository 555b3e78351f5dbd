package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bash on a terminal completes commands, flags, values and the names of files.
func TestBashCompletes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "the-only-file.yaml")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	typed := "source <('" + executable(t) + "' completion bash)\n" +
		`orders() { printf 'RAN <%s>\n' "$*"; }` + "\n"
	cases := []struct{ typed, runs string }{
		{"led\texp\t--form\tjs\t", "ledger export --format jsonl"},
		{"ledger export --format=c\t", "ledger export --format=csv"},
		{"alertman dead li\t--js\t--mo\t5", "alertman dead list --json --most 5"},
		{"help oper\t", "help operating"},
		{"completion z\t", "completion zsh"},
		{"alertman check " + filepath.Dir(file) + "/the-o\t", "alertman check " + file},
	}
	for _, c := range cases {
		typed += "orders " + c.typed + "\n"
	}
	bash := exec.CommandContext(t.Context(), "script", "-qec", "bash --norc --noprofile -i", "/dev/null")
	bash.Env = []string{asMain + "=1", "PATH=" + os.Getenv("PATH"), "TERM=dumb", "HOME=" + t.TempDir()}
	bash.Stdin = strings.NewReader(typed + "exit\n")
	screen, err := bash.CombinedOutput()
	require.NoError(t, err, "%s", screen)
	for _, c := range cases {
		assert.Regexp(t, `(?m)^RAN <`+c.runs+` ?>`, string(screen), "%q", c.typed)
	}
}

func executable(t *testing.T) string {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	return binary
}

// Every shell understands what is for it.
func TestCompletionCode(t *testing.T) {
	setEnvironment(t, nil)
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			code, _ := said(t, 0, "completion", shell)
			assert.Contains(t, code, executable(t))
			binary, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed", shell)
			}
			check := exec.CommandContext(t.Context(), binary, "-n", "/dev/stdin")
			check.Stdin = strings.NewReader(code)
			faults, err := check.CombinedOutput()
			require.NoError(t, err, "%s\n%s", code, faults)
			assert.Empty(t, string(faults))
		})
	}
	_, fault := said(t, exitConfig, "completion", "csh")
	assert.Contains(t, fault, `must be one of "bash","zsh","fish"`)
}
