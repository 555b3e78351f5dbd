package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// temporalModule is the official CLI, which holds the dev server and the Web UI. Later versions cannot be built this
// way: their go.mod replaces a module by a folder of their repository.
const temporalModule = "github.com/temporalio/cli/cmd/temporal@v1.5.1"

// EnsureTemporal is the path of a temporal CLI in the project's bin: the one that is there, else a link to the one on
// PATH, else one that it builds.
func (i Installer) EnsureTemporal(ctx context.Context) (string, error) {
	own := filepath.Join(i.Root, "bin", "temporal")
	found, err := FindTemporal(ctx, i.Root)
	if err == nil && found == own {
		return own, nil
	}
	if removeErr := os.Remove(own); removeErr != nil && !os.IsNotExist(removeErr) {
		return "", fmt.Errorf("replace %s: %w", own, removeErr)
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o750); err != nil {
		return "", fmt.Errorf("make a place for the temporal CLI: %w", err)
	}
	if err == nil {
		fmt.Fprintf(i.Out, "Temporal: using %s\n", found)
		return own, os.Symlink(found, own)
	}
	err = i.With("Temporal: building its CLI, dev server and Web UI into bin/ (once; 3 to 6 minutes on two cores)", func() error {
		cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-s -w", temporalModule)
		cmd.Env = append(os.Environ(), "GOBIN="+filepath.Dir(own), "CGO_ENABLED=0")
		cmd.Dir = i.Root
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // go then stops its compilers
		return i.run(ctx, "install-temporal.log", cmd)
	})
	if err != nil {
		return "", fmt.Errorf("build the temporal CLI: %w", err)
	}
	return own, temporalServes(ctx, own)
}
