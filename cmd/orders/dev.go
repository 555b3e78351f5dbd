package main

import (
	"context"
	"os"
)

type devCommand struct{}

// Run runs the four processes as one. When one of them fails, all end.
func (devCommand) Run(ctx context.Context) error {
	if err := os.Unsetenv("HEALTH_ADDRESS"); err != nil { // one address cannot serve four parts; the API's /readyz and /metrics are enough here
		return err
	}
	return run(ctx, parts)
}
