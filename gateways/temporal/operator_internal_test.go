package temporal

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// manyWorkflows lists and counts workflows as Temporal does: a page has the newest.
type manyWorkflows struct {
	client.Client

	started []time.Time // the oldest first
	counted *int
}

var startedBefore = regexp.MustCompile(`StartTime <= '([^']*)'`)

func (m manyWorkflows) find(query string) (found []*workflow.WorkflowExecutionInfo) {
	until := time.Now()
	if bound := startedBefore.FindStringSubmatch(query); bound != nil {
		until, _ = time.Parse(time.RFC3339Nano, bound[1])
	}
	for i, at := range m.started {
		if !at.After(until) {
			id := &common.WorkflowExecution{WorkflowId: fmt.Sprint(i)}
			found = append(found, &workflow.WorkflowExecutionInfo{Execution: id, StartTime: timestamppb.New(at)})
		}
	}
	return found
}

func (m manyWorkflows) CountWorkflow(_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	*m.counted++
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(len(m.find(r.GetQuery())))}, nil
}

func (m manyWorkflows) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	found := m.find(r.GetQuery())
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: found[max(0, len(found)-int(r.GetPageSize())):]}, nil
}

// Of more workflows than a page holds, the oldest are found, also if most began at nearly the same time.
func TestLongestOfMany(t *testing.T) {
	many := manyWorkflows{counted: new(int)}
	for i := range 3 * listPage {
		many.started = append(many.started, time.Now().Add(-time.Hour+time.Duration(i)*time.Millisecond))
	}
	for _, most := range []int{1, 20, listPage} {
		*many.counted = 0
		found, total, err := (&Operator{client: many}).longest(t.Context(), "ExecutionStatus = 'Running'", most)
		require.NoError(t, err)
		assert.Equal(t, int64(3*listPage), total)
		require.Len(t, found, most)
		assert.Equal(t, "0", found[0].WorkflowID)
		assert.Equal(t, fmt.Sprint(most-1), found[most-1].WorkflowID)
		assert.Less(t, *many.counted, 30, "a count can be of a million workflows")
	}
}
