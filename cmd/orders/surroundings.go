package main

import (
	"context"
	"time"

	"dummyorders/domain/report"
	"dummyorders/gateways/ledger"
	"dummyorders/gateways/temporal"
	"dummyorders/ops"
)

// surroundings implements api.Surroundings.
type surroundings struct {
	*temporal.Operator
	status *ops.Status
}

func (p *process) surroundings(store *ledger.Ledger) surroundings {
	operator := temporal.NewOperator(p.temporal)
	return surroundings{operator, &ops.Status{Temporal: operator, Ledger: store, Version: buildVersion(), Now: time.Now}}
}

// Parts looks at the processes and servers that every process can see.
func (s surroundings) Parts(ctx context.Context) (all []report.Part) {
	for _, l := range s.status.Processes(ctx) {
		all = append(all, report.Part{Name: l.Name, State: string(l.State), Detail: l.Detail})
	}
	return all
}
