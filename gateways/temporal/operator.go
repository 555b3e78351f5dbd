package temporal

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/domain/report"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// Operator reads what an operator asks Temporal: about the server, about workers, and about workflows that wait or failed. It
// needs no worker.
type Operator struct {
	client    client.Client
	namespace string
}

// NewOperator returns an Operator for the namespace in the client's settings.
func NewOperator(c client.Client) *Operator {
	return &Operator{client: c, namespace: NewHistories(c).namespace}
}

// Check returns nil if Temporal answers.
func (o *Operator) Check(ctx context.Context) error {
	return Check(o.client)(ctx)
}

// Server is what the server says about itself.
type Server struct {
	Version   string
	Namespace string
	Peers     []*x509.Certificate // its certificate and those that signed it; none without TLS
}

// Server asks the server for its version.
func (o *Operator) Server(ctx context.Context) (Server, error) {
	var from peer.Peer
	info, err := o.client.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{}, grpc.Peer(&from))
	if err != nil {
		return Server{}, err
	}
	server := Server{Version: info.GetServerVersion(), Namespace: o.namespace}
	if tls, is := from.AuthInfo.(credentials.TLSInfo); is {
		server.Peers = tls.State.PeerCertificates
	}
	return server, nil
}

// ErrNoNamespace means that the server does not know the namespace in the settings.
var ErrNoNamespace = errors.New("no such namespace")

// Retention returns how long the namespace keeps ended workflows.
func (o *Operator) Retention(ctx context.Context) (time.Duration, error) {
	kept, err := (&Histories{client: o.client, namespace: o.namespace}).Retention(ctx)
	if is[*serviceerror.NamespaceNotFound](err) {
		err = fmt.Errorf("%w: %s", ErrNoNamespace, o.namespace)
	}
	return kept, err
}

// searchAttributes lists the search attributes that the service uses.
var searchAttributes = []temporal.SearchAttributeKey{
	workflows.TransactionStatusKey, workflows.FraudOutcomeKey, workflows.OrderIDKey, workflows.PaymentMethodKey,
	workflows.MerchantKey, workflows.FraudScoreKey,
}

// SearchAttribute is a search attribute that the service uses.
type SearchAttribute struct {
	Name string
	Want string // the type that it must have
	Has  string // the type that it has on the server; empty if it does not exist
}

// SearchAttributes compares the search attributes that the service uses with those of the namespace.
func (o *Operator) SearchAttributes(ctx context.Context) ([]SearchAttribute, error) {
	there, err := o.client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.namespace})
	if err != nil {
		return nil, err
	}
	all := make([]SearchAttribute, len(searchAttributes))
	for i, key := range searchAttributes {
		all[i] = SearchAttribute{Name: key.GetName(), Want: key.GetValueType().String()}
		if has, known := there.GetCustomAttributes()[key.GetName()]; known {
			all[i].Has = has.String()
		}
	}
	return all, nil
}

// pollsWithin is the longest time between two polls of a worker that is alive: a poll waits for a minute. Temporal lists a
// worker for minutes after its last poll.
const pollsWithin = 75 * time.Second

// TaskQueue is what Temporal knows of a task queue.
type TaskQueue struct {
	Workers int           // that poll it
	Backlog int64         // tasks that wait for a worker, approximately
	Oldest  time.Duration // age of the oldest of them
}

// clockQueue is a task queue that has no tasks.
const clockQueue = "orders_clock"

