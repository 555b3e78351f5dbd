package temporal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/workflows"
)

// An activity belongs to its caller's trace, whether or not spans are recorded. If they are, the workflow's span is between.
func TestTraceReachesActivities(t *testing.T) {
	for name, on := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
			suite := testsuite.WorkflowTestSuite{}
			suite.SetContextPropagators([]workflow.ContextPropagator{propagator{}})
			suite.SetHeader(&commonpb.Header{Fields: headerOf(t, caller)})
			env := suite.NewTestWorkflowEnvironment()
			recorded := tracetest.NewSpanRecorder()
			if on {
				env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{tracingTo(t, recorded)}})
			}
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
			ended := recorded.Ended()
			if !on {
				require.Equal(t, caller.SpanID(), got.SpanID())
				return
			}
			require.Len(t, ended, 2)
			inner, outer := ended[0], ended[1]
			assert.Equal(t, caller.SpanID(), outer.Parent().SpanID(), outer.Name())
			assert.Equal(t, outer.SpanContext().SpanID(), inner.Parent().SpanID(), inner.Name())
			assert.Equal(t, inner.SpanContext().SpanID(), got.SpanID())
		})
	}
}

// Histories from before there were spans replay with them. A replay records no span: it was recorded when the workflow ended.
func TestHistoriesReplayTraced(t *testing.T) {
	files, err := filepath.Glob("../../workflows/testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	recorded := tracetest.NewSpanRecorder()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		ContextPropagators: []workflow.ContextPropagator{propagator{}}, Interceptors: []interceptor.WorkerInterceptor{tracingTo(t, recorded)},
	})
	require.NoError(t, err)
	orders := &workflows.Orders{FraudCheckDeadline: time.Minute, PaymentDeadline: time.Minute, ReviewDeadline: time.Minute}
	replayer.RegisterWorkflowWithOptions(orders.ProcessTransaction, workflow.RegisterOptions{Name: workflows.ProcessTransactionType})
	replayer.RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
	replayer.RegisterWorkflowWithOptions(workflows.AlertGroup, workflow.RegisterOptions{Name: workflows.AlertGroupType})
	for _, file := range files {
		require.NoError(t, replay(replayer, file), file)
	}
	assert.NotEmpty(t, recorded.Started())
	assert.Empty(t, recorded.Ended())
}

func replay(replayer worker.WorkflowReplayer, file string) error {
	text, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = text.Close() }()
	events, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	began := events.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return replayer.ReplayWorkflowHistoryWithOptions(nil, events, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: began.GetWorkflowId(), RunID: began.GetOriginalExecutionRunId()},
	})
}

func tracingTo(t *testing.T, recorder sdktrace.SpanProcessor) interceptor.Interceptor {
	t.Helper()
	made, err := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	require.NoError(t, err)
	return made
}

func headerOf(t *testing.T, caller trace.SpanContext) fields {
	t.Helper()
	header := fields{}
	require.NoError(t, propagator{}.Inject(trace.ContextWithRemoteSpanContext(t.Context(), caller), header))
	return header
}

type fields map[string]*commonpb.Payload

func (f fields) Set(name string, value *commonpb.Payload) { f[name] = value }
