package temporal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/workflows"
)

// Alerts starts and reads the DeliverAlert workflows. Its errors are those of the package alert.
type Alerts struct {
	Client client.Client
}

// Start starts the delivery of an event, and reports whether the event is new. Temporal refuses a second delivery under the
// same id.
func (s *Alerts) Start(ctx context.Context, event alert.Event, assignments []alert.Assignment) (fresh bool, err error) {
	return s.start(ctx, event.ID, workflows.DeliverAlertInput{Event: event, Assignments: assignments}, nil)
}

// start starts a delivery under the id of its notice, and reports whether there was none.
func (s *Alerts) start(ctx context.Context, id string, input workflows.DeliverAlertInput, memo map[string]any) (fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	options := client.StartWorkflowOptions{
		ID:                                       workflows.AlertWorkflowID(id),
		TaskQueue:                                workflows.AlertmanTaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		EnableEagerStart:                         true,
		StaticSummary:                            workflows.AlertSummary(input.Event),
		TypedSearchAttributes:                    input.SearchAttributes(),
		Memo:                                     memo,
	}
	if input.Event.Type == alert.Test && len(input.Assignments) > 0 { // a test's order does not exist
		options.StaticSummary = "test of receiver " + input.Assignments[0].Receiver
		options.TypedSearchAttributes = temporal.SearchAttributes{}
	}
	_, err = s.Client.ExecuteWorkflow(ctx, options, workflows.DeliverAlertType, input)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	return err == nil, err
}

// Log returns what was done about an alert. This is a query, which only a running alertman can answer.
func (s *Alerts) Log(ctx context.Context, id string) (log alert.Log, err error) {
	value, err := ask(ctx, s.Client, workflows.AlertWorkflowID(id), "", workflows.DeliveriesQuery)
	if err != nil {
		return log, err
	}
	if err := value.Get(&log); err != nil {
		return log, fmt.Errorf("read the log of alert %s: %w", id, err)
	}
	if len(log.Merchants) == 0 { // an alertman from before there were merchants has answered
		log.Merchants = []string{identity.DefaultMerchant}
	}
	return log, nil
}

// maxAlerts is more than a transaction can have: a review is requested, reminded of and expires, a fraud is reported, and
// money cannot be given back.
const maxAlerts = 8

// OfTransaction returns the alerts of a transaction of these merchants that alertman has accepted, the oldest first. Their ids are derived
// from the transaction's id.
func (s *Alerts) OfTransaction(ctx context.Context, of identity.Merchants, transactionID string) ([]alert.Log, error) {
	var all [maxAlerts]alert.Log
	by := time.Now().Add(alert.DetailsWithin)
	asked, ctx := errgroup.WithContext(ctx)
	for i := range all {
		asked.Go(func() error {
			found, err := s.find(ctx, by, of, workflows.EventID(workflows.TransactionWorkflowID(transactionID), i+1))
			if errors.Is(err, alert.ErrNotFound) {
				return nil
			}
			all[i] = found
			return err
		})
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	there := slices.DeleteFunc(all[:], func(log alert.Log) bool { return log.ID == "" })
	slices.SortStableFunc(there, func(a, b alert.Log) int { return a.Time.Compare(b.Time) })
	return there, nil
}

// List returns a page of alerts that alertman has accepted. A digest of several merchants, which has no search attribute for
// them, is listed for those only who see all merchants. It fails with alert.ErrNoPage if Temporal cannot have given out q.After.
func (s *Alerts) List(ctx context.Context, q alert.Query) (page alert.Page, err error) {
	if !isPageToken(q.After) {
		return page, alert.ErrNoPage
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	listed, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(min(q.Limit, listPage)), Query: alertsQuery(q), NextPageToken: q.After, //nolint:gosec // listPage is small
	})
	if err != nil {
		return page, fmt.Errorf("list alerts: %w", err)
	}
	if q.DetailsBy.IsZero() {
		q.DetailsBy = time.Now().Add(alert.DetailsWithin)
	}
	all := make([]alert.Log, len(listed.GetExecutions()))
	asked, ctx := errgroup.WithContext(ctx)
	asked.SetLimit(describedAtOnce)
	for i, info := range listed.GetExecutions() {
		asked.Go(func() error {
			found, err := s.find(ctx, q.DetailsBy, q.Merchants, strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflows.AlertWorkflowID("")))
			if errors.Is(err, alert.ErrNotFound) { // deleted since
				return nil
			}
			all[i] = found
			return err
		})
	}
	err = asked.Wait()
	page.Alerts = slices.DeleteFunc(all, func(log alert.Log) bool { return log.ID == "" })
	page.Next = listed.GetNextPageToken()
	return page, err
}

