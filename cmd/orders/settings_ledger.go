package main

import (
	"time"

	ledgerdb "dummyorders/gateways/ledger"
)

// How long ended transactions may be kept. The least is what temporal-config/ keeps histories for: until then, a
// transaction's history may be asked for what the ledger has to say of it.
const (
	leastRetention = 30 * 24 * time.Hour
	mostRetention  = 10 * 365 * 24 * time.Hour
)

// ledger is nil where its URL is wrong. It is connected to nothing yet.
func (e environment) ledger(v *values) *ledgerdb.Ledger {
	ledger, err := ledgerdb.Open(e.LedgerURL)
	if err != nil {
		v.faults = append(v.faults, "LEDGER_URL: "+err.Error())
		return nil
	}
	return ledger
}

func (e environment) ledgerRetention(v *values) time.Duration {
	return v.duration("LEDGER_RETENTION", e.LedgerRetention, leastRetention, mostRetention)
}
