package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/grpcsent"
	"dummyorders/workflows"
)

// What may come of asking Temporal, apart from an answer.
var (
	errNotFound    = errors.New("no such transaction")
	errNotAccepted = errors.New("the transaction was not accepted")
	errUnknown     = errors.New("it is not known whether the transaction was accepted")
	errBusy        = errors.New("the transaction was not accepted: too many at once")
	errUnavailable = errors.New("the transaction cannot be read now")
)

// How long the API asks Temporal for what should take milliseconds.
const (
	startTimeout   = 10 * time.Second
	queryTimeout   = 10 * time.Second
	confirmTimeout = 2 * time.Second
)

// saga is the API's view of the workflows.
type saga struct {
	temporal client.Client
	draining context.Context // ends when the process stops taking requests; waits end with it
}

// process has a transaction accepted, and waits for its answer as long as wait. accepted says that it will be
// processed whatever happens to this caller; an answer of nil then means that it is not settled yet.
//
// A caller that hangs up changes nothing: the request goes on without it.
func (s *saga) process(ctx context.Context, t transaction.Transaction, wait time.Duration) (*ledger.Answer, error) {
	ctx, sent := grpcsent.Track(context.WithoutCancel(ctx))
	var answer *ledger.Answer
	var err error
	if wait <= 0 {
		err = s.start(ctx, t)
	} else {
		answer, err = s.startAndWait(ctx, t, wait)
	}
	switch {
	case err == nil:
		return answer, nil
	case !sent():
		return nil, fmt.Errorf("%w: Temporal cannot be reached: %w", errNotAccepted, err)
	default:
		return nil, s.confirm(ctx, t.ID, err)
	}
}

func (s *saga) start(ctx context.Context, t transaction.Transaction) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	_, err := s.temporal.ExecuteWorkflow(ctx, s.options(t), workflows.ProcessTransactionType, t)
	return err
}

// startAndWait starts the workflow and asks for the answer in one call.
func (s *saga) startAndWait(ctx context.Context, t transaction.Transaction, wait time.Duration) (*ledger.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)()
	handle, err := s.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.temporal.NewWithStartWorkflowOperation(s.options(t), workflows.ProcessTransactionType, t),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID:     workflows.AnswerUpdateID,
			UpdateName:   workflows.AnswerUpdate,
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return nil, err
	}
	answer := new(ledger.Answer)
	if err := handle.Get(ctx, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// confirm finds out what became of a call that was sent and brought no answer. nil means that the transaction was
// accepted: the wait for its answer is what failed.
func (s *saga) confirm(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	_, err := s.temporal.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(id), "")
	var tooMany *serviceerror.ResourceExhausted
	switch {
	case err == nil:
		return nil
	case errors.As(cause, &tooMany) && isNotFound(err):
		return fmt.Errorf("%w: %w", errBusy, cause)
	default:
		return fmt.Errorf("%w: %w", errUnknown, cause)
	}
}

// record reads a transaction from its workflow.
func (s *saga) record(ctx context.Context, id string) (*ledger.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	value, err := s.temporal.QueryWorkflow(ctx, workflows.TransactionWorkflowID(id), "", workflows.StatusQuery)
	if isNotFound(err) {
		return nil, errNotFound
	}
	record := new(ledger.Record)
	if err == nil {
		err = value.Get(record)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return record, nil
}

// ready says whether transactions can be taken.
func (s *saga) ready(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

func (s *saga) options(t transaction.Transaction) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       workflows.TransactionWorkflowID(t.ID),
		TaskQueue:                workflows.OrdersTaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            workflows.TransactionSummary(t),
		TypedSearchAttributes:    workflows.SearchAttributes(t),
	}
}

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
