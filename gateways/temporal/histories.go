package temporal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"dummyorders/domain/ledger"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/workflows"
)

// Histories is an inspect.History: it reads what Temporal keeps of transactions.
type Histories struct {
	client    client.Client
	namespace string
}

var _ inspect.History = (*Histories)(nil)

// queryPatience bounds how long a worker may take to answer for a workflow. Replaying one takes milliseconds.
const queryPatience = 10 * time.Second

// listPage is how many workflows are listed at once; Temporal allows at most 1000.
const listPage = 500

// NewHistories returns the histories of the namespace in the client's settings.
func NewHistories(c client.Client) *Histories {
	return &Histories{client: c, namespace: Namespace()}
}

// Namespace returns the namespace in the client's settings.
func Namespace() string {
	// New has already reported errors in these settings.
	if options, err := envconfig.LoadDefaultClientOptions(); err == nil && options.Namespace != "" {
		return options.Namespace
	}
	return client.DefaultNamespace
}

// Started lists the workflows that process transactions.
func (h *Histories) Started(ctx context.Context, span inspect.Span, each func(inspect.Execution) error) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{PageSize: listPage, Query: startedWithin(span)}
	for {
		page, err := h.client.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("list workflows: %w", err)
		}
		for _, info := range page.GetExecutions() {
			if err := each(execution(info)); err != nil {
				return err
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

func startedWithin(span inspect.Span) string {
	query := "WorkflowType = '" + workflows.ProcessTransactionType + "'"
	if !span.Since.IsZero() {
		query += " AND StartTime >= '" + span.Since.UTC().Format(time.RFC3339Nano) + "'"
	}
	if !span.Until.IsZero() {
		query += " AND StartTime < '" + span.Until.UTC().Format(time.RFC3339Nano) + "'"
	}
	return query
}

// Execution describes the newest run of a transaction's workflow.
func (h *Histories) Execution(ctx context.Context, transactionID string) (inspect.Execution, error) {
	described, err := h.client.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(transactionID), "")
	if err != nil {
		return inspect.Execution{}, forgotten(err)
	}
	return execution(described.GetWorkflowExecutionInfo()), nil
}

func execution(info *workflow.WorkflowExecutionInfo) inspect.Execution {
	x := inspect.Execution{
		TransactionID: strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflows.TransactionWorkflowID("")),
		State:         states[info.GetStatus()],
		Started:       info.GetStartTime().AsTime(),
	}
	if info.GetCloseTime() != nil {
		x.Closed = info.GetCloseTime().AsTime()
	}
	return x
}

// states maps Temporal's states to words for a sentence.
var states = map[enums.WorkflowExecutionStatus]string{
	enums.WORKFLOW_EXECUTION_STATUS_RUNNING:          "running",
	enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:        "completed",
	enums.WORKFLOW_EXECUTION_STATUS_FAILED:           "failed",
	enums.WORKFLOW_EXECUTION_STATUS_CANCELED:         "cancelled",
	enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:       "terminated",
	enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:        "timed out",
	enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: "continued as new",
}

// Record queries the workflow. A worker replays the workflow to answer, even one that has ended.
func (h *Histories) Record(ctx context.Context, transactionID string) (ledger.Record, error) {
	patience, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	value, err := ask(patience, h.client, workflows.TransactionWorkflowID(transactionID), "", workflows.StatusQuery)
	if err != nil {
		if ctx.Err() != nil {
			return ledger.Record{}, ctx.Err()
		}
		return ledger.Record{}, unanswered(forgotten(err))
	}
	var record ledger.Record
	if err := value.Get(&record); err != nil {
		return ledger.Record{}, fmt.Errorf("%w: read its answer: %w", inspect.ErrUnanswered, err)
	}
	return record, nil
}

// Retention reads the retention setting of the namespace.
func (h *Histories) Retention(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	described, err := h.client.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: h.namespace})
	if err != nil {
		return 0, err
	}
	return described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}

func forgotten(err error) error {
	if isNotFound(err) {
		return fmt.Errorf("%w: %w", inspect.ErrForgotten, err)
	}
	return err
}

// unanswered adds inspect.ErrUnanswered to the errors by which Temporal says that no worker answered for the workflow, or
// that the answer is of no use.
func unanswered(err error) error {
	switch {
	case is[*serviceerror.DeadlineExceeded](err), is[*serviceerror.QueryFailed](err), is[*serviceerror.WorkflowNotReady](err),
		is[*serviceerror.FailedPrecondition](err): // no worker has asked for work for minutes
		return fmt.Errorf("%w: %w", inspect.ErrUnanswered, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w within %s: %w", inspect.ErrUnanswered, queryPatience, err)
	}
	return err
}
