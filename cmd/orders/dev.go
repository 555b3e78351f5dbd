package main

import (
	"context"
	"maps"
	"os"
)

type devCommand struct{}

// Run runs the processes as one. When one of them fails, all end.
func (devCommand) Run(ctx context.Context) error {
	if err := os.Unsetenv("HEALTH_ADDRESS"); err != nil { // one address cannot serve several parts; the API's /readyz and /metrics are enough here
		return err
	}
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	all := maps.Clone(parts)
	if env.OIDCIssuer == "" { // the desk is for persons only
		delete(all, "desk")
	}
	return run(ctx, all)
}
