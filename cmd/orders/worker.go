package main

import (
	"context"
	"errors"
	"time"

	"dummyorders/activities"
	"dummyorders/domain/review"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/health"
	"dummyorders/workers"
	"dummyorders/workflows"
)

// maxWait bounds the settings for how long a transaction may wait.
const maxWait = 30 * 24 * time.Hour

type workerCommand struct{}

// Run runs the worker for orders until ctx ends.
func (workerCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"worker": workOnOrders})
}

func workOnOrders(p *process) func(context.Context) error {
	orders, gateways := p.env.orders(p.values), p.env.gateways(p.values)
	orders.Gateways = gateways
	if isLive(p.env.StripeAPIKey) && p.env.StripeURL != stripeAPI {
		p.log.Warn("Payments with the live key go to STRIPE_URL, which is not Stripe's own address: check that it passes them on to Stripe")
	}
	publisher := rabbitmq.NewPublisher(p.env.publisher(p.values), p.log)
	store, retention := p.env.ledger(p.values), p.env.ledgerRetention(p.values)
	work := p.work(worker{
		name: "orders",
		maker: workers.NewOrders(p.temporal, orders, workers.OrdersActivities{
			Payment: &activities.Payment{Gateways: gateways},
			Alerts:  &activities.Alerts{Publisher: publisher},
			Ledger:  &activities.Ledger{Writer: store},
		}),
		checks: map[string]health.Check{
			"rabbitmq": func(context.Context) error { return publisher.Ready() },
			"ledger":   store.Writable,
		},
		beside: []func(context.Context) error{
			func(ctx context.Context) error { return workers.KeepLedger(ctx, store, retention, p.log) },
		},
	})
	return func(ctx context.Context) error {
		err := outlast(ctx, work, publisher.Run) // the last activity publishes its alert
		return errors.Join(err, store.Close())
	}
}

// orders returns the settings of the workflows.
func (e environment) orders(v *values) *workflows.Orders {
	return &workflows.Orders{
		FraudCheckDeadline: v.duration("FRAUD_CHECK_DEADLINE", e.FraudCheckDeadline, time.Second, maxWait),
		PaymentDeadline:    v.duration("PAYMENT_DEADLINE", e.PaymentDeadline, time.Second, maxWait),
		ReviewDeadline:     v.duration("REVIEW_DEADLINE", e.ReviewDeadline, 2*time.Second, maxWait),
		ReviewOnExpiry:     review.Verdict(v.oneOf("REVIEW_ON_EXPIRY", e.ReviewOnExpiry, []string{"decline", "approve"})),
		ReviewSecondFrom:   v.amounts("REVIEW_SECOND_FROM", e.ReviewSecondFrom),
		WebUI:              v.webURL("WEB_UI_URL", e.WebUIURL),
	}
}
