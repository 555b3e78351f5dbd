package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The floor's task queues: one as orders' own, one as fraud_police's.
const (
	floorQueue  = "bench-floor"
	floorRemote = "bench-floor-remote"
)

// floorWorkers run the floor's workflow, which calls as many activities as a transaction that is paid for: one on
// another task queue, two on its own.
type floorWorkers []worker.Worker

func startFloor(c client.Client) (floorWorkers, error) {
	var started floorWorkers
	options := worker.Options{MaxConcurrentActivityTaskPollers: 8, MaxConcurrentWorkflowTaskPollers: 8, WorkerStopTimeout: 5 * time.Second}
	home, remote := worker.New(c, floorQueue, options), worker.New(c, floorRemote, options)
	home.RegisterWorkflow(FloorWorkflow)
	home.RegisterActivity(NoOp)
	remote.RegisterActivity(NoOp)
	for _, w := range []worker.Worker{home, remote} {
		if err := w.Start(); err != nil {
			return nil, err
		}
		started = append(started, w)
	}
	return started, nil
}

func (f floorWorkers) stop() {
	for _, w := range f {
		w.Stop()
	}
}

// floor is the floor's workflow as it is called without any thought: start it, and get its result. Getting a result
// stalls for 20 s now and then, when the server drops the notification that the long poll waits for.
type floor struct {
	temporal client.Client
	samples
}

func (f *floor) name() string { return "floor" }

func (f *floor) call(ctx context.Context) error {
	run, err := f.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: floorQueue}, FloorWorkflow)
	if err != nil {
		return err
	}
	f.add(run.GetID())
	return run.Get(ctx, nil)
}

// updateFloor is the same workflow, answered as ProcessTransaction is: by update-with-start, which does not stall.
type updateFloor struct {
	temporal client.Client
	samples
}

func (f *updateFloor) name() string { return "floor, by update" }

func (f *updateFloor) call(ctx context.Context) error {
	id := uuid.NewString()
	start := f.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: floorQueue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
	}, FloorWorkflow)
	handle, err := f.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: floorUpdate, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err != nil {
		return err
	}
	f.add(id)
	return handle.Get(ctx, nil)
}

// floorUpdate completes when the workflow is done.
const floorUpdate = "done"

// FloorWorkflow does nothing but wait for the activities.
func FloorWorkflow(ctx workflow.Context) error {
	done := false
	err := workflow.SetUpdateHandler(ctx, floorUpdate, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return done })
	})
	if err != nil {
		return err
	}
	for _, queue := range []string{floorRemote, floorQueue, floorQueue} {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: queue, StartToCloseTimeout: 10 * time.Second})
		if err := workflow.ExecuteActivity(ctx, NoOp).Get(ctx, nil); err != nil {
			return err
		}
	}
	done = true
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// NoOp is an activity that does nothing.
func NoOp(context.Context) error { return nil }
