package stack_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// script puts a program of the test's own before all others on PATH.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

const builds = `printf '#!/bin/sh\necho "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"\n' >"$GOBIN/temporal"
chmod 755 "$GOBIN/temporal"; echo "$@" >"$0.built"`

func newInstaller(t *testing.T) (stack.Installer, *bytes.Buffer) {
	t.Helper()
	said := &bytes.Buffer{}
	root := t.TempDir()
	return stack.Installer{Root: root, Log: filepath.Join(root, "log"), Out: said}, said
}

// A Temporal on PATH is linked rather than built.
func TestTemporalOnPathIsLinked(t *testing.T) {
	i, said := newInstaller(t)
	dir := t.TempDir()
	script(t, dir, "temporal", `echo "temporal version 1.9.0 (Server 1.31.0, UI 2.50.0)"`)
	for range 2 {
		path, err := i.EnsureTemporal(t.Context())
		require.NoError(t, err)
		require.Equal(t, filepath.Join(i.Root, "bin", "temporal"), path)
		target, err := os.Readlink(path)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(dir, "temporal"), target)
	}
	require.Equal(t, "Temporal: using "+filepath.Join(dir, "temporal")+"\n", said.String(), "it is said once")
}

// Temporal is built where the one on PATH will not do.
func TestTemporalIsBuilt(t *testing.T) {
	for name, text := range map[string]string{
		"too old":         `echo "temporal version 0.13.0 (Server 1.24.1, UI 2.28.0)"`,
		"another program": `echo "temporal database 7"`,
		"broken":          `exit 1`,
		"no dev server":   `[ "$1" = --version ] && echo "temporal version 1.9.0 (Server 1.31.0, UI 2.50.0)"`,
	} {
		t.Run(name, func(t *testing.T) {
			i, said := newInstaller(t)
			dir := t.TempDir()
			script(t, dir, "temporal", text)
			script(t, dir, "go", builds)
			path, err := i.EnsureTemporal(t.Context())
			require.NoError(t, err)
			require.Contains(t, said.String(), "Temporal: building its CLI")
			built, err := os.ReadFile(filepath.Join(dir, "go.built"))
			require.NoError(t, err)
			require.Equal(t, "install -ldflags=-s -w github.com/temporalio/cli/cmd/temporal@v1.5.1\n", string(built))
			left, err := os.ReadDir(filepath.Dir(path))
			require.NoError(t, err)
			require.Len(t, left, 1, "what it was built in is taken away")
		})
	}
}

func TestBrokenLinkIsReplaced(t *testing.T) {
	i, _ := newInstaller(t)
	dir := t.TempDir()
	script(t, dir, "temporal", `exit 1`)
	script(t, dir, "go", builds)
	require.NoError(t, os.Mkdir(filepath.Join(i.Root, "bin"), 0o750))
	require.NoError(t, os.Symlink("/nowhere/temporal", filepath.Join(i.Root, "bin", "temporal")))
	path, err := i.EnsureTemporal(t.Context())
	require.NoError(t, err)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
}

// A build that fails shows its last lines, and one that is interrupted does not. Both leave what was there.
func TestTemporalBuildFails(t *testing.T) {
	for name, c := range map[string]struct {
		own         string
		interrupted bool
		want        []string
	}{
		"fails": {`exit 1`, false, []string{
			"install the temporal CLI: exit status 1; the last lines of ", "log/install-temporal.log:\n    dial tcp: no route to host",
		}},
		"interrupted": {`echo "temporal version 1.9.0 (Server 1.31.0, UI 2.50.0)"`, true, []string{"context canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, _ := newInstaller(t)
			own := filepath.Join(i.Root, "bin", "temporal")
			require.NoError(t, os.Mkdir(filepath.Dir(own), 0o750))
			require.NoError(t, os.WriteFile(own, []byte("#!/bin/sh\n"+c.own+"\n"), 0o700))
			dir := t.TempDir()
			script(t, dir, "temporal", `exit 1`)
			script(t, dir, "go", `echo "dial tcp: no route to host"; exit 1`)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.interrupted {
				cancel()
			}
			_, err := i.EnsureTemporal(ctx)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.FileExists(t, own)
		})
	}
}

// The error says what installs Temporal.
func TestFindTemporalFails(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := stack.FindTemporal(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "make build brings one")
}
