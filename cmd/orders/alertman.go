package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"dummyorders/activities"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/workers"
)

type alertmanCommand struct{}

// Run takes and delivers alerts until ctx ends.
func (alertmanCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"alertman": deliverAlerts})
}

func deliverAlerts(p *process) func(context.Context) error {
	address := p.env.healthAddress(p.values)
	channels := p.env.channels(p.values)
	consumer := rabbitmq.NewConsumer(p.env.consumer(p.values), p.log)
	intake := &workers.Intake{Temporal: p.temporal, Targets: p.env.targets(p.values), Log: p.log}
	deliveries := &activities.Deliveries{Channels: channels}
	runner := workers.NewRunner("alertman", workers.NewAlertman(p.temporal, deliveries), p.log)
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error {
			return p.serveHealth(ctx, address, map[string]health.Check{
				"temporal": temporal.Check(p.temporal),
				"worker":   runner.Ready,
				"rabbitmq": func(context.Context) error { return consumer.Ready() },
			})
		})
		group.Go(func() error { return consumer.Consume(ctx, intake.Take) })
		group.Go(func() error { return runner.Run(ctx) })
		return group.Wait()
	}
}
