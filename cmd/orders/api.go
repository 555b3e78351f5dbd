package main

import (
	"context"
	"errors"
	"time"

	"dummyorders/api"
	"dummyorders/domain/card"
	"dummyorders/gateways/cloudevents"
	"dummyorders/gateways/ledger"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
)

// drainRequests is how long the process serves open requests once it has closed its listener. It is enough to tell a waiting
// caller where to ask for the result.
const drainRequests = 20 * time.Second

type apiCommand struct{}

// Run serves HTTP until ctx ends.
func (apiCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"api": serveAPI})
}

func serveAPI(p *process) func(context.Context) error {
	address, store := p.env.httpAddress(p.values), p.env.ledger(p.values)
	stored := p.env.storedKeys(p.values, store, p.log)
	options, beside := p.apiOptions(store, false, temporal.Check(p.temporal)) // which is what makes it ready
	options.Cards = card.NewDescriber(p.env.fingerprintKey(p.values))
	options.Authenticators = p.env.authenticators(p.values, stored, p.log)
	options.Issuer, options.AlsoAnonymous = p.env.OIDCIssuer, p.env.developmentIssuer()
	options.Hosts, options.Prefix = p.env.hosts(), p.env.prefix()
	options.PaymentMethods = p.env.paymentMethods(p.values)
	options.RequireIdempotencyKey = p.values.flag("IDEMPOTENCY_KEY_REQUIRED", p.env.RequireKey)
	options.Limits = p.env.limits(p.values)
	publish := func(context.Context) error { return nil }
	if isSet("RABBITMQ_PUBLISHER_URL") { // without, the default would be that of a laptop
		publisher := rabbitmq.NewPublisher(p.env.publisher(p.values), p.log)
		options.Alarms, publish = publisher, publisher.Run
	}
	if len(options.Authenticators) == 0 || options.AlsoAnonymous {
		options.Metrics = p.metrics // to others, the figures of the business are shown on HEALTH_ADDRESS only
	}
	p.checks = map[string]health.Check{"temporal": temporal.Check(p.temporal)} // the ledger is not part of it: see api.Options
	connections := api.Connections{
		All:     p.values.number("HTTP_MAX_CONNECTIONS", p.env.HTTPMaxConnections, 1, 100_000),
		Address: p.values.number("HTTP_MAX_CONNECTIONS_PER_ADDRESS", p.env.AddressConnections, 1, 100_000),
		Exempt:  options.TrustedProxies,
		Log:     p.log,
	}
	delay := p.env.shutdownDelay(p.values)
	return func(running context.Context) error {
		ctx, stop := delayed(running, delay)
		defer stop()
		options.Running = running //nolint:fatcontext // it is set once
		todo := append(beside,
			func(ctx context.Context) error {
				options.Transactions = &temporal.Transactions{Client: p.temporal, Ledger: store, Draining: ctx}
				handler := closing(running, api.New(options))
				return outlast(ctx, func(ctx context.Context) error {
					return serve(ctx, p.log, address, connections.Limit, handler, drainRequests)
				}, publish) // the last requests publish their alarms
			},
			func(ctx context.Context) error {
				health.Await(ctx, p.log, "ledger", store.Ready)
				return nil
			},
		)
		if stored != nil {
			todo = append(todo, stored.Run)
		}
		err := together(ctx, todo...)
		return errors.Join(err, store.Close())
	}
}

// deadLetters returns the queue of dead letters, or nil if the process has no access to it: that is alertman's, and without the
// variable the default would be that of a laptop.
func (p *process) deadLetters() api.DeadLetters {
	if !isSet("RABBITMQ_CONSUMER_URL") {
		return nil
	}
	letters := rabbitmq.NewDeadLetters(p.env.consumer(p.values), p.env.publisher(p.values))
	letters.MaxHeld = deadInMemory
	return letters
}

// deadInMemory bounds how many dead letters a request holds, so that it is answered within seconds.
const deadInMemory = 5000

// apiOptions returns the options that the API has for its own callers and for the desk's pages alike, and what runs beside it. ready is
// as for surroundings. keeps says whether backtests are kept in the database, for other processes: the API's user may not write them.
func (p *process) apiOptions(store *ledger.Ledger, keeps bool, ready func(context.Context) error) (options api.Options, beside []func(context.Context) error) {
	rules, beside := p.env.workbench(p.values, store, keeps, p.log)
	routes, follow := p.env.shownRoutes(p.values, p.log)
	beside = append(beside, follow)
	options = api.Options{
		Rules:                    rules,
		Lists:                    store,
		OneApproves:              !p.values.flag("RULES_FOUR_EYES", p.env.RulesFourEyes),
		Alerts:                   &temporal.Alerts{Client: p.temporal},
		Mutes:                    store,
		DeadLetters:              p.deadLetters(),
		Routes:                   routes,
		ReadEvent:                cloudevents.Decode,
		Ledger:                   store,
		Audit:                    p.env.audit(p.values, store),
		Trail:                    store,
		Clients:                  store,
		Sessions:                 ledger.Sessions{Ledger: store},
		Figures:                  store,
		Surroundings:             p.surroundings(store, ready),
		Links:                    p.env.links(p.values),
		Detail:                   api.Detail(p.values.oneOf("DECISION_DETAIL", p.env.DecisionDetail, api.Details)),
		Queues:                   p.values.queues("REVIEW_ASSIGN", p.env.ReviewAssign),
		OrderIDsMayLookLikeCards: p.values.flag("ORDER_ID_MAY_LOOK_LIKE_A_CARD", p.env.CardLikeOrderIDs),
		MaxInFlight:              p.values.number("HTTP_MAX_IN_FLIGHT", p.env.HTTPMaxInFlight, 1, 100_000),
		TrustedProxies:           p.values.networks("TRUSTED_PROXIES", p.env.TrustedProxies),
		Traces:                   p.traces,
		Version:                  buildVersion(),
		Log:                      p.log,
	}
	if p.env.RulesFrom == rulesFromDatabase {
		options.Rulesets = store
	}
	return options, beside
}
