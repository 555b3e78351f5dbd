package temporal

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

var traceContext propagation.TraceContext

// propagator carries the trace context in Temporal's headers, from clients through workflows to activities.
type propagator struct{}

// header is the only field that is carried, in Temporal's headers as in HTTP's. Its format has room for ids only. A
// tracestate is dropped: it may hold anything, such as a card number, and would be stored permanently.
const header = "traceparent"

// workflowKey is the key under which a workflow stores the trace that it passes on. Workflows cannot hold a
// context.Context.
type workflowKey struct{}

// Inject writes the context's trace into the headers of a call.
func (propagator) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return write(carrier, w)
}

// Extract reads the trace that an activity was called with.
func (propagator) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	carrier, err := read(r)
	if err != nil {
		return ctx, err
	}
	return traceContext.Extract(ctx, carrier), nil
}

// InjectFromWorkflow passes on the trace that the workflow was started with.
func (propagator) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	carrier, _ := ctx.Value(workflowKey{}).(propagation.MapCarrier)
	return write(carrier, w)
}

// ExtractToWorkflow stores the trace that the workflow was started with.
func (propagator) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	carrier, err := read(r)
	if err != nil {
		return ctx, err
	}
	return workflow.WithValue(ctx, workflowKey{}, carrier), nil
}

func write(carrier propagation.MapCarrier, w workflow.HeaderWriter) error {
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

func read(r workflow.HeaderReader) (propagation.MapCarrier, error) {
	payload, there := r.Get(header)
	if !there {
		return propagation.MapCarrier{}, nil
	}
	var value string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
		return nil, err
	}
	return propagation.MapCarrier{header: value}, nil
}
