package main

import (
	"context"
	"maps"
)

type devCommand struct{}

// Run runs the processes as one. When one of them fails, all end.
func (devCommand) Run(ctx context.Context) error {
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
