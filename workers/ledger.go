package workers

import (
	"context"
	"log/slog"
	"time"

	"dummyorders/internal/health"
)

// Books is a ledger's database, as whoever looks after it sees it.
type Books interface {
	Pruner
	Migrate(ctx context.Context) error
}

// KeepLedger brings the ledger's tables to what this code needs, trying for as long as the database is away, and then
// lets go of what is old, as KeepTidy does. It returns when ctx ends.
func KeepLedger(ctx context.Context, books Books, retention time.Duration, log *slog.Logger) error {
	if !health.Await(ctx, log, "ledger", books.Migrate) {
		return nil
	}
	return KeepTidy(ctx, books, retention, log)
}
