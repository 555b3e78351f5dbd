// Orders is all the processes of the service in one binary, with one command for each. It makes no decisions: it only
// puts the packages together, starts them and stops them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"dummyorders/internal/timezone"
)

// version is set by the linker.
var version = ""

// These are the exit codes. exitConfig means wrong settings or arguments: starting the process again will not help. status and
// doctor exit with the code of the worst state that they found, as ops.State has it.
const (
	exitFailure = 1
	exitConfig  = 2
)

type commands struct {
	API          apiCommand          `cmd:"" name:"api" help:"Serve the HTTP API: take transactions and answer with their outcome."`
	Worker       workerCommand       `cmd:"" help:"Run the workflow ProcessTransaction, its payments and its alerts."`
	FraudPolice  fraudPoliceCommand  `cmd:"" help:"Check transactions for fraud."`
	Alertman     alertmanCommand     `cmd:"" help:"Take alerts off RabbitMQ and deliver them to people; check receivers and routes; handle dead letters."`
	Desk         deskCommand         `cmd:"" help:"Serve the desk, the web console for reviewers, analysts and operators."`
	Dev          devCommand          `cmd:"" help:"Run all of these in one process, for a laptop; the desk only where OIDC_ISSUER is set."`
	Ledger       ledgerCommand       `cmd:"" help:"Compare the ledger with Temporal, export it, or back it up."`
	Audit        auditCommand        `cmd:"" help:"List, export and verify the audit trail: who did what."`
	Merchants    merchantsCommand    `cmd:"" help:"Add, list and disable merchants, who own transactions."`
	Keys         keysCommand         `cmd:"" help:"Make, list, roll and revoke the API keys of merchants' clients."`
	Rules        rulesCommand        `cmd:"" help:"Write, check, test and compare the rules that fraud-police decides by, and explain its decisions."`
	Status       statusCommand       `cmd:"" help:"Show what runs, what is down and what is stuck, and what to do about it. Exits with 0 if all is well, 1 if something is degraded or stuck, 2 for wrong settings, 3 if something is down."`
	Doctor       doctorCommand       `cmd:"" help:"Check settings, connections, permissions, clocks, versions, set-up and certificates. Exits as status does."`
	SignIn       signInCommand       `cmd:"" name:"sign-in" help:"Sign in as a person, and print the token with which to call the API."`
	Healthcheck  healthcheckCommand  `cmd:"" help:"Ask a process whether it is ready; exits with 1 if it is not."`
	CheckSecrets checkSecretsCommand `cmd:"" help:"Refuse passwords of PostgreSQL and RabbitMQ that are published with the source, before these start in production."`
	Version      versionCommand      `cmd:"" help:"Print the version."`
	Help         helpCommand         `cmd:"" help:"Print a page of the documentation, or list them."`
	Completion   completionCommand   `cmd:"" help:"Print what makes a shell complete commands and flags: source <(orders completion bash)."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func execute(ctx context.Context, args []string) int {
	parser, err := newParser(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		return exitFailure
	}
	completed(parser)
	if i := slices.IndexFunc(args, isEmpty); i >= 0 {
		fmt.Fprintf(os.Stderr, "orders: argument %d is empty: leave it out, or give it a value; see orders --help\n", i+1)
		return exitConfig
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "orders: %v; see orders --help\n", err)
		return exitConfig
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		return exitCode(err)
	}
	return written()
}

func exitCode(err error) int {
	if _, is := errors.AsType[*configError](err); is {
		return exitConfig
	}
	if found, is := errors.AsType[*notWell](err); is {
		return found.state.ExitCode()
	}
	return exitFailure
}

// written returns the exit code of a command that succeeded: it is exitFailure if its output could not be written.
func written() int {
	if err := stdout.failed(); err != nil {
		fmt.Fprintln(os.Stderr, "orders: write the output:", err)
		return exitFailure
	}
	return 0
}

// isEmpty reports whether an argument is empty or a flag without its value, as when a script's variable is not set.
// Treating it as absent would widen what a command applies to.
func isEmpty(arg string) bool {
	return strings.TrimSpace(arg) == "" || strings.HasPrefix(arg, "--") && strings.HasSuffix(strings.TrimSpace(arg), "=")
}

func newParser(ctx context.Context, options ...kong.Option) (*kong.Kong, error) {
	exit := func(code int) { os.Exit(max(code, written())) } // for --help and --version
	return kong.New(&commands{}, append([]kong.Option{
		kong.Name("orders"), kong.Writers(stdout, os.Stderr), kong.Exit(exit),
		kong.Description("Card transactions, checked for fraud, paid for or stopped. Settings come from the environment: see the file env."),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"version": versions()},
	}, options...)...)
}

type versionCommand struct {
	jsonFlag
}

// Run prints the same as --version.
func (c versionCommand) Run() error {
	if c.JSON {
		return printJSON(stdout, map[string]string{"version": buildVersion(), "go": runtime.Version(), "timeZones": timezone.Version()})
	}
	_, err := fmt.Fprintln(stdout, versions())
	return err
}

// versions returns the versions that decide how a binary behaves: its own, Go's, and that of the time zone database.
func versions() string {
	return fmt.Sprintf("orders %s, %s, time zones %s", buildVersion(), runtime.Version(), timezone.Version())
}

// buildVersion returns the version that the linker set, or else the module's.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
