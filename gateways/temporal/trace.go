package temporal

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"dummyorders/internal/telemetry"
)

var traceContext propagation.TraceContext

// propagator carries the trace context in Temporal's headers, from clients through workflows to activities. It does so whether
// or not this process records spans.
type propagator struct{}

// header is the only field that is carried, in Temporal's headers as in HTTP's. Its format has room for ids only. A
// tracestate is dropped: it may hold anything, such as a card number, and would be stored permanently.
const header = "traceparent"

// workflowKey is the key under which a workflow stores the trace.SpanContext that it passes on. Workflows cannot hold a
// context.Context.
type workflowKey struct{}

// Inject writes the context's trace into the headers of a call.
func (propagator) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	return write(ctx, w)
}

// Extract reads the trace that an activity was called with.
func (propagator) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	return read(ctx, r)
}

// InjectFromWorkflow passes on the workflow's span, or the trace that it was started with.
func (propagator) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	return write(trace.ContextWithRemoteSpanContext(context.Background(), spanOf(ctx)), w)
}

// ExtractToWorkflow stores the trace that the workflow was started with.
func (propagator) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	found, err := read(context.Background(), r)
	if err != nil {
		return ctx, err
	}
	return workflow.WithValue(ctx, workflowKey{}, trace.SpanContextFromContext(found)), nil
}

func spanOf(ctx workflow.Context) trace.SpanContext {
	span, _ := ctx.Value(workflowKey{}).(trace.SpanContext)
	return span
}

func write(ctx context.Context, w workflow.HeaderWriter) error {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	value := carrier.Get(header)
	if value == "" {
		return nil
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(value)
	if err != nil {
		return err
	}
	w.Set(header, payload)
	return nil
}

func read(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	payload, there := r.Get(header)
	if !there {
		return ctx, nil
	}
	var value string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
		return ctx, err
	}
	return traceContext.Extract(ctx, propagation.MapCarrier{header: value}), nil
}

// tracing records spans of calls, workflows and activities. It writes no header of its own: the propagator carries the spans.
type tracing struct {
	interceptor.Interceptor // of calls and activities

	tracer trace.Tracer
}

func newTracing(traces trace.TracerProvider) (interceptor.Interceptor, error) {
	t := telemetry.Tracer(traces)
	common, err := opentelemetry.NewTracer(opentelemetry.TracerOptions{
		Tracer: t, DisableBaggage: true, TextMapPropagator: propagation.NewCompositeTextMapPropagator(),
	})
	if err != nil {
		return nil, err
	}
	return &tracing{interceptor.NewTracingInterceptor(namedTracer{common}), t}, nil
}

// namedTracer names the trace in log lines as the rest of the service does.
type namedTracer struct{ interceptor.Tracer }

// GetLogger adds the ids of trace and span.
func (namedTracer) GetLogger(logger log.Logger, ref interceptor.TracerSpanRef) log.Logger {
	if span, is := ref.(interface{ SpanContext() trace.SpanContext }); is {
		return named(logger, span.SpanContext())
	}
	return logger
}

func named(logger log.Logger, span trace.SpanContext) log.Logger {
	return log.With(logger, "trace_id", span.TraceID().String(), "span_id", span.SpanID().String())
}

// InterceptWorkflow replaces the library's span of a workflow, which is another one each time that the workflow is replayed.
func (t *tracing) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &tracedWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}, t.tracer}
}

type tracedWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase

	tracer trace.Tracer
}

// Init has the workflow's log lines name its span.
func (w *tracedWorkflow) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return w.Next.Init(&tracedCalls{interceptor.WorkflowOutboundInterceptorBase{Next: outbound}})
}

type tracedCalls struct {
	interceptor.WorkflowOutboundInterceptorBase
}

// GetLogger adds the ids of trace and span.
func (c *tracedCalls) GetLogger(ctx workflow.Context) log.Logger {
	return named(c.Next.GetLogger(ctx), spanOf(ctx))
}

// ExecuteWorkflow records a span from the workflow's start to its end. A worker that replays a workflow begins the same span
// again. Only the one that comes to the end ends it, and what was not ended is not exported.
func (w *tracedWorkflow) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	info := workflow.GetInfo(ctx)
	parent := trace.ContextWithRemoteSpanContext(context.Background(), spanOf(ctx))
	_, span := w.tracer.Start(telemetry.WithSpanKey(parent, info.WorkflowExecution.RunID), "RunWorkflow:"+info.WorkflowType.Name,
		trace.WithTimestamp(info.WorkflowStartTime), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("temporalWorkflowID", info.WorkflowExecution.ID), attribute.String("temporalRunID", info.WorkflowExecution.RunID)))
	result, err := w.Next.ExecuteWorkflow(workflow.WithValue(ctx, workflowKey{}, span.SpanContext()), in)
	if !workflow.IsReplaying(ctx) {
		if _, goesOn := errors.AsType[*workflow.ContinueAsNewError](err); goesOn {
			telemetry.EndSpan(span, nil)
		} else {
			telemetry.EndSpan(span, err)
		}
	}
	return result, err
}
