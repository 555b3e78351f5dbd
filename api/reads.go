package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// earlier is what the ledger knows of an earlier call with the same idempotency key, or nil. The ledger remembers
// longer than Temporal does; so where it cannot be asked, a key that Temporal does not know either may still be an old
// one, and nothing is accepted under it.
func (s *saga) earlier(ctx context.Context, t transaction.Transaction) (*result, error) {
	if t.Receipt.BodyDigest == "" {
		return nil, nil
	}
	entry, err := s.find(ctx, t.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return s.running(ctx, t, err)
	}
	if _, err := retryOf(t.Receipt, entry.Transaction.Receipt); err != nil {
		return nil, err
	}
	return &result{entry.Record.CallersAnswer(), true}, nil
}

// running looks in Temporal for an earlier call that the ledger could not be asked for.
func (s *saga) running(ctx context.Context, t transaction.Transaction, ledgerErr error) (*result, error) {
	found, err := s.describe(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; Temporal: %w", errLedgerAway, ledgerErr, err)
	}
	if _, err := retryOf(t.Receipt, receiptOf(found)); err != nil {
		return nil, err
	}
	return &result{ledger.PendingAnswer(t.ID), true}, nil
}

// record is all there is to know of a transaction. What has ended is read from the ledger, which outlives Temporal's
// histories; what goes on is known best by its workflow, but for the labels that others gave.
func (s *saga) record(ctx context.Context, id string) (*ledger.Record, error) {
	entry, ledgerErr := s.find(ctx, id)
	if ledgerErr == nil && entry.Record.EndTime != nil {
		return &entry.Record, nil
	}
	patience := queryTimeout
	if ledgerErr == nil {
		patience = refreshTimeout
	}
	record, err := s.query(ctx, id, patience)
	switch {
	case err == nil:
		return withLabels(record, entry.Record.Labels), nil
	case ledgerErr == nil:
		return &entry.Record, nil
	case isNotFound(err) && errors.Is(ledgerErr, ledger.ErrNotFound):
		return nil, errNotFound
	default:
		return nil, fmt.Errorf("%w: the ledger: %w; the workflow: %w", errUnavailable, ledgerErr, err)
	}
}

// withLabels adds to what a workflow says of itself the labels that the ledger alone has, and notes that were changed
// there.
func withLabels(record *ledger.Record, inLedger []ledger.Label) *ledger.Record {
	all := slices.Clone(inLedger)
	for _, label := range record.Labels {
		if !slices.ContainsFunc(inLedger, label.Same) {
			all = append(all, label)
		}
	}
	ledger.SortLabels(all)
	record.Labels = all
	return record
}

// standing is where a transaction stands now, as far as that can be found out soon; else it is what was known before. The
// workflow is asked first, because the ledger is written only where a transaction stays; each has its own time, so that
// one that hangs does not use up the other's.
func (s *saga) standing(ctx context.Context, id string, before ledger.Answer) ledger.Answer {
	if record, err := s.query(ctx, id, confirmTimeout); err == nil {
		return record.CallersAnswer()
	}
	if entry, err := s.find(ctx, id); err == nil {
		return entry.Record.CallersAnswer()
	}
	return before
}

func (s *saga) find(ctx context.Context, id string) (ledger.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	return s.ledger.Find(ctx, id)
}

func (s *saga) query(ctx context.Context, id string, patience time.Duration) (*ledger.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := s.temporal.QueryWorkflow(ctx, workflows.TransactionWorkflowID(id), "", workflows.StatusQuery)
	if err != nil {
		return nil, err
	}
	record := new(ledger.Record)
	return record, value.Get(record)
}
