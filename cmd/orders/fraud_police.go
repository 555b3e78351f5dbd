package main

import (
	"context"
	"errors"

	"dummyorders/activities"
	"dummyorders/workers"
)

type fraudPoliceCommand struct{}

// Run runs the worker for fraud checks until ctx ends.
func (fraudPoliceCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"fraud-police": checkForFraud})
}

func checkForFraud(p *process) func(context.Context) error {
	check := p.env.fraudCheck(p.values, p.log)
	work := p.work(worker{
		name:   "fraud_police",
		maker:  workers.NewFraudPolice(p.temporal, &activities.Fraud{Detector: check.detector}),
		checks: check.checks(),
		beside: check.watches,
	})
	return func(ctx context.Context) error { return errors.Join(work(ctx), check.close()) }
}
