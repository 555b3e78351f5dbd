package main

import (
	"context"
	"os"

	"golang.org/x/sync/errgroup"
)

type devCommand struct{}

// Run runs the four processes as one. When one fails, all end.
func (devCommand) Run(ctx context.Context) error {
	if err := os.Unsetenv("HEALTH_ADDRESS"); err != nil { // one address cannot serve three; the API's /readyz is enough here
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{
		apiCommand{}.Run, workerCommand{}.Run, fraudPoliceCommand{}.Run, alertmanCommand{}.Run,
	} {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}
