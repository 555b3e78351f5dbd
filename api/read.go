package api

import (
	"dummyorders/domain/card"
	"dummyorders/domain/transaction"
)

// ReadTransaction is what POST /transact makes of a body, for those who only want to look at it: it has no id, and
// nothing is begun. The error is a *Problem with every fault.
func ReadTransaction(body []byte, cards card.Describer) (*transaction.Transaction, error) {
	t, _, err := reader{cards: cards}.read(body)
	return t, err
}
