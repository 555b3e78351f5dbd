package api

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// What may come of asking, apart from an answer.
var (
	errNotFound    = errors.New("no such transaction")
	errNotAccepted = errors.New("nothing was accepted")
	errUnknown     = errors.New("it is not known whether it was accepted")
	errBusy        = errors.New("nothing was accepted: too many at once")
	errUnavailable = errors.New("the transaction cannot be read now")
	errKeyUsed     = errors.New("the idempotency key was used with another body")
	errLedgerAway  = errors.New("the ledger cannot be asked for an earlier request, and nothing was accepted")
)

// How long the API asks for what should take milliseconds.
const (
	startTimeout   = 10 * time.Second
	queryTimeout   = 10 * time.Second
	refreshTimeout = 3 * time.Second // of a query where the ledger has an answer, if an older one
	confirmTimeout = 2 * time.Second
	ledgerTimeout  = 3 * time.Second
)

// saga is the API's view of the workflows, and of what the ledger remembers of them.
type saga struct {
	temporal client.Client
	ledger   Ledger
	draining context.Context // ends when the process stops taking requests; waits end with it
}

// start starts the workflow, and fails where there is one already.
func (s *saga) start(ctx context.Context, t transaction.Transaction) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	options := startOptions(t)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := s.temporal.ExecuteWorkflow(ctx, options, workflows.ProcessTransactionType, t)
	return err
}

// startAndWait starts the workflow, or finds the one that is there, and asks for the answer in the same call.
func (s *saga) startAndWait(ctx context.Context, t transaction.Transaction, wait time.Duration) (workflows.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)()
	handle, err := s.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.temporal.NewWithStartWorkflowOperation(startOptions(t), workflows.ProcessTransactionType, t),
		UpdateOptions:          answerUpdate(t.ID),
	})
	if err != nil {
		return workflows.Reply{}, err
	}
	return replyOf(ctx, handle)
}

// await asks a workflow that is there for the answer.
func (s *saga) await(ctx context.Context, id string, wait time.Duration) (workflows.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)()
	handle, err := s.temporal.UpdateWorkflow(ctx, answerUpdate(id))
	if err != nil {
		return workflows.Reply{}, err
	}
	return replyOf(ctx, handle)
}

func answerUpdate(id string) client.UpdateWorkflowOptions {
	return client.UpdateWorkflowOptions{
		WorkflowID:   workflows.TransactionWorkflowID(id),
		UpdateID:     workflows.AnswerUpdateID,
		UpdateName:   workflows.AnswerUpdate,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	}
}

func replyOf(ctx context.Context, handle client.WorkflowUpdateHandle) (workflows.Reply, error) {
	var reply workflows.Reply
	err := handle.Get(ctx, &reply)
	return reply, err
}

// ready says whether transactions can be taken.
func (s *saga) ready(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

func startOptions(t transaction.Transaction) client.StartWorkflowOptions {
	options := client.StartWorkflowOptions{
		ID:                       workflows.TransactionWorkflowID(t.ID),
		TaskQueue:                workflows.OrdersTaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            workflows.TransactionSummary(t),
		TypedSearchAttributes:    workflows.SearchAttributes(t),
	}
	if t.Receipt != (transaction.Receipt{}) {
		options.Memo = map[string]any{workflows.ReceiptMemo: t.Receipt}
	}
	return options
}

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
