package temporal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/transaction"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

// office is a Temporal server whose workflows wait or fail as they are told to.
type office struct {
	client   client.Client
	operator *temporal.Operator
}

func openOffice(t *testing.T) *office {
	t.Helper()
	server, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	c, err := client.Dial(client.Options{HostPort: server.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &office{client: c, operator: temporal.NewOperator(c)}
}

// work starts a worker for both kinds of workflows.
func (o *office) work(t *testing.T) {
	t.Helper()
	w := worker.New(o.client, workflows.OrdersTaskQueue, worker.Options{})
	for _, kind := range []string{workflows.ProcessTransactionType, workflows.DeliverAlertType} {
		w.RegisterWorkflowWithOptions(act, workflow.RegisterOptions{Name: kind})
	}
	w.RegisterActivityWithOptions(func(context.Context) error { return errors.New("421 try later") }, activity.RegisterOptions{Name: "Tell"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

// act fails, or waits for the activity that it is told.
func act(ctx workflow.Context, how string) error {
	if how == "fail" {
		return sdk.NewApplicationError("the hold has expired", "Failed")
	}
	queue := map[string]string{"CheckFraud": workflows.FraudPoliceTaskQueue, "Tell": workflows.OrdersTaskQueue}[how]
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: queue, StartToCloseTimeout: time.Minute, RetryPolicy: &sdk.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1},
	}), how).Get(ctx, nil)
}

func (o *office) start(t *testing.T, kind, id, how string, status transaction.Status) {
	t.Helper()
	_, err := o.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.OrdersTaskQueue,
		TypedSearchAttributes: sdk.NewSearchAttributes(workflows.OrderIDKey.ValueSet("order of "+id), workflows.TransactionStatusKey.ValueSet(status.String())),
	}, kind, how)
	require.NoError(t, err)
}

// finds waits until a list has these workflows, in this order, and returns them.
func finds(t *testing.T, list func() ([]temporal.Waiting, int64, error), ids ...string) (all []temporal.Waiting) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var err error
		all, _, err = list()
		require.NoError(c, err)
		var found []string
		for _, w := range all {
			found = append(found, w.WorkflowID)
		}
		require.Equal(c, ids, found)
	}, time.Minute, 50*time.Millisecond)
	return all
}

// The operator finds each kind of what is stuck on a real server, with what it waits for or why it failed.
func TestOperator(t *testing.T) {
	o := openOffice(t)
	server, err := o.operator.Server(t.Context())
	require.NoError(t, err)
	assert.Regexp(t, `^1\.\d+`, server.Version)
	assert.Equal(t, "default", server.Namespace)
	assert.Empty(t, server.Peers)
	kept, err := o.operator.Retention(t.Context())
	require.NoError(t, err)
	assert.Positive(t, kept)
	attributes, err := o.operator.SearchAttributes(t.Context())
	require.NoError(t, err)
	for _, a := range attributes {
		assert.Equal(t, a.Want, a.Has, a)
	}
	t.Setenv("TEMPORAL_NAMESPACE", "nowhere")
	_, err = temporal.NewOperator(o.client).Retention(t.Context())
	require.ErrorIs(t, err, temporal.ErrNoNamespace)

	queue, err := o.operator.TaskQueue(t.Context(), workflows.OrdersTaskQueue)
	require.NoError(t, err)
	assert.Equal(t, temporal.TaskQueue{}, queue)
	for i := range 3 {
		o.start(t, workflows.ProcessTransactionType, fmt.Sprintf("transaction-%d", i), "CheckFraud", transaction.Pending)
	}
	require.Eventually(t, func() bool {
		queue, err = o.operator.TaskQueue(t.Context(), workflows.OrdersTaskQueue)
		return err == nil && queue.Backlog == 3 && queue.Workers == 0 && queue.Oldest > 0
	}, time.Minute, 50*time.Millisecond, "%+v", queue)

	o.work(t)
	o.start(t, workflows.ProcessTransactionType, "transaction-in-review", "CheckFraud", transaction.InReview)
	o.start(t, workflows.ProcessTransactionType, "transaction-late", "CheckFraud", transaction.AlertError)
	o.start(t, workflows.ProcessTransactionType, "transaction-failed", "fail", transaction.PaymentError)
	o.start(t, workflows.DeliverAlertType, "alert-failed", "fail", 0)
	o.start(t, workflows.DeliverAlertType, "alert-retried", "Tell", 0)
	o.start(t, workflows.DeliverAlertType, "alert-waits", "CheckFraud", 0)
	o.lists(t)

	queue, err = o.operator.TaskQueue(t.Context(), workflows.OrdersTaskQueue)
	require.NoError(t, err)
	assert.Equal(t, 1, queue.Workers)
	for range 2 {
		off, err := o.operator.Clock(t.Context())
		require.NoError(t, err)
		assert.Less(t, off.Abs(), time.Second, "it is on this machine")
	}
}

func (o *office) lists(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	finds(t, func() ([]temporal.Waiting, int64, error) { return o.operator.InReview(ctx, 9) }, "transaction-in-review")
	finds(t, func() ([]temporal.Waiting, int64, error) { return o.operator.AlertLate(ctx, 9) }, "transaction-late")
	finds(t, func() ([]temporal.Waiting, int64, error) { return o.operator.Running(ctx, time.Now(), 2) }, "transaction-0", "transaction-1")
	finds(t, func() ([]temporal.Waiting, int64, error) {
		return o.operator.Running(ctx, time.Now().Add(-time.Hour), 2)
	})
	require.Eventually(t, func() bool {
		all, total, err := o.operator.Running(ctx, time.Now(), 1)
		return err == nil && total == 3 && len(all) == 1 && len(all[0].Pending) == 1 && all[0].Pending[0].Activity == "CheckFraud" && all[0].OrderID == "order of transaction-0"
	}, time.Minute, 50*time.Millisecond)

	failed := finds(t, func() ([]temporal.Waiting, int64, error) { return o.operator.FailedTransactions(ctx, time.Time{}, 9) }, "transaction-failed")
	assert.Equal(t, "the hold has expired", failed[0].Failure)
	finds(t, func() ([]temporal.Waiting, int64, error) {
		return o.operator.FailedTransactions(ctx, time.Now().Add(time.Minute), 9)
	})
	alerts := func() ([]temporal.Waiting, int64, error) { return o.operator.FailedAlerts(ctx, time.Time{}, 9) }
	finds(t, alerts, "alert-failed")
	o.start(t, workflows.DeliverAlertType, "alert-again", "fail", 0) // the list goes by when they ended
	finds(t, alerts, "alert-failed", "alert-again")
	o.start(t, workflows.DeliverAlertType, "alert-again", "CheckFraud", 0) // as after a reset, and it runs
	finds(t, alerts, "alert-failed")
	retried := func() ([]temporal.Waiting, int64, error) {
		all, _, total, err := o.operator.RetriedAlerts(ctx, 9)
		return all, total, err
	}
	first := finds(t, retried, "alert-retried")[0].Pending[0]
	assert.Contains(t, first.Failure, "421 try later")
	require.Eventually(t, func() bool { return finds(t, retried, "alert-retried")[0].Pending[0].Attempt > first.Attempt }, time.Minute, 50*time.Millisecond)
	assert.Equal(t, first.Since, finds(t, retried, "alert-retried")[0].Pending[0].Since, "it waits since before its first attempt")
}
