package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/grpcsent"
	"dummyorders/workflows"
)

// result is what the caller of an accepted transaction is told: where it stands, and whether it was accepted by an
// earlier call with the same idempotency key.
type result struct {
	answer   ledger.Answer
	replayed bool
}

func (r result) settled() bool {
	return r.answer.TransactionStatus.Code.Settled()
}

// process has a transaction accepted, and waits for its answer as long as wait. Whoever gets a result knows that it
// will be processed whatever happens to this caller. A retry gets the first call's, and changes nothing.
//
// A caller that hangs up changes nothing either: the request goes on without it.
func (s *saga) process(ctx context.Context, t transaction.Transaction, wait time.Duration) (result, error) {
	ctx = context.WithoutCancel(ctx)
	earlier, err := s.earlier(ctx, t)
	switch {
	case err != nil:
		return result{}, err
	case earlier == nil:
		return s.submit(ctx, t, wait)
	case earlier.settled():
		return *earlier, nil
	default:
		return s.join(ctx, *earlier, wait), nil
	}
}

// join waits for the answer of a transaction that was accepted before. It starts nothing: a workflow that is not there
// any more was ended by force, and another one would charge again.
func (s *saga) join(ctx context.Context, earlier result, wait time.Duration) result {
	id := earlier.answer.TransactionID
	if wait > 0 {
		if reply, err := s.await(ctx, id, wait); err == nil && reply.Answer.TransactionStatus.Code.Settled() {
			return result{reply.Answer, true}
		}
	}
	return result{s.standing(ctx, id, earlier.answer), true}
}

// submit asks Temporal, which has the last word on whether there is such a transaction already.
func (s *saga) submit(ctx context.Context, t transaction.Transaction, wait time.Duration) (result, error) {
	ctx, sent := grpcsent.Track(ctx)
	var reply workflows.Reply
	var err error
	if wait > 0 {
		reply, err = s.startAndWait(ctx, t, wait)
	} else {
		err = s.start(ctx, t)
	}
	switch {
	case err == nil && wait > 0:
		return s.replied(ctx, t, reply)
	case err == nil:
		return result{answer: ledger.PendingAnswer(t.ID)}, nil
	case !sent() && !isAlreadyStarted(err):
		return result{}, fmt.Errorf("%w: Temporal cannot be reached: %w", errNotAccepted, err)
	default:
		return s.confirm(ctx, t, err)
	}
}

// replied makes a result of what the workflow told the first call. What was not settled then may be by now.
func (s *saga) replied(ctx context.Context, t transaction.Transaction, reply workflows.Reply) (result, error) {
	replayed, err := retryOf(t.Receipt, reply.Receipt)
	if err != nil {
		return result{}, err
	}
	found := result{reply.Answer, replayed}
	if replayed && !found.settled() {
		found.answer = s.standing(ctx, t.ID, reply.Answer)
	}
	return found, nil
}

// confirm finds out what became of a call that was sent and brought no answer. Without an error the transaction was
// accepted: the wait for its answer is what failed.
func (s *saga) confirm(ctx context.Context, t transaction.Transaction, cause error) (result, error) {
	found, err := s.describe(ctx, t.ID)
	var tooMany *serviceerror.ResourceExhausted
	switch {
	case err == nil:
		return s.accepted(ctx, t, found)
	case errors.As(cause, &tooMany) && isNotFound(err):
		return result{}, fmt.Errorf("%w: %w", errBusy, cause)
	default:
		return result{}, fmt.Errorf("%w: %w", errUnknown, cause)
	}
}

// accepted tells a retry from the first call by the receipt beside the workflow. Either is told where it stands by now.
func (s *saga) accepted(ctx context.Context, t transaction.Transaction, found *workflow.WorkflowExecutionInfo) (result, error) {
	replayed, err := retryOf(t.Receipt, receiptOf(found))
	if err != nil {
		return result{}, err
	}
	return result{s.standing(ctx, t.ID, ledger.PendingAnswer(t.ID)), replayed}, nil
}

func (s *saga) describe(ctx context.Context, id string) (*workflow.WorkflowExecutionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	found, err := s.temporal.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(id), "")
	return found.GetWorkflowExecutionInfo(), err
}

// receiptOf is empty where there is none that can be read: then no key fits it.
func receiptOf(found *workflow.WorkflowExecutionInfo) transaction.Receipt {
	var receipt transaction.Receipt
	if payload := found.GetMemo().GetFields()[workflows.ReceiptMemo]; payload != nil {
		if converter.GetDefaultDataConverter().FromPayload(payload, &receipt) != nil {
			return transaction.Receipt{}
		}
	}
	return receipt
}

func isAlreadyStarted(err error) bool {
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	return errors.As(err, &there)
}
