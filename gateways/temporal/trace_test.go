package temporal

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestTraceReachesActivities(t *testing.T) {
	caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	header := fields{}
	require.NoError(t, propagator{}.Inject(trace.ContextWithRemoteSpanContext(t.Context(), caller), header))
	suite := testsuite.WorkflowTestSuite{}
	suite.SetContextPropagators([]workflow.ContextPropagator{propagator{}})
	suite.SetHeader(&commonpb.Header{Fields: header})
	env := suite.NewTestWorkflowEnvironment()
	var got trace.SpanContext
	activity := func(ctx context.Context) error {
		got = trace.SpanContextFromContext(ctx)
		return nil
	}
	env.RegisterActivity(activity)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, activity).Get(ctx, nil)
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, caller.TraceID(), got.TraceID())
}

type fields map[string]*commonpb.Payload

func (f fields) Set(name string, value *commonpb.Payload) { f[name] = value }
