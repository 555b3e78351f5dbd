package main

import (
	"context"
	"time"

	"dummyorders/domain/report"
	"dummyorders/gateways/ledger"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/ops"
)

// surroundings implements api.Surroundings.
type surroundings struct {
	*temporal.Operator
	status *ops.Status
}

// surroundings looks at what this process has settings for. api says whether the api is ready; nil means that its address is not set.
func (p *process) surroundings(store *ledger.Ledger, api func(context.Context) error) surroundings {
	operator := temporal.NewOperator(p.temporal)
	status := &ops.Status{Temporal: operator, Ledger: store, API: api, Version: buildVersion(), Now: time.Now}
	if isSet("RABBITMQ_CONSUMER_URL") {
		status.Broker = rabbitmq.NewOperator(p.env.publisher(p.values), p.env.consumer(p.values))
	}
	if isSet("PAYMENT_GATEWAYS") {
		status.Gateways = p.env.gatewayChecks(p.values)
	}
	return surroundings{operator, status}
}

// Parts looks at the processes, servers and gateways.
func (s surroundings) Parts(ctx context.Context) (all []report.Part) {
	for _, l := range s.status.Processes(ctx) {
		all = append(all, report.Part{Name: l.Name, State: string(l.State), Detail: l.Detail})
	}
	return all
}
