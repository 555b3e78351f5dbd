package activities

import (
	"context"
	"time"

	"dummyorders/domain/ledger"
	"dummyorders/internal/telemetry"
)

// Ledger writes the records of transactions to the ledger.
type Ledger struct {
	Writer ledger.Writer
}

// Save writes an entry. Saving it again changes nothing, and neither does saving an entry older than the one that is kept.
func (a *Ledger) Save(ctx context.Context, entry ledger.Entry) error {
	err := a.Writer.Save(ctx, entry)
	if err == nil {
		telemetry.LedgerLag.Record(ctx, time.Since(entry.Mark.At))
	}
	return err
}
