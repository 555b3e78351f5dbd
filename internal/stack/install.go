package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// heartbeat is how often somebody who waits is told that it still goes on.
const heartbeat = 15 * time.Second

// Installer gets what is missing on a machine. It says what it does before it does it, and how long it has been at it.
type Installer struct {
	Root string    // the project's folder
	Log  string    // the folder for what the installing programs print
	Out  io.Writer // for people
}

// With tells people what is being done, and every 15 seconds how long it has been going on.
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
			fmt.Fprintf(i.Out, "  still at it, %s\n", time.Since(start).Round(time.Second))
		}
	}
}

// run runs a program that prints to a log of its own. When it fails, the error has the log's last lines.
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
