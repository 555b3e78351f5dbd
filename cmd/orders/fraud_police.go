package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"dummyorders/activities"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/workers"
)

type fraudPoliceCommand struct{}

// Run works until ctx ends.
func (fraudPoliceCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"fraud-police": checkForFraud})
}

func checkForFraud(p *process) func(context.Context) error {
	address := p.env.healthAddress(p.values)
	fraud := &activities.Fraud{Detector: p.env.detector(p.values)}
	runner := workers.NewRunner("fraud_police", workers.NewFraudPolice(p.temporal, fraud), p.log)
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error {
			return p.serveHealth(ctx, address, map[string]health.Check{
				"temporal": temporal.Check(p.temporal),
				"worker":   runner.Ready,
			})
		})
		group.Go(func() error { return runner.Run(ctx) })
		return group.Wait()
	}
}