// isPageToken reports whether Temporal may have given out the token of a page, from SQL databases or Elasticsearch. For another one
// the server answers with an error that the SDK takes for an outage, and tries again. Other members are ignored: the
// tokens are Temporal's own, and may change.
func isPageToken(token []byte) bool {
	var read struct {
		CloseTime, StartTime time.Time
		RunID                string
		SearchAfter          []any
	}
	if len(token) == 0 {
		return true
	}
	err := json.Unmarshal(token, &read)
	if read.RunID != "" && err == nil {
		_, err = uuid.Parse(read.RunID)
	}
	return err == nil
}

// alertsQuery returns what Temporal is asked for. Temporal lists what runs first.
func alertsQuery(q alert.Query) string {
	text := alertings + onlyOf(q.Merchants)
	if !q.Since.IsZero() {
		text += " AND StartTime >= '" + q.Since.UTC().Format(time.RFC3339Nano) + "'"
	}
	if !q.EndedSince.IsZero() {
		text += " AND CloseTime >= '" + q.EndedSince.UTC().Format(time.RFC3339Nano) + "'"
	}
	if q.Open {
		// PostgreSQL finds these by their index. By != 'Completed' it would read all alerts.
		text += " AND ExecutionStatus IN ('Running', 'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut')"
	}
	if q.Running {
		text += runningOnes
	}
	if q.Failed {
		text += failedOnes
	}
	return text
}

// onlyOf returns the part of a query by which Temporal lists only what is about these merchants.
func onlyOf(of identity.Merchants) string {
	if of.All() {
		return ""
	}
	return " AND " + workflows.MerchantKey.GetName() + " IN ('" + strings.Join(of.Names(), "', '") + "')" // names have no quotes
}

// Find returns an alert's log, with what its workflow does not know itself. An alert that is also about other merchants than
// these is not found. If no alertman answers soon, the log is incomplete.
func (s *Alerts) Find(ctx context.Context, of identity.Merchants, id string) (alert.Log, error) {
	log, err := s.find(ctx, time.Now().Add(alert.DetailsWithin), of, id)
	if err != nil {
		return log, err
	}
	log.Resent, err = s.resent(ctx, id)
	return log, err
}

