package activities

import (
	"context"

	"dummyorders/domain/ledger"
)

// Ledger keeps what became of transactions.
type Ledger struct {
	Writer ledger.Writer
}

// Save keeps an entry. Saving it again changes nothing, and neither does an entry that comes late.
func (a *Ledger) Save(ctx context.Context, entry ledger.Entry) error {
	return a.Writer.Save(ctx, entry)
}
