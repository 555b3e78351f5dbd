package stack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
)

// heartbeat is how often an installer reports that it is still working.
const heartbeat = 15 * time.Second

// Installer installs what is missing on a machine. It announces each step, and reports how long a step has been
// running.
type Installer struct {
	Root string    // the project's folder
	Log  string    // the folder for the output of the installing programs
	Out  io.Writer // messages for people
}

// With announces what is being done, runs do, and reports every 15 seconds how long it has been running.
func (i Installer) With(what string, do func() error) error {
	fmt.Fprintf(i.Out, "%s\n", what)
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- do() }()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err == nil {
				fmt.Fprintf(i.Out, "  done after %s\n", time.Since(start).Round(time.Second))
			}
			return err
		case <-ticker.C:
			fmt.Fprintf(i.Out, "  still running, %s\n", time.Since(start).Round(time.Second))
		}
	}
}

// run runs a program with its output in a log of its own. If it fails, the error contains the log's last lines.
func (i Installer) run(ctx context.Context, log string, cmd *exec.Cmd) error {
	path := filepath.Join(i.Log, log)
	if err := beginLog(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	cmd.Stdout, cmd.Stderr = file, file
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w%s", err, lastLines(path))
	}
	return nil
}

//go:embed install_debian.sh
var installDebian string

// EnsureRabbitMQ returns the path of rabbitmq-server. If it is missing, it installs it from Debian's packages, without
// starting or enabling the system's own broker.
func (i Installer) EnsureRabbitMQ(ctx context.Context) (string, error) {
	if path, err := findRabbitMQ(); err == nil {
		return path, nil
	}
	if err := i.apt(ctx, "RabbitMQ", "about 35 MB to fetch", "rabbitmq-server"); err != nil {
		return "", err
	}
	return findRabbitMQ()
}

// EnsurePostgres returns the folder of PostgreSQL's programs. If they are missing, it installs them from Debian's
// packages, without creating or starting the system's own database.
func (i Installer) EnsurePostgres(ctx context.Context) (string, error) {
	if folder, err := findPostgres(); err == nil {
		return folder, nil
	}
	if err := i.apt(ctx, "PostgreSQL", "about 45 MB to fetch", "postgresql"); err != nil {
		return "", err
	}
	return findPostgres()
}

// fromDebian holds what Ensure installs: a program, what to call it, and the package of Debian that has it.
var fromDebian = map[string]struct{ program, what, size, pkg string }{
	"pgbouncer":         {"pgbouncer", "PgBouncer", "about 1 MB to fetch", "pgbouncer"},
	"prometheus":        {"promtool", "Prometheus", "about 20 MB to fetch", "prometheus"},
	"postgres-exporter": {"prometheus-postgres-exporter", "PostgreSQL's exporter of metrics", "about 5 MB to fetch", "prometheus-postgres-exporter"},
	"alertmanager":      {"prometheus-alertmanager", "Alertmanager", "about 15 MB to fetch", "prometheus-alertmanager"},
	"chromium":          {"chromium", "Chromium (for the tests of the desk)", "about 110 MB to fetch", "chromium"},
}

// Ensure installs one of pgbouncer, prometheus, postgres-exporter, alertmanager and chromium if it is missing. It does not
// leave the system's own service running or enabled.
func (i Installer) Ensure(ctx context.Context, name string) error {
	p := fromDebian[name]
	if _, err := exec.LookPath(p.program); err == nil {
		return nil
	}
	return i.apt(ctx, p.what, p.size, p.pkg)
}

// EnsureNPM returns the folder of the packages that internal/tools/npm lists. It installs them, and Node.js first, if
// they are missing or have other versions.
func (i Installer) EnsureNPM(ctx context.Context) (string, error) {
	if modules, err := FindNPM(i.Root); err == nil {
		return modules, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		if err := i.apt(ctx, "Node.js (for the linters of the API's contract)", "about 60 MB to fetch", "nodejs", "npm"); err != nil {
			return "", err
		}
	}
	folder := filepath.Join(i.Root, npmFolder)
	if err := os.RemoveAll(folder); err != nil {
		return "", fmt.Errorf("take away what npm installed before: %w", err)
	}
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(i.Root, npmSource))); err != nil {
		return "", fmt.Errorf("copy what npm is to install: %w", err)
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = folder
	say := "Linters of the API's contract, and makers of clients: installing them in " + npmFolder + " (npm ci; about 60 MB to fetch)"
	if err := i.With(say, func() error { return i.run(ctx, "install-npm.log", cmd) }); err != nil {
		return "", fmt.Errorf("install what %s lists: %w", npmSource, err)
	}
	return FindNPM(i.Root)
}

