// Devstack is the program behind make run: it runs the servers that the service depends on, and the service's
// processes, on this machine without containers, until Ctrl-C. It also installs what they need, for make build and make
// test.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Run      runCommand      `cmd:"" help:"Start the servers and all processes, and stop them all at Ctrl-C."`
	Install  installCommand  `cmd:"" help:"Get what is missing on this machine."`
	Progress progressCommand `cmd:"" help:"Run a command that takes long, and print progress meanwhile."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command := kong.Parse(&commands{}, kong.Name("devstack"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "devstack:", err)
		stop()
		os.Exit(1)
	}
}
