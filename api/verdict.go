package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/grpcsent"
	"dummyorders/workflows"
)

// closedError is for a review that there is nothing to decide about; why says who has decided, or where the transaction
// stands.
type closedError struct {
	why string
	at  *ledger.Status
}

func (e *closedError) Error() string { return e.why }

// worseError is for an approval that the reviewer has to confirm.
type worseError struct {
	why string
	now *fraud.Decision
}

func (e *worseError) Error() string { return e.why }

// review hands a reviewer's verdict to the transaction, and waits until it is settled, as long as wait. Without an
// error the transaction has the verdict, whatever happens to this caller; the answer is then the settled one, or where
// the transaction stands. Only a fraud check that has got worse may still refuse an approval that was not waited for.
//
// The wait begins when the transaction has the verdict: otherwise nobody could say whether it has.
func (s *saga) review(ctx context.Context, id string, q review.Request, wait time.Duration) (ledger.Answer, error) {
	ctx, sent := grpcsent.Track(context.WithoutCancel(ctx))
	handle, err := s.handIn(ctx, id, q)
	if err != nil && !sent() {
		return ledger.Answer{}, fmt.Errorf("%w: Temporal cannot be reached: %w", errNotAccepted, err)
	}
	if err == nil {
		var answer ledger.Answer
		if answer, err = s.awaitVerdict(ctx, handle, wait); err == nil {
			return answer, nil
		}
		if !isRefused(err) { // the wait is over, or the connection broke: the workflow has the verdict
			return s.standing(ctx, id, ledger.PendingAnswer(id)), nil
		}
	}
	return s.notTaken(ctx, id, q, err)
}

// handIn returns once the workflow has taken the verdict, or refused it.
func (s *saga) handIn(ctx context.Context, id string, q review.Request) (client.WorkflowUpdateHandle, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflows.TransactionWorkflowID(id),
		UpdateID:     uuid.NewString(), // each call is a question of its own: asking again may bring another answer
		UpdateName:   workflows.ReviewUpdate,
		Args:         []any{q},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
}

func (s *saga) awaitVerdict(ctx context.Context, handle client.WorkflowUpdateHandle, wait time.Duration) (ledger.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)()
	var answer ledger.Answer
	err := handle.Get(ctx, &answer)
	return answer, err
}

// notTaken says why there is no answer. A workflow that has ended takes no updates; its record tells who decided.
func (s *saga) notTaken(ctx context.Context, id string, q review.Request, cause error) (ledger.Answer, error) {
	var refused *temporal.ApplicationError
	var tooMany *serviceerror.ResourceExhausted
	switch {
	case errors.As(cause, &refused) && refused.Type() == workflows.ReviewClosed:
		return ledger.Answer{}, closedBy(refused)
	case errors.As(cause, &refused) && refused.Type() == workflows.CheckWorse:
		return ledger.Answer{}, worseBy(refused)
	case errors.As(cause, &tooMany):
		return ledger.Answer{}, fmt.Errorf("%w: %w", errBusy, cause)
	case refused != nil, isNotFound(cause):
		return s.afterwards(ctx, id, q, cause)
	default:
		return ledger.Answer{}, fmt.Errorf("%w: %w", errUnknown, cause)
	}
}

// afterwards is for a transaction whose workflow has ended: the reviewer who decided it gets its answer again.
func (s *saga) afterwards(ctx context.Context, id string, q review.Request, cause error) (ledger.Answer, error) {
	record, err := s.record(ctx, id)
	if err != nil {
		return ledger.Answer{}, err
	}
	answer, status := record.CallersAnswer(), record.TransactionStatus
	switch r := record.Review; {
	case status.Code == transaction.InReview && isNotFound(cause):
		return ledger.Answer{}, &closedError{"nobody can decide any more: the transaction was ended by force while it was in review", &status}
	case status.Code == transaction.InReview:
		return ledger.Answer{}, fmt.Errorf("%w: %w", errUnknown, cause)
	case r == nil || !r.Decided():
		return ledger.Answer{}, &closedError{"the transaction is not in review: it is " + status.Status, &status}
	case r.Verdict == q.Verdict && r.Reviewer == q.Reviewer: // a deadline has no reviewer
		return answer, nil
	default:
		return ledger.Answer{}, &closedError{"the transaction was " + r.By(), &status}
	}
}

func closedBy(refused *temporal.ApplicationError) error {
	var answer ledger.Answer
	if refused.Details(&answer) != nil {
		return &closedError{why: refused.Message()}
	}
	return &closedError{refused.Message(), &answer.TransactionStatus}
}

func worseBy(refused *temporal.ApplicationError) error {
	var now fraud.Decision
	if refused.Details(&now) != nil {
		return &worseError{why: refused.Message()}
	}
	return &worseError{refused.Message(), &now}
}

// isRefused reports whether the workflow has refused the verdict, or ended without an answer to it.
func isRefused(err error) bool {
	var refused *temporal.ApplicationError
	return errors.As(err, &refused) || isNotFound(err)
}