// Clock returns Temporal's time minus this machine's. Temporal says its time only by when a worker polled, so this polls a task
// queue of its own. The namespace's user must be allowed to.
func (o *Operator) Clock(ctx context.Context) (time.Duration, error) {
	polling, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	me, queue, ended := uuid.NewString(), &taskqueue.TaskQueue{Name: clockQueue, Kind: enums.TASK_QUEUE_KIND_NORMAL}, make(chan error, 1)
	asked := time.Now()
	go func() {
		_, err := o.client.WorkflowService().PollActivityTaskQueue(polling, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: o.namespace, TaskQueue: queue, Identity: me,
		})
		ended <- cmp.Or(err, errors.New("the poll is not listed"))
	}()
	for {
		described, err := o.client.WorkflowService().DescribeTaskQueue(polling, &workflowservice.DescribeTaskQueueRequest{
			Namespace: o.namespace, TaskQueue: queue, TaskQueueType: enums.TASK_QUEUE_TYPE_ACTIVITY,
		})
		if err != nil {
			return 0, fmt.Errorf("ask Temporal for its time: %w", err)
		}
		for _, poller := range described.GetPollers() {
			if poller.GetIdentity() == me {
				return poller.GetLastAccessTime().AsTime().Sub(asked), nil
			}
		}
		select {
		case err := <-ended:
			return 0, fmt.Errorf("ask Temporal for its time: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TaskQueue describes a task queue, its workflow tasks and its activity tasks together.
func (o *Operator) TaskQueue(ctx context.Context, name string) (TaskQueue, error) {
	var q TaskQueue
	polled := map[string]bool{}
	for _, kind := range []enums.TaskQueueType{enums.TASK_QUEUE_TYPE_WORKFLOW, enums.TASK_QUEUE_TYPE_ACTIVITY} {
		described, err := o.client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: o.namespace, TaskQueue: &taskqueue.TaskQueue{Name: name, Kind: enums.TASK_QUEUE_KIND_NORMAL},
			TaskQueueType: kind, ReportStats: true,
		})
		if err != nil {
			return q, fmt.Errorf("describe task queue %s: %w", name, err)
		}
		for _, poller := range described.GetPollers() {
			polled[poller.GetIdentity()] = polled[poller.GetIdentity()] || time.Since(poller.GetLastAccessTime().AsTime()) < pollsWithin
		}
		q.Backlog += described.GetStats().GetApproximateBacklogCount()
		q.Oldest = max(q.Oldest, described.GetStats().GetApproximateBacklogAge().AsDuration())
	}
	for _, alive := range polled {
		if alive {
			q.Workers++
		}
	}
	return q, nil
}

// The queries of the table "What is stuck" in docs/operating.md.
var (
	inReview     = runningTransactions + " AND TransactionStatus = '" + transaction.InReview.String() + "'"
	alertLate    = runningTransactions + " AND TransactionStatus = '" + transaction.AlertError.String() + "'"
	otherwise    = runningTransactions + " AND TransactionStatus NOT IN ('" + transaction.InReview.String() + "', '" + transaction.AlertError.String() + "')"
	failedOnes   = " AND ExecutionStatus = 'Failed'"
	runningOnes  = " AND ExecutionStatus = 'Running'"
	transactions = "WorkflowType = '" + workflows.ProcessTransactionType + "'"
	alertings    = "WorkflowType = '" + workflows.DeliverAlertType + "'"

	runningTransactions = transactions + runningOnes
)

// Waiting is a workflow that waits for something, or has failed.
type Waiting struct {
	WorkflowID string
	OrderID    string    // that the workflow is about; empty if it is about several
	Since      time.Time // its start, or if it has failed its end
	Status     string    // of the transaction
	Pending    []Pending // what it waits for
	Failure    string    // why it has failed
}

// Pending is an activity that a workflow waits for.
type Pending struct {
	Activity string
	Since    time.Time // when it began, which is before its first attempt
	Attempt  int32
	Failure  string // of the last attempt; empty before the first has failed
}

// InReview returns the transactions that have waited longest for a person, and how many there are.
func (o *Operator) InReview(ctx context.Context, most int) ([]Waiting, int64, error) {
	return o.longest(ctx, inReview, most)
}

// AlertLate returns the transactions that have waited longest for RabbitMQ to take their alert, and how many there are.
func (o *Operator) AlertLate(ctx context.Context, most int) ([]Waiting, int64, error) {
	return o.waiting(ctx, alertLate, most)
}

// Running returns the other transactions that began before a time, the oldest of them, and how many there are.
func (o *Operator) Running(ctx context.Context, before time.Time, most int) ([]Waiting, int64, error) {
	return o.waiting(ctx, otherwise+" AND StartTime < '"+before.UTC().Format(time.RFC3339Nano)+"'", most)
}

// FailedTransactions returns the transactions that failed since a time, and how many there are.
func (o *Operator) FailedTransactions(ctx context.Context, since time.Time, most int) ([]Waiting, int64, error) {
	return o.failures(ctx, transactions+failedOnes, since, most)
}

// FailedAlerts returns the alerts that were not delivered or not acknowledged since a time, and how many there are.
func (o *Operator) FailedAlerts(ctx context.Context, since time.Time, most int) ([]Waiting, int64, error) {
	return o.failures(ctx, alertings+failedOnes, since, most)
}

// RetriedAlerts returns those of the oldest running alerts that have a delivery that failed before, and how many alerts were
// looked at and how many run. Alerts also run while they wait to be acknowledged.
func (o *Operator) RetriedAlerts(ctx context.Context, most int) (retried []Waiting, looked int, total int64, err error) {
	all, total, err := o.waiting(ctx, alertings+runningOnes, most)
	for _, w := range all {
		if slices.ContainsFunc(w.Pending, func(p Pending) bool { return p.Attempt > 1 }) {
			retried = append(retried, w)
		}
	}
	return retried, len(all), total, err
}

// Alerts counts the alerts of these merchants that are open, that failed since a time, and that RabbitMQ has not taken yet.
func (o *Operator) Alerts(ctx context.Context, of identity.Merchants, since time.Time) (counts report.Alerts, err error) {
	open, failed := alertsQuery(alert.Query{Merchants: of, Running: true}), alertsQuery(alert.Query{Merchants: of, Failed: true, EndedSince: since})
	for query, into := range map[string]*int64{open: &counts.Open, failed: &counts.Failed, alertLate + onlyOf(of): &counts.Unpublished} {
		if *into, err = o.count(ctx, query); err != nil {
			return counts, err
		}
	}
	counts.FailedSince = since
	return counts, nil
}

// failures returns the longest ago of the workflows that failed, with their failures. One that was reset since, and has
// another run, is left out.
func (o *Operator) failures(ctx context.Context, query string, since time.Time, most int) ([]Waiting, int64, error) {
	if !since.IsZero() {
		query += " AND CloseTime >= '" + since.UTC().Format(time.RFC3339Nano) + "'"
	}
	all, total, err := o.longest(ctx, query, most)
	err = o.each(ctx, all, err, func(ctx context.Context, w *Waiting) (err error) {
		w.Failure, err = o.failure(ctx, w.WorkflowID)
		return err
	})
	failed := slices.DeleteFunc(slices.Clone(all), func(w Waiting) bool { return w.Failure == "" })
	return failed, total - int64(len(all)-len(failed)), err
}

// failure returns why the latest run of a workflow failed, or "" if it did not.
func (o *Operator) failure(ctx context.Context, workflowID string) (string, error) {
	latest, err := o.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil || latest.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_FAILED {
		return "", err
	}
	failure := o.client.GetWorkflow(ctx, workflowID, latest.GetWorkflowExecutionInfo().GetExecution().GetRunId()).Get(ctx, nil)
	said, is := errors.AsType[*temporal.ApplicationError](failure)
	switch {
	case is:
		return said.Message(), nil
	case failure != nil && ctx.Err() == nil:
		return failure.Error(), nil
	}
	return "", ctx.Err()
}

// waiting returns the oldest running workflows of a query, with what they wait for.
func (o *Operator) waiting(ctx context.Context, query string, most int) ([]Waiting, int64, error) {
	all, total, err := o.longest(ctx, query, most)
	return all, total, o.each(ctx, all, err, func(ctx context.Context, w *Waiting) (err error) {
		w.Pending, err = o.pending(ctx, w.WorkflowID)
		return err
	})
}

// pending returns what a workflow waits for.
func (o *Operator) pending(ctx context.Context, workflowID string) (all []Pending, err error) {
	described, err := o.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return nil, err
	}
	var begun map[string]time.Time
	for _, activity := range described.GetPendingActivities() {
		p := Pending{
			Activity: activity.GetActivityType().GetName(), Since: activity.GetScheduledTime().AsTime(),
			Attempt: activity.GetAttempt(), Failure: activity.GetLastFailure().GetMessage(),
		}
		if p.Attempt > 1 { // then it is the time of that attempt
			if begun == nil {
				begun, err = o.begun(ctx, described.GetWorkflowExecutionInfo().GetExecution())
			}
			if at, known := begun[activity.GetActivityId()]; known {
				p.Since = at
			}
		}
		all = append(all, p)
	}
	return all, err
}

