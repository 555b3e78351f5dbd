package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The floor's task queues: one as orders' own, one as fraud_police's.
const (
	floorQueue  = "bench-floor"
	floorRemote = "bench-floor-remote"
)

// floor calls as many activities as a transaction that is paid for: one on another task queue, two on its own.
type floor struct {
	temporal client.Client
	workers  []worker.Worker
	samples  samples
}

func startFloor(c client.Client) (*floor, error) {
	f := &floor{temporal: c}
	options := worker.Options{MaxConcurrentActivityTaskPollers: 8, MaxConcurrentWorkflowTaskPollers: 8, WorkerStopTimeout: 5 * time.Second}
	home, remote := worker.New(c, floorQueue, options), worker.New(c, floorRemote, options)
	home.RegisterWorkflow(FloorWorkflow)
	home.RegisterActivity(NoOp)
	remote.RegisterActivity(NoOp)
	for _, w := range []worker.Worker{home, remote} {
		if err := w.Start(); err != nil {
			return nil, err
		}
		f.workers = append(f.workers, w)
	}
	return f, nil
}

func (f *floor) stop() {
	for _, w := range f.workers {
		w.Stop()
	}
}

func (f *floor) name() string { return "floor" }

func (f *floor) call(ctx context.Context) error {
	run, err := f.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: floorQueue}, FloorWorkflow)
	if err != nil {
		return err
	}
	f.samples.add(run.GetID())
	return run.Get(ctx, nil)
}

// FloorWorkflow does nothing but wait for the activities.
func FloorWorkflow(ctx workflow.Context) error {
	for _, queue := range []string{floorRemote, floorQueue, floorQueue} {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: queue, StartToCloseTimeout: 10 * time.Second})
		if err := workflow.ExecuteActivity(ctx, NoOp).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// NoOp is an activity that does nothing.
func NoOp(context.Context) error { return nil }
