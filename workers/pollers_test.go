package workers_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"dummyorders/activities"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/stack"
	"dummyorders/workers"
	"dummyorders/workflows"
)

// What the server says of a queue can be over before the worker reads it. Here it says each time that tasks wait for workflows that the
// worker has in memory. New workflows have to be taken all the same, long before a poll's minute is over.
func TestNewWorkflowsAreTaken(t *testing.T) {
	server, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	dial := func(options ...grpc.DialOption) client.Client {
		c, err := client.Dial(client.Options{
			HostPort: server.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
			ConnectionOptions: client.ConnectionOptions{DialOptions: options},
		})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	c, elsewhere := dial(grpc.WithChainUnaryInterceptor(sayTasksWait)), dial() // what another process starts goes through the queue
	groups := &temporal.Groups{Client: elsewhere}
	orders := workers.OrdersActivities{Payment: &activities.Payment{}, Alerts: &activities.Alerts{}, Ledger: &activities.Ledger{Writer: forgets{}}}
	for name, of := range map[string]struct {
		maker workers.Maker
		begin func(ctx context.Context, id string) (workflowID string, err error)
	}{
		"orders": {
			workers.NewOrders(c, &workflows.Orders{FraudCheckDeadline: time.Hour, PaymentDeadline: time.Hour}, orders),
			func(ctx context.Context, id string) (string, error) {
				_, err := elsewhere.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.OrdersTaskQueue},
					workflows.ProcessTransactionType, transaction.Transaction{ID: id})
				return id, err
			},
		},
		"alertman": {
			workers.NewAlertman(c, &activities.Deliveries{}, &activities.Groups{Store: groups}, 20),
			func(ctx context.Context, id string) (string, error) {
				place, err := groups.Gather(ctx, assigned(id, id))
				return place.WorkflowID, err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- workers.NewRunner(name, of.maker, slog.New(slog.DiscardHandler)).Run(ctx) }()
			for range 20 { // more than there are pollers
				id, err := of.begin(ctx, uuid.NewString())
				require.NoError(t, err)
				for range 2 { // the first waits until the worker has the workflow in memory, and the second goes there
					require.Eventually(t, func() bool {
						_, err := elsewhere.QueryWorkflow(ctx, id, "", client.QueryTypeStackTrace)
						return err == nil
					}, 40*time.Second, time.Millisecond)
				}
			}
			stop()
			require.NoError(t, <-ended)
		})
	}
}

func sayTasksWait(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := call(ctx, method, request, answer, conn, options...)
	if poll, is := request.(*workflowservice.PollWorkflowTaskQueueRequest); is && poll.GetTaskQueue().GetKind() == enums.TASK_QUEUE_KIND_STICKY {
		if task := answer.(*workflowservice.PollWorkflowTaskQueueResponse); len(task.GetTaskToken()) > 0 {
			task.BacklogCountHint = 100
		}
	}
	return err
}

// forgets is a ledger that keeps nothing.
type forgets struct{}

func (forgets) Save(context.Context, ledger.Entry) error { return nil }