// EnsureCC installs a C compiler and the C library's headers if they are missing: Go's race detector needs them to link.
func (i Installer) EnsureCC(ctx context.Context) error {
	if compiles(ctx) {
		return nil
	}
	return i.apt(ctx, "A C compiler (for Go's race detector)", "about 35 MB to fetch", "gcc", "libc6-dev")
}

func compiles(ctx context.Context) bool {
	cmd := exec.CommandContext(ctx, "gcc", "-E", "-x", "c", "-")
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\n")
	return cmd.Run() == nil
}

// apt installs Debian packages as root, or through sudo.
func (i Installer) apt(ctx context.Context, what, size string, packages ...string) error {
	names := strings.Join(packages, " ")
	byHand := "install by hand: " + names
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%s is missing, and apt-get, which would install it, was not found; %s", what, byHand)
	}
	prefix, err := asRoot(ctx)
	if err != nil {
		return fmt.Errorf("%s is missing, and %w; %s", what, err, byHand)
	}
	args := append(append(prefix, "sh", "-c", installDebian, "install_debian.sh"), packages...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = os.Stdin // for sudo
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	say := fmt.Sprintf("%s: installing Debian's %s (apt-get update, apt-get install %s; %s)", what, strings.Join(packages, " and "), names, size)
	if err := i.With(say, func() error { return i.run(ctx, "install-"+packages[0]+".log", cmd) }); err != nil {
		return fmt.Errorf("install %s: %w", names, err)
	}
	return nil
}

// asRoot returns the command prefix that runs another command as root: nothing if we are root, else sudo. Without a
// terminal to ask for a password, sudo must work without one.
func asRoot(ctx context.Context) ([]string, error) {
	if os.Geteuid() == 0 {
		return nil, nil
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		return nil, errors.New("installing it needs root's rights, and sudo was not found")
	}
	if isatty.IsTerminal(os.Stdin.Fd()) {
		return []string{"sudo"}, nil
	}
	if err := exec.CommandContext(ctx, "sudo", "-n", "true").Run(); err != nil {
		return nil, errors.New("installing it needs root's rights, and sudo asks for a password, but this is not a terminal")
	}
	return []string{"sudo", "-n"}, nil
}

// temporalModule is the official CLI, which contains the dev server and the Web UI. Later versions cannot be built this
// way: their go.mod replaces a module with a folder of their repository. Tried and left alone: compiling it by a CPU profile of the
// server under load (-pgo). Its CPU for a workflow was 0.97 with one caller (0.89 to 1.16 in eight rounds) and 0.96 with 10 (0.81 to
// 1.17), which is within the spread, and all of it is compiled anew.
const temporalModule = "github.com/temporalio/cli/cmd/temporal@v1.5.1"

// EnsureTemporal returns the path of a temporal CLI in the project's bin. If there is none, it links the one on PATH,
// or else builds one. What is there stays until the new one is whole.
func (i Installer) EnsureTemporal(ctx context.Context) (string, error) {
	own := filepath.Join(i.Root, "bin", "temporal")
	found, err := FindTemporal(ctx, i.Root)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err == nil && found == own {
		return own, nil
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o750); err != nil {
		return "", fmt.Errorf("make a place for the temporal CLI: %w", err)
	}
	dir, mkErr := os.MkdirTemp(filepath.Dir(own), "new-")
	if mkErr != nil {
		return "", fmt.Errorf("make a place for the temporal CLI: %w", mkErr)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "temporal")
	if err == nil {
		fmt.Fprintf(i.Out, "Temporal: using %s\n", found)
		err = os.Symlink(found, made)
	} else {
		err = i.With("Temporal: building its CLI, dev server and Web UI into bin/ (once; 3 to 6 minutes on two cores)", func() error {
			cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-s -w", temporalModule)
			cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
			cmd.Dir = i.Root
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // then go stops its compilers
			if err := i.run(ctx, "install-temporal.log", cmd); err != nil {
				return err
			}
			return temporalServes(ctx, made)
		})
	}
	if err == nil {
		err = os.Rename(made, own)
	}
	if err != nil {
		return "", fmt.Errorf("install the temporal CLI: %w", err)
	}
	return own, nil
}