// find returns an alert's log without when it was sent again. The log is incomplete if alertman has not answered by a time.
func (s *Alerts) find(ctx context.Context, by time.Time, of identity.Merchants, id string) (log alert.Log, err error) {
	if !alert.IsID(id) {
		return log, alert.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	found, err := s.describeAlert(ctx, of, id)
	if err != nil {
		return log, err
	}
	details, stop := context.WithDeadline(ctx, by)
	defer stop()
	log, err = s.deliveries(details, of, id)
	late := details.Err() != nil && ctx.Err() == nil // asked so late that nothing may have been sent
	if errors.Is(err, alert.ErrNoAlertman) || late && err != nil && !errors.Is(err, alert.ErrNotFound) {
		log, err = s.outline(ctx, of, id)
	}
	if err != nil {
		return log, err
	}
	info := found.GetWorkflowExecutionInfo()
	log.Running = info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	log.Failed = !log.Running && info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if log.Resending, err = resendingOf(info); err != nil || log.Incomplete {
		return log, err
	}
	if err := s.addTries(ctx, log, found); err != nil {
		return alert.Log{}, err
	}
	for i, chain := range log.Chains {
		if chain.Collected != nil {
			log.Chains[i].Group = s.group(details, log, *chain.Collected)
		}
	}
	return log, nil
}

// outline returns what Temporal itself has of an alert of these merchants: what it is about, and for whom it was.
func (s *Alerts) outline(ctx context.Context, of identity.Merchants, id string) (alert.Log, error) {
	input, at, err := began(ctx, s.Client, id)
	switch {
	case isNotFound(err):
		return alert.Log{}, alert.ErrNotFound
	case err != nil:
		return alert.Log{}, fmt.Errorf("the workflow engine cannot be asked: %w", err)
	}
	log := input.Opened(at)
	if !of.Covers(identity.OnlyMerchants(log.Merchants...)) {
		return alert.Log{}, alert.ErrNotFound
	}
	log.Incomplete = true
	return log, nil
}

// describeAlert asks Temporal about an alert. It needs no alertman.
func (s *Alerts) describeAlert(ctx context.Context, of identity.Merchants, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	found, err := s.Client.DescribeWorkflowExecution(ctx, workflows.AlertWorkflowID(id), "")
	if isNotFound(err) {
		return nil, alert.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("the workflow engine cannot be asked: %w", err)
	}
	info := found.GetWorkflowExecutionInfo()
	if info.GetSearchAttributes().GetIndexedFields()[workflows.MerchantKey.GetName()] != nil && !of.Has(merchantOf(info)) {
		return nil, alert.ErrNotFound
	}
	return found, nil
}

// deliveries returns the same as Log for an alert of these merchants, with the domain's errors.
func (s *Alerts) deliveries(ctx context.Context, of identity.Merchants, id string) (alert.Log, error) {
	ctx, sent := trackSent(ctx)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	log, err := s.Log(ctx, id)
	switch {
	case isNotFound(err):
		return log, alert.ErrNotFound
	case err != nil:
		return log, queryError(err, sent)
	case !of.Covers(identity.OnlyMerchants(log.Merchants...)):
		return alert.Log{}, alert.ErrNotFound
	}
	return log, nil
}

// queryError wraps err, and adds alert.ErrNoAlertman if the cause is that no alertman answers, rather than that Temporal is
// away. For a query, Temporal waits for a worker until the call times out, or says at once that it has seen no worker.
func queryError(err error, sent func() bool) error {
	if sent() && (is[*serviceerror.DeadlineExceeded](err) || is[*serviceerror.FailedPrecondition](err) ||
		errors.Is(err, context.DeadlineExceeded)) {
		return fmt.Errorf("%w: %w", alert.ErrNoAlertman, err)
	}
	return fmt.Errorf("the workflow engine cannot be asked: %w", err)
}

// group returns the group that a collected alert went to, or nil if this cannot be found out now. The run that took the
// alert knows the digests that it sent itself. If that run left the alert to a later one, the latest run knows it.
func (s *Alerts) group(ctx context.Context, log alert.Log, at alert.Place) *alert.Membership {
	member := cmp.Or(log.EventID, log.ID)
	if log.Digest != nil && len(log.Digest.Members) > 0 {
		member = log.Digest.Members[0].EventID // a digest lists events only
	}
	var latest *alert.Membership
	for _, run := range []string{at.RunID, ""} {
		group, err := digests(ctx, s.Client, at.WorkflowID, run)
		if err != nil {
			continue
		}
		for _, digest := range group.Digests {
			if slices.Contains(digest.Events, member) {
				return &alert.Membership{Name: group.Name, DigestID: digest.ID}
			}
		}
		latest = &alert.Membership{Name: group.Name, Waiting: group.Waiting, Until: group.Until}
	}
	return latest
}

// digests asks a run of a group, or without a run the latest one, for the digests that it handed on.
func digests(ctx context.Context, c client.Client, workflowID, runID string) (log alert.GroupLog, err error) {
	answer, err := ask(ctx, c, workflowID, runID, workflows.DigestsQuery)
	if err == nil {
		err = answer.Get(&log)
	}
	if err != nil {
		return log, fmt.Errorf("ask the group %s for its digests: %w", workflowID, err)
	}
	return log, nil
}

// addTries adds the tries of the deliveries that are under way. The workflow itself learns of tries only once the delivery is over. This
// reads the history as far as it must: only the history says which delivery a try belongs to.
func (s *Alerts) addTries(ctx context.Context, log alert.Log, found *workflowservice.DescribeWorkflowExecutionResponse) error {
	pending := map[string]*workflow.PendingActivityInfo{}
	for _, activity := range found.GetPendingActivities() {
		pending[activity.GetActivityId()] = activity
	}
	ctx, sent := trackSent(ctx)
	execution := found.GetWorkflowExecutionInfo().GetExecution()
	history := s.Client.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for len(pending) > 0 && history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return queryError(err, sent)
		}
		scheduled := event.GetActivityTaskScheduledEventAttributes()
		if activity, known := pending[scheduled.GetActivityId()]; known {
			if d := deliveryOf(log, scheduled.GetInput()); d != nil {
				readTries(d, activity)
			}
			delete(pending, scheduled.GetActivityId())
		}
	}
	return nil
}

