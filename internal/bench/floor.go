package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/workers"
)

// These are the floor's task queues: one in the role of the orders queue, one in that of fraud_police.
const (
	floorQueue  = "bench-floor"
	floorRemote = "bench-floor-remote"
)

// startFloor starts the floor's workers, which run in this process.
func startFloor(c client.Client) (stop func(context.Context) error, err error) {
	options := worker.Options{
		MaxConcurrentActivityTaskPollers: 8, WorkflowTaskPollerBehavior: workers.WorkflowPollers(16), WorkerStopTimeout: 5 * time.Second,
	}
	home, remote := worker.New(c, floorQueue, options), worker.New(c, floorRemote, options)
	home.RegisterWorkflow(FloorWorkflow)
	home.RegisterActivity(NoOp)
	remote.RegisterActivity(NoOp)
	if err := home.Start(); err != nil {
		return nil, fmt.Errorf("start the floor's worker: %w", err)
	}
	if err := remote.Start(); err != nil {
		home.Stop()
		return nil, fmt.Errorf("start the floor's second worker: %w", err)
	}
	return func(context.Context) error { home.Stop(); remote.Stop(); return nil }, nil
}

// floor is a workflow that only calls no-op activities, and is called as ProcessTransaction is: by update-with-start. With two,
// it calls as many as a transaction that is paid for does, one of them on another task queue.
type floor struct {
	temporal client.Client
	queues   []string // one for each activity
	samples
}

var (
	sameActivities = []string{floorRemote, floorQueue}
	oneActivity    = []string{floorQueue}
)

func (f *floor) name() string {
	return fmt.Sprintf("floor, %d remote", len(f.queues))
}

func (f *floor) call(ctx context.Context) error {
	id, sent := uuid.NewString(), time.Now()
	start := f.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: floorQueue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
	}, FloorWorkflow, f.queues)
	handle, err := f.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: floorUpdate, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err != nil {
		return err
	}
	err = handle.Get(ctx, nil)
	f.add(sample{id, sent, time.Now()})
	return err
}

// floorUpdate is the update that completes when the workflow is done.
const floorUpdate = "done"

// FloorWorkflow only waits for the activities, one after the other, each on its task queue.
func FloorWorkflow(ctx workflow.Context, queues []string) error {
	done := false
	err := workflow.SetUpdateHandler(ctx, floorUpdate, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return done })
	})
	if err != nil {
		return err
	}
	for _, queue := range queues {
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
