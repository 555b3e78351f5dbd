package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"dummyorders/activities"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/workers"
)

type fraudPoliceCommand struct{}

// Run runs the worker for fraud checks until ctx ends.
func (fraudPoliceCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"fraud-police": checkForFraud})
}

func checkForFraud(p *process) func(context.Context) error {
	address := p.env.healthAddress(p.values)
	check := p.env.fraudCheck(p.values, p.log)
	runner := workers.NewRunner("fraud_police", workers.NewFraudPolice(p.temporal, &activities.Fraud{Detector: check.detector}), p.log)
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error {
			return p.serveHealth(ctx, address, check.ready(map[string]health.Check{
				"temporal": temporal.Check(p.temporal),
				"worker":   runner.Ready,
			}))
		})
		group.Go(func() error { return check.run(ctx) })
		group.Go(func() error { return runner.Run(ctx) })
		return errors.Join(group.Wait(), check.close())
	}
}
