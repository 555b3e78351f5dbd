package api

import (
	"github.com/google/uuid"
)

// readAlertsQuery is the transaction whose alerts are asked for. It returns every fault at once, as a *Problem.
func readAlertsQuery(raw string) (transactionID string, err error) {
	p, err := readParameters(raw, "transaction")
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(p.values.Get("transaction"))
	if err != nil {
		p.wrong("transaction", "must be there, and be a transactionID as POST /transact answers it, which is a UUID")
	}
	return id.String(), p.problem("the alerts cannot be listed so: see errors")
}
