package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/ops"
)

// reportFlags are those of commands that look at the service and report.
type reportFlags struct {
	Watch bool          `help:"Look again and again, until interrupted. With --json, an object on each line."`
	Every time.Duration `help:"With --watch, the time between two looks." default:"5s"`
	jsonFlag
}

// Validate checks the range of --every.
func (c reportFlags) Validate() error {
	if c.Every < time.Second || c.Every > time.Hour {
		return fmt.Errorf("--every: must be from 1s to 1h, not %s", c.Every)
	}
	return nil
}

// notWell is the error of a command whose report, which is written, says that not all is well.
type notWell struct {
	state ops.State
	names []string
}

// Error names what is not well.
func (e *notWell) Error() string {
	return fmt.Sprintf("%s: %s", e.state, strings.Join(e.names, ", "))
}

// verdictOf returns nil if all is well.
func verdictOf(r ops.Report) error {
	if r.State.ExitCode() == 0 {
		return nil
	}
	found := &notWell{state: r.State}
	add := func(name string) {
		if !slices.Contains(found.names, name) {
			found.names = append(found.names, name)
		}
	}
	for _, l := range r.Parts {
		if l.State.ExitCode() > 0 {
			add(l.Name)
		}
	}
	for _, s := range r.Stuck {
		add(s.Kind)
	}
	return found
}

// run writes one report, or with --watch one after the other until ctx ends, and then returns nil.
func (c reportFlags) run(ctx context.Context, title string, look func(context.Context) ops.Report, out output) error {
	if !c.Watch {
		r := look(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", context.Cause(ctx))
		}
		if err := c.write(out.results, title, r); err != nil {
			return err
		}
		return verdictOf(r)
	}
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	for {
		r := look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !c.JSON && isatty.IsTerminal(os.Stdout.Fd()) {
			fmt.Fprint(out.results, "\x1b[H\x1b[2J")
		}
		if err := c.write(out.results, title, r); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (c reportFlags) write(to io.Writer, title string, r ops.Report) error {
	if !c.JSON {
		if err := r.Text(to, title); err != nil {
			return err
		}
		if c.Watch {
			fmt.Fprintln(to)
		}
		return nil
	}
	if !c.Watch {
		return printJSON(to, r)
	}
	return json.NewEncoder(to).Encode(r)
}

type statusCommand struct {
	reportFlags
	API   string `name:"api" help:"The address of the api. By default HTTP_ADDRESS." placeholder:"ADDRESS"`
	Desk  string `help:"The address at which the desk serves /readyz, or none. By default DESK_ADDRESS if OIDC_ISSUER is set, and else none." placeholder:"ADDRESS"`
	Since moment `help:"Leave out what failed earlier: a time, such as 2026-11-02T09:30:00Z, a date, which is its midnight in UTC, or how long ago, such as 24h or 30d." placeholder:"WHEN"`
	Most  int    `help:"How many of each kind of stuck work to look at, the oldest." default:"20"`
}

// mostStuck bounds --most: each is asked about.
const mostStuck = 500

// Validate checks the range of --most.
func (c statusCommand) Validate() error {
	if c.Most < 1 || c.Most > mostStuck {
		return fmt.Errorf("--most: must be from 1 to %d, not %d", mostStuck, c.Most)
	}
	return c.reportFlags.Validate()
}

// Run shows the status.
func (c statusCommand) Run(ctx context.Context) error {
	return once(ctx, "status", func(p *process) func(context.Context) error {
		address := p.env.HTTPAddress
		if c.API != "" {
			address = c.API
		}
		desk := cmp.Or(c.Desk, p.env.DeskAddress)
		store := p.env.ledger(p.values)
		status := &ops.Status{
			Temporal: temporal.NewOperator(p.temporal),
			Broker:   rabbitmq.NewOperator(p.env.publisher(p.values), p.env.consumer(p.values)),
			Ledger:   store,
			API:      func(ctx context.Context) error { return askReady(ctx, address) },
			Gateways: p.env.gatewayChecks(p.values),
			Version:  buildVersion(), Since: c.Since.Time, Most: c.Most, Now: time.Now,
		}
		if desk != "none" && (c.Desk != "" || p.env.OIDCIssuer != "") {
			status.Desk = func(ctx context.Context) error { return askReady(ctx, desk) }
		}
		return func(ctx context.Context) error {
			defer func() { _ = store.Close() }()
			return c.run(ctx, "orders status", status.Look, standard())
		}
	})
}

// gatewayChecks returns the gateways that payment methods go to, and how to find out whether each answers.
func (e environment) gatewayChecks(v *values) []ops.Gateway {
	methods := map[string][]string{}
	for method, gateway := range v.paymentGateways("PAYMENT_GATEWAYS", e.PaymentGateways) {
		methods[gateway] = append(methods[gateway], method)
	}
	fine := func(context.Context) error { return nil }
	all := []ops.Gateway{}
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		slices.Sort(methods[name])
		g := ops.Gateway{Name: name, Check: fine, Note: "for " + strings.Join(methods[name], ", ")}
		switch name {
		case simulatedGateway:
			g.Note += "; it moves no money"
		case refuseGateway:
			g.Note += "; it declines"
		case stripeGateway:
			g.Check = answers(e.StripeURL)
			g.Note += "; " + e.StripeURL + " answers"
		}
		all = append(all, g)
	}
	return all
}

// answers returns a check whether a web server answers, with whatever status.
func answers(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
}
