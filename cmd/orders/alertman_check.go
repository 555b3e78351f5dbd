package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dummyorders/alerting/routing"
	"dummyorders/internal/yamlfile"
)

type checkAlertmanCommand struct {
	File string `arg:"" optional:"" help:"The file; by default that of ALERTMAN_CONFIG."`
}

// Run fails with every fault, each with its place and what would be right.
func (c checkAlertmanCommand) Run(ctx context.Context) error {
	return c.check(ctx, standard())
}

func (c checkAlertmanCommand) check(ctx context.Context, out output) error {
	routes, err := readRoutes(ctx, c.File, out)
	if err != nil {
		return err
	}
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	// Warnings, and no faults: the file may be checked elsewhere than where alertman runs.
	for _, warning := range append(routes.Warnings(), routes.Needs(env.lacking())...) {
		fmt.Fprintf(out.results, "warning: %s\n", warning)
	}
	fmt.Fprintln(out.results, routes.Summary())
	return nil
}

// readRoutes reads who is told of what: from a file, from that of the environment where none is named, and where there is
// none either, from the mail variables; then it says so.
func readRoutes(ctx context.Context, file string, out output) (*routing.Config, error) {
	if file == "" {
		env, err := readEnvironment(ctx, lookup())
		if err != nil {
			return nil, err
		}
		if file = env.AlertmanConfig; file == "" {
			v := &values{}
			addresses := v.addresses("TRANSACTION_FRAUD_EMAIL_ALERT_TO", env.MailTo)
			if err := v.err(); err != nil {
				return nil, err
			}
			fmt.Fprintf(out.progress, "ALERTMAN_CONFIG is not set: the receiver mail is told of everything, which is TRANSACTION_FRAUD_EMAIL_ALERT_TO: %s.\n",
				strings.Join(addresses, ", "))
			return routing.ToMail(addresses), nil
		}
	}
	routes, err := routing.Load(file)
	if errors.As(err, new(yamlfile.Faults)) {
		return nil, fmt.Errorf("%s cannot be used:\n%w", file, err)
	}
	return routes, err
}
