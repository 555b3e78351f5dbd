package main

import (
	"context"
	"maps"
	"slices"

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
	p, err := newProcess(ctx, "alertman")
	if err != nil {
		return err
	}
	defer p.close()
	address := p.env.healthAddress(p.values)
	channels := p.env.channels(p.values)
	consumer := rabbitmq.NewConsumer(p.env.consumer(p.values), p.log)
	if err := p.values.err(); err != nil {
		return err
	}
	intake := &workers.Intake{Temporal: p.temporal, Targets: slices.Sorted(maps.Keys(channels)), Log: p.log}
	w := workers.NewAlertman(p.temporal, &activities.Deliveries{Channels: channels})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return p.serveHealth(ctx, address, map[string]health.Check{
			"temporal": temporal.Check(p.temporal),
			"rabbitmq": func(context.Context) error { return consumer.Ready() },
		})
	})
	group.Go(func() error { return consumer.Consume(ctx, intake.Take) })
	group.Go(func() error { return workers.Run(ctx, "alertman", w, p.log) })
	return group.Wait()
}
