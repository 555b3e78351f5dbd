package tracing_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/internal/tracing"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func contextOf(t *testing.T, traceparent string) context.Context {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	request.Header.Set("traceparent", traceparent)
	var ctx context.Context
	tracing.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).
		ServeHTTP(httptest.NewRecorder(), request)
	return ctx
}

func TestACallersTraceReachesTheActivitiesOfItsWorkflow(t *testing.T) {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetContextPropagators([]workflow.ContextPropagator{tracing.Propagator{}})
	header := fields{}
	require.NoError(t, tracing.Propagator{}.Inject(contextOf(t, parent), header))
	suite.SetHeader(&commonpb.Header{Fields: header})
	env := suite.NewTestWorkflowEnvironment()
	var seen trace.SpanContext
	activity := func(ctx context.Context) error {
		seen = trace.SpanContextFromContext(ctx)
		return nil
	}
	env.RegisterActivity(activity)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, activity).Get(ctx, nil)
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", seen.TraceID().String())
}

func TestACallerWithoutATraceGetsOneOfItsOwn(t *testing.T) {
	for _, absent := range []string{"", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		one, other := trace.SpanContextFromContext(contextOf(t, absent)), trace.SpanContextFromContext(contextOf(t, absent))
		require.True(t, one.IsValid())
		require.NotEqual(t, one.TraceID(), other.TraceID())
	}
}

type fields map[string]*commonpb.Payload

func (f fields) Set(name string, value *commonpb.Payload) { f[name] = value }
