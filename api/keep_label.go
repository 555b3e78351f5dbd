package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/ledger"
)

const (
	// labelTimeout is for a ledger whose other writers have to be waited for.
	labelTimeout = 10 * time.Second
	// ledgerLag is more than the ledger usually follows a transaction behind.
	ledgerLag = 2 * time.Second
	askAgain  = 50 * time.Millisecond
)

// label has the ledger keep a label. A transaction that was accepted a moment ago may not be there yet: where its
// workflow runs, its first entry is waited for a little, and its lack is ledger.ErrNotFound. errNotFound is for a
// transaction that nobody knows, or whose entry the ledger has lost.
func (s *saga) label(ctx context.Context, id string, l ledger.Label) (ledger.Label, error) {
	kept, err := s.keep(ctx, id, l)
	if !errors.Is(err, ledger.ErrNotFound) {
		return kept, err
	}
	found, describeErr := s.describe(ctx, id)
	switch {
	case isNotFound(describeErr):
		return ledger.Label{}, errNotFound
	case describeErr != nil:
		return ledger.Label{}, fmt.Errorf("%w: the ledger: %s; Temporal: %w", errUnavailable, err.Error(), describeErr)
	}
	kept, err = backoff.Retry(ctx, func() (ledger.Label, error) {
		kept, err := s.keep(ctx, id, l)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			err = backoff.Permanent(err)
		}
		return kept, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(askAgain)), backoff.WithMaxElapsedTime(ledgerLag))
	if errors.Is(err, ledger.ErrNotFound) && found.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return ledger.Label{}, errNotFound // a workflow does not end before the ledger has its end
	}
	return kept, err
}

func (s *saga) keep(ctx context.Context, id string, l ledger.Label) (ledger.Label, error) {
	ctx, cancel := context.WithTimeout(ctx, labelTimeout)
	defer cancel()
	return s.ledger.Label(ctx, id, l)
}