// readTries reads what the activity Tell left for its next try. Tell records the try under way as broken off, in case that
// happens.
func readTries(d *alert.Delivery, pending *workflow.PendingActivityInfo) {
	if next := pending.GetNextAttemptScheduleTime(); next != nil {
		d.NextTry = new(next.AsTime())
	}
	var tries []alert.Attempt
	if converter.GetDefaultDataConverter().FromPayloads(pending.GetHeartbeatDetails(), &tries) != nil || len(tries) == 0 {
		return
	}
	last, made := &tries[len(tries)-1], len(d.Attempts)
	if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED && last.Number == made+int(pending.GetAttempt()) {
		last.Unknown, last.Answer = false, "under way"
	}
	d.Attempts = tries
}

// deliveryOf returns the pending delivery that an activity with that input makes. It returns nil for activities other than
// Tell.
func deliveryOf(log alert.Log, input *common.Payloads) *alert.Delivery {
	var request alert.DeliveryRequest
	if converter.GetDefaultDataConverter().FromPayloads(input, &request) != nil {
		return nil
	}
	for _, chain := range log.Chains {
		if request.Step >= len(chain.Steps) || chain.Steps[request.Step].Receiver != request.Receiver {
			continue
		}
		deliveries := chain.Steps[request.Step].Deliveries
		for i, d := range deliveries {
			if d.Target == request.Target && d.State == alert.Pending {
				return &deliveries[i]
			}
		}
	}
	return nil
}

// Acknowledge returns the acknowledgement that counts, which may be an earlier one by somebody else. It fails with a
// *alert.ClosedError if there is nothing to acknowledge.
//
// It reads the log first: a button that is pressed twice leaves no second trace in the history, and a workflow that has
// ended takes no updates. It goes on if the caller hangs up.
func (s *Alerts) Acknowledge(ctx context.Context, of identity.Merchants, id string, a alert.Acknowledgement) (alert.Acknowledgement, error) {
	if !alert.IsID(id) {
		return alert.Acknowledgement{}, alert.ErrNotFound
	}
	ctx = context.WithoutCancel(ctx)
	if !of.All() { // which needs no alertman: another merchant's alert is not found either while none answers
		if _, err := s.outline(ctx, of, id); err != nil {
			return alert.Acknowledgement{}, err
		}
	}
	log, err := s.deliveries(ctx, of, id)
	if err != nil {
		return alert.Acknowledgement{}, err
	}
	if log.Acknowledgement != nil {
		return *log.Acknowledgement, nil
	}
	kept, err := s.sendAcknowledgement(ctx, id, a)
	refused, is := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case is && refused.Type() == workflows.AcknowledgementClosed:
		err = &alert.ClosedError{Why: refused.Message()}
	case is && refused.Type() == workflows.RequestInvalid:
		err = fmt.Errorf("%w: %s", alert.ErrInvalid, refused.Message())
	case isNotFound(err):
		return s.acknowledgedBefore(ctx, of, id)
	}
	return kept, err
}

// sendAcknowledgement waits for the workflow's answer. Each call has an update id of its own, so that a caller may try
// again after a refusal.
func (s *Alerts) sendAcknowledgement(ctx context.Context, id string, a alert.Acknowledgement) (kept alert.Acknowledgement, err error) {
	ctx, sent := trackSent(ctx)
	ctx, cancel := context.WithTimeout(ctx, updateWithin)
	defer cancel()
	handle, err := s.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflows.AlertWorkflowID(id),
		UpdateID:     uuid.NewString(),
		UpdateName:   workflows.AcknowledgeUpdate,
		Args:         []any{a},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &kept)
	}
	if err == nil || isNotFound(err) || is[*temporal.ApplicationError](err) {
		return kept, err
	}
	return kept, queryError(err, sent)
}

// acknowledgedBefore handles an alert whose workflow ended between the query and the update.
func (s *Alerts) acknowledgedBefore(ctx context.Context, of identity.Merchants, id string) (alert.Acknowledgement, error) {
	log, err := s.deliveries(ctx, of, id)
	if err == nil && log.Acknowledgement != nil {
		return *log.Acknowledgement, nil
	}
	if err == nil {
		err = &alert.ClosedError{Why: "the alert is over"}
	}
	return alert.Acknowledgement{}, err
}
