package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"dummyorders/internal/stack"
)

func installer(root string) stack.Installer {
	return stack.Installer{Root: root, Log: filepath.Join(root, runFolder, "log"), Out: os.Stdout}
}

type installCommand struct {
	What []string `arg:"" enum:"temporal,rabbitmq,postgresql,pgbouncer,prometheus,alertmanager,postgres-exporter,chromium,cc,npm" help:"What to make sure of: temporal (CLI and dev server, in bin/), rabbitmq, postgresql, pgbouncer, prometheus, alertmanager, postgres-exporter, chromium, cc (a C compiler, for the race detector), npm (Node.js, and what internal/tools/npm lists)."`
}

// Run installs what is missing. It prints nothing if nothing is missing.
func (c installCommand) Run(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	i := installer(root)
	ensure := map[string]func() error{
		"temporal":   func() error { _, err := i.EnsureTemporal(ctx); return err },
		"rabbitmq":   func() error { _, err := i.EnsureRabbitMQ(ctx); return err },
		"postgresql": func() error { _, err := i.EnsurePostgres(ctx); return err },
		"cc":         func() error { return i.EnsureCC(ctx) },
		"npm":        func() error { _, err := i.EnsureNPM(ctx); return err },
	}
	for _, what := range c.What {
		do, special := ensure[what]
		if !special {
			do = func() error { return i.Ensure(ctx, what) }
		}
		if err := do(); err != nil {
			return interrupted(ctx, err)
		}
	}
	return nil
}

type progressCommand struct {
	What    string   `arg:"" help:"What the command does, as people read it."`
	Command []string `arg:"" passthrough:"" help:"The command."`
}

// Run runs a command, prints its output as it comes, and reports progress meanwhile.
func (c progressCommand) Run(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	if err := installer(root).With(c.What, cmd.Run); err != nil {
		return interrupted(ctx, fmt.Errorf("%s: %w", strings.Join(args[:min(2, len(args))], " "), err))
	}
	return nil
}

// interrupted returns one common error for everything that fails because of a Ctrl-C.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