// latestEvents is how many events of a history are read to see since when a workflow waits for an activity.
const latestEvents = 50

// begun returns by their ids when the activities among a workflow's latest events began.
func (o *Operator) begun(ctx context.Context, of *common.WorkflowExecution) (map[string]time.Time, error) {
	latest, err := o.client.WorkflowService().GetWorkflowExecutionHistoryReverse(ctx, &workflowservice.GetWorkflowExecutionHistoryReverseRequest{
		Namespace: o.namespace, Execution: of, MaximumPageSize: latestEvents,
	})
	begun := map[string]time.Time{}
	for _, event := range latest.GetHistory().GetEvents() {
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			begun[scheduled.GetActivityId()] = event.GetEventTime().AsTime()
		}
	}
	return begun, err
}

// describedAtOnce bounds how many workflows are asked about at the same time.
const describedAtOnce = 8

// each does something with each of the workflows, unless they could not be listed.
func (*Operator) each(ctx context.Context, all []Waiting, err error, do func(context.Context, *Waiting) error) error {
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(describedAtOnce)
	for i := range all {
		group.Go(func() error { return do(ctx, &all[i]) })
	}
	return group.Wait()
}

// longest returns the workflows of a query that started first, and how many it finds. Temporal lists the newest first, so
// longest looks back in longer and longer steps until it finds too few, and then halves the time until what is left fits in a page.
func (o *Operator) longest(ctx context.Context, query string, most int) ([]Waiting, int64, error) {
	total, err := o.count(ctx, query)
	if err != nil {
		return nil, 0, err
	}
	now := time.Now()
	from, to, found, page := time.Unix(0, 0), now.Add(time.Hour), total, query
	for found > listPage && to.Sub(from) > time.Millisecond {
		middle := from.Add(to.Sub(from) / 2)
		if step := to.Add(-8 * max(time.Hour, now.Sub(to))); step.After(middle) {
			middle = step
		}
		earlier := query + " AND StartTime <= '" + middle.UTC().Format(time.RFC3339Nano) + "'"
		n, err := o.count(ctx, earlier)
		switch {
		case err != nil:
			return nil, 0, err
		case n < int64(most):
			from = middle
		default:
			to, found, page = middle, n, earlier
		}
	}
	listed, err := o.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: listPage, Query: page})
	if err != nil {
		return nil, 0, fmt.Errorf("list workflows: %w", err)
	}
	all := make([]Waiting, 0, len(listed.GetExecutions()))
	for _, info := range listed.GetExecutions() {
		all = append(all, waitingOf(info))
	}
	slices.SortFunc(all, func(a, b Waiting) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.WorkflowID, b.WorkflowID))
	})
	return all[:min(most, len(all))], total, nil
}

func (o *Operator) count(ctx context.Context, query string) (int64, error) {
	counted, err := o.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("count workflows: %w", err)
	}
	return counted.GetCount(), nil
}

func waitingOf(info *workflow.WorkflowExecutionInfo) Waiting {
	w := Waiting{WorkflowID: info.GetExecution().GetWorkflowId(), Since: info.GetStartTime().AsTime()}
	if closed := info.GetCloseTime(); closed != nil {
		w.Since = closed.AsTime()
	}
	fields := info.GetSearchAttributes().GetIndexedFields()
	for key, into := range map[string]*string{
		workflows.OrderIDKey.GetName(): &w.OrderID, workflows.TransactionStatusKey.GetName(): &w.Status,
	} {
		_ = converter.GetDefaultDataConverter().FromPayload(fields[key], into) // what cannot be read is left out
	}
	return w
}
