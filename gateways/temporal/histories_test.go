package temporal

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/protobuf/types/known/timestamppb"

	"dummyorders/gateways/ledger/inspect"
)

var since = time.Date(2026, 11, 2, 9, 30, 0, 5, time.UTC)

// The list is asked for transactions of the span.
func TestListQuery(t *testing.T) {
	for want, span := range map[string]inspect.Span{
		"WorkflowType = 'ProcessTransaction'":                                                   {},
		"WorkflowType = 'ProcessTransaction' AND StartTime >= '2026-11-02T09:30:00.000000005Z'": {Since: since},
		"WorkflowType = 'ProcessTransaction' AND StartTime >= '2026-11-02T09:30:00.000000005Z' AND StartTime < '2026-11-02T10:30:00.000000005Z'": {
			Since: since, Until: since.Add(time.Hour).In(time.FixedZone("IST", 5*60*60)),
		},
	} {
		require.Equal(t, want, startedWithin(span))
	}
}

func TestListReadsEveryPage(t *testing.T) {
	server := mocks.NewClient(t)
	page := func(token, next, id string, info *workflow.WorkflowExecutionInfo) {
		info.Execution = &common.WorkflowExecution{WorkflowId: id}
		server.On("ListWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.ListWorkflowExecutionsRequest) bool {
			return string(r.NextPageToken) == token
		})).Return(&workflowservice.ListWorkflowExecutionsResponse{
			Executions: []*workflow.WorkflowExecutionInfo{info}, NextPageToken: []byte(next),
		}, nil).Once()
	}
	page("", "second", "transaction-1", &workflow.WorkflowExecutionInfo{
		Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, StartTime: timestamppb.New(since),
	})
	page("second", "", "transaction-2", &workflow.WorkflowExecutionInfo{
		Status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, StartTime: timestamppb.New(since), CloseTime: timestamppb.New(since.Add(time.Second)),
	})
	var listed []inspect.Execution
	require.NoError(t, (&Histories{client: server}).Started(t.Context(), inspect.Span{}, func(x inspect.Execution) error {
		listed = append(listed, x)
		return nil
	}))
	require.Equal(t, []inspect.Execution{
		{TransactionID: "1", State: "running", Started: since},
		{TransactionID: "2", State: "terminated", Started: since, Closed: since.Add(time.Second)},
	}, listed)
}

// A workflow that does not answer is distinguished from one that is gone.
func TestRecordErrors(t *testing.T) {
	away := serviceerror.NewUnavailable("no connection")
	for _, c := range []struct{ err, want error }{
		{serviceerror.NewNotFound("workflow not found"), inspect.ErrForgotten},
		{serviceerror.NewDeadlineExceeded("timeout"), inspect.ErrUnanswered},
		{serviceerror.NewQueryFailed("unknown queryType status"), inspect.ErrUnanswered},
		{serviceerror.NewWorkflowNotReady("first workflow task"), inspect.ErrUnanswered},
		{serviceerror.NewFailedPrecondition("no poller seen"), inspect.ErrUnanswered},
		{context.DeadlineExceeded, inspect.ErrUnanswered},
		{away, away},
	} {
		server := mocks.NewClient(t)
		server.On("QueryWorkflow", mock.Anything, "transaction-1", "", "status").Return(nil, c.err)
		_, err := (&Histories{client: server}).Record(t.Context(), "1")
		require.ErrorIs(t, err, c.want)
		for _, other := range []error{inspect.ErrForgotten, inspect.ErrUnanswered} {
			require.Equal(t, errors.Is(c.want, other), errors.Is(err, other), "%v", err)
		}
	}
}

// A query that was lost in a process that was just stopping is sent again.
func TestRecordLost(t *testing.T) {
	server, answer := mocks.NewClient(t), mocks.NewEncodedValue(t)
	answer.On("Get", mock.Anything).Return(nil)
	server.On("QueryWorkflow", mock.Anything, "transaction-1", "", "status").Return(nil, serviceerror.NewCanceled("context canceled")).Twice()
	server.On("QueryWorkflow", mock.Anything, "transaction-1", "", "status").Return(answer, nil).Once()
	_, err := (&Histories{client: server}).Record(t.Context(), "1")
	require.NoError(t, err)
}

// A caller that stops the comparison is not taken for a worker that does not answer.
func TestRecordCancelled(t *testing.T) {
	server := mocks.NewClient(t)
	server.On("QueryWorkflow", mock.Anything, "transaction-1", "", "status").Return(nil, context.Canceled)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (&Histories{client: server}).Record(ended, "1")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, inspect.ErrUnanswered)
}
