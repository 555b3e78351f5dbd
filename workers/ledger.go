package workers

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"dummyorders/domain/ledger"
)

// Books is a ledger's database, as whoever looks after it sees it.
type Books interface {
	ledger.Pruner
	Migrate(ctx context.Context) error
}

// KeepLedger brings the ledger's tables to what this code needs, trying for as long as the database is away, and then
// lets go of what ended longer ago than retention. It returns when ctx ends.
func KeepLedger(ctx context.Context, books Books, retention time.Duration, log *slog.Logger) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, books.Migrate(ctx) },
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) {
			log.Error("Ledger not ready", "error", err, "againIn", next.Round(time.Millisecond))
		}))
	if err != nil {
		return nil //nolint:nilerr // only the end of ctx ends the tries
	}
	return KeepTidy(ctx, books, retention, log)
}
