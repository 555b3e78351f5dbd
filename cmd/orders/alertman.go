package main

import (
	"cmp"
	"context"
	"errors"

	"dummyorders/activities"
	"dummyorders/alerting/routing"
	"dummyorders/domain/audit"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/workers"
)

type alertmanCommand struct {
	Run     runAlertmanCommand     `cmd:"" default:"1" help:"Take alerts off RabbitMQ and deliver them to people. This is what orders alertman does without a command."`
	Check   checkAlertmanCommand   `cmd:"" help:"Check the file of receivers and routes, and list everything that is wrong with it."`
	Route   routeAlertmanCommand   `cmd:"" help:"Show where an event, a CloudEvent on the standard input, would be delivered, and why."`
	Preview previewAlertmanCommand `cmd:"" help:"Show the messages as they are sent, for each channel."`
	Test    tryReceiverCommand     `cmd:"" help:"Send a test alert to a receiver, and show the result of each delivery."`
	Dead    deadCommand            `cmd:"" help:"List dead letters, replay them to alertman, or delete them."`
}

type runAlertmanCommand struct{}

// Run takes and delivers alerts until ctx ends.
func (runAlertmanCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"alertman": deliverAlerts})
}

func deliverAlerts(p *process) func(context.Context) error {
	alerting := p.env.alerting(p.values, p.log)
	store := p.env.ledger(p.values)
	trail := p.env.audit(p.values, store)
	broker, check := p.env.consumer(p.values), temporal.Check(p.temporal)
	broker.Downstream, broker.Traces = check, p.traces
	consumer := rabbitmq.NewConsumer(broker, p.log)
	intake := &workers.Intake{
		Alerts: &temporal.Alerts{Client: p.temporal}, Router: routing.Current(alerting.routes), Mutes: &workers.Mutes{Store: store, Log: p.log},
		Log: p.log, Check: check,
	}
	atOnce := p.values.number("ALERTMAN_DELIVERIES", p.env.AlertmanDeliveries, 1, 10_000)
	work := p.work(worker{
		name: "alertman",
		maker: workers.NewAlertman(p.temporal,
			&activities.Deliveries{Channels: alerting.channels, Writer: alerting.writer},
			&activities.Groups{Store: &temporal.Groups{Client: p.temporal, Windows: store, Log: p.log}}, atOnce),
		checks: map[string]health.Check{"rabbitmq": func(context.Context) error { return consumer.Ready() }},
		beside: []func(context.Context) error{
			alerting.run,
			func(ctx context.Context) error {
				return keepInUse(ctx, trail, "use routes", func() (object, digest string) {
					routes := alerting.routes()
					return routes.Summary(), cmp.Or(routes.Digest(), audit.Digest(p.env.MailTo))
				}, p.log)
			},
			func(ctx context.Context) error { return consumer.Consume(ctx, intake.Take) },
			poll(p.log, "queues", consumer.MeasureQueues),
		},
	})
	return func(ctx context.Context) error { return errors.Join(work(ctx), store.Close()) }
}
