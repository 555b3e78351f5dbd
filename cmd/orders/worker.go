package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/activities"
	"dummyorders/domain/payment"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/simulated"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/workers"
	"dummyorders/workflows"
)

type workerCommand struct{}

// Run works until ctx ends.
func (workerCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"worker": workOnOrders})
}

func workOnOrders(p *process) func(context.Context) error {
	address := p.env.healthAddress(p.values)
	orders := &workflows.Orders{
		FraudCheckDeadline: p.values.duration("FRAUD_CHECK_DEADLINE", p.env.FraudCheckDeadline, time.Second, 30*24*time.Hour),
		WebUI:              p.values.webURL("WEB_UI_URL", p.env.WebUIURL),
	}
	publisher := rabbitmq.NewPublisher(p.env.publisher(p.values), p.log)
	pay, alerts := &activities.Payment{Gateways: gateways()}, &activities.Alerts{Publisher: publisher}
	runner := workers.NewRunner("orders", workers.NewOrders(p.temporal, orders, pay, alerts), p.log)
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error {
			return p.serveHealth(ctx, address, map[string]health.Check{
				"temporal": temporal.Check(p.temporal),
				"worker":   runner.Ready,
				"rabbitmq": func(context.Context) error { return publisher.Ready() },
			})
		})
		publishing, stopPublishing := context.WithCancel(context.WithoutCancel(ctx))
		group.Go(func() error { return publisher.Run(publishing) })
		group.Go(func() error {
			defer stopPublishing() // not before the last activity has published its alert
			return runner.Run(ctx)
		})
		return group.Wait()
	}
}

// gateways sends every payment method to a gateway of its name that moves no money.
func gateways() *payment.Registry {
	byMethod := map[string]payment.Gateway{}
	for _, method := range []string{"paytm", "icicidebit", "icici-debit", "amazonpay"} {
		byMethod[method] = simulated.New(method)
	}
	return payment.NewRegistry(simulated.New("default"), byMethod)
}
