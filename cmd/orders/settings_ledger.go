package main

import (
	"time"

	"dummyorders/domain/audit"
	ledgerdb "dummyorders/gateways/ledger"
)

// These bound how long ended transactions may be kept. The minimum is how long temporal-config/ keeps histories: until
// then, a transaction's history may be compared with the ledger.
const (
	leastRetention = 30 * 24 * time.Hour
	mostRetention  = 10 * 365 * 24 * time.Hour
)

// ledger returns nil if its URL is wrong. It does not connect yet.
func (e environment) ledger(v *values) *ledgerdb.Ledger {
	ledger, err := ledgerdb.Open(e.LedgerURL)
	if err != nil {
		v.faults = append(v.faults, "LEDGER_URL: "+err.Error())
		return nil
	}
	e.refusePublished(v, "LEDGER_URL", ledgerdb.Password(e.LedgerURL))
	return ledger
}

// audit returns the audit trail in the ledger, which also goes to the standard output if AUDIT_STREAM says so.
func (e environment) audit(v *values, store *ledgerdb.Ledger) audit.Trail {
	if v.oneOf("AUDIT_STREAM", e.AuditStream, []string{"none", "stdout"}) == "stdout" {
		return audit.Stream(store, stdout)
	}
	return store
}

func (e environment) ledgerRetention(v *values) time.Duration {
	return v.duration("LEDGER_RETENTION", e.LedgerRetention, leastRetention, mostRetention)
}
