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

// These are the floor's task queues: one in the role of the orders queue, one in that of fraud_police.
const (
	floorQueue  = "bench-floor"
	floorRemote = "bench-floor-remote"
)

// floorWorkers run the floor's workflow. It calls as many activities as a transaction that is paid for: one on another
// task queue, one on its own.
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

// floor calls the floor's workflow in the simplest way: it starts it and gets its result. Getting a result sometimes
// stalls for 20 s, when the server drops the notification that the long poll waits for.
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

// updateFloor calls the same workflow as ProcessTransaction is called: by update-with-start, which does not stall.
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

// floorUpdate is the update that completes when the workflow is done.
const floorUpdate = "done"

// FloorWorkflow only waits for the activities.
func FloorWorkflow(ctx workflow.Context) error {
	done := false
	err := workflow.SetUpdateHandler(ctx, floorUpdate, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return done })
	})
	if err != nil {
		return err
	}
	for _, queue := range []string{floorRemote, floorQueue} {
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
