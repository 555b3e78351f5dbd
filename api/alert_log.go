package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/internal/grpcsent"
	"dummyorders/workflows"
)

// What may come of asking for an alert, apart from an answer.
var (
	errNoAlert    = errors.New("no such alert")
	errNoEngine   = errors.New("the workflow engine cannot be asked")
	errNoAlertman = errors.New("no alertman answers")
)

// maxAlerts is more than a transaction has: a review is asked for, reminded of and expires, a fraud is told, and money
// that cannot be given back.
const maxAlerts = 8

// alerts are those of a transaction that alertman has taken, the oldest first. Their ids follow from the transaction's.
func (s *saga) alerts(ctx context.Context, transactionID string) ([]alertAnswer, error) {
	var all [maxAlerts]*alertAnswer
	asked, ctx := errgroup.WithContext(ctx)
	for i := range all {
		asked.Go(func() error {
			found, err := s.alert(ctx, workflows.EventID(workflows.TransactionWorkflowID(transactionID), i+1))
			if errors.Is(err, errNoAlert) {
				return nil
			}
			all[i] = found
			return err
		})
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	there := []alertAnswer{}
	for _, found := range all {
		if found != nil {
			there = append(there, *found)
		}
	}
	slices.SortStableFunc(there, func(a, b alertAnswer) int { return a.Time.Compare(b.Time) })
	return there, nil
}

// maxAlertID is the longest id, in bytes, that Temporal takes for a workflow (limit.maxIDLength), without our prefix.
var maxAlertID = 1000 - len(workflows.AlertWorkflowID(""))

// isAlertID says whether an alert may have an id at all: about another, Temporal cannot be asked.
func isAlertID(id string) bool {
	return utf8.ValidString(id) && len(id) <= maxAlertID
}

// alert is all there is to know of an alert.
func (s *saga) alert(ctx context.Context, id string) (*alertAnswer, error) {
	if !isAlertID(id) {
		return nil, errNoAlert
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var log alert.Log
	var found *workflowservice.DescribeWorkflowExecutionResponse
	asked, both := errgroup.WithContext(ctx)
	asked.Go(func() (err error) {
		log, err = s.deliveries(both, id)
		return err
	})
	asked.Go(func() (err error) {
		found, err = s.describeAlert(both, id)
		return err
	})
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	now, err := s.progress(ctx, found)
	if err != nil {
		return nil, err
	}
	answer := answerAlert(log, now)
	for i, chain := range answer.Chains {
		if chain.Collected != nil {
			answer.Chains[i].Group = s.group(ctx, log, *chain.Collected)
		}
	}
	return answer, nil
}

func (s *saga) describeAlert(ctx context.Context, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, sent := grpcsent.Track(ctx)
	found, err := s.temporal.DescribeWorkflowExecution(ctx, workflows.AlertWorkflowID(id), "")
	if isNotFound(err) {
		return nil, errNoAlert
	}
	if err != nil {
		return nil, unasked(err, sent)
	}
	return found, nil
}

// deliveries is an alert's log, which only an alertman can tell.
func (s *saga) deliveries(ctx context.Context, id string) (alert.Log, error) {
	ctx, sent := grpcsent.Track(ctx)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var log alert.Log
	value, err := s.temporal.QueryWorkflow(ctx, workflows.AlertWorkflowID(id), "", workflows.DeliveriesQuery)
	switch {
	case isNotFound(err):
		return log, errNoAlert
	case err != nil:
		return log, unasked(err, sent)
	}
	return log, value.Get(&log)
}

// unasked tells an alertman that is away from a Temporal that is. Temporal waits for a worker as long as it is let, or
// says at once that it has seen none.
func unasked(err error, sent func() bool) error {
	var late *serviceerror.DeadlineExceeded
	var unseen *serviceerror.FailedPrecondition
	if sent() && (errors.As(err, &late) || errors.As(err, &unseen) || errors.Is(err, context.DeadlineExceeded)) {
		return fmt.Errorf("%w: %w", errNoAlertman, err)
	}
	return fmt.Errorf("%w: %w", errNoEngine, err)
}

// group is where a collected alert went, or nil where that cannot be found out now. Its run knows the digests that it has
// handed on itself; what it left to the next run, the latest one knows.
func (s *saga) group(ctx context.Context, log alert.Log, at alert.Place) *alertGroup {
	member := cmp.Or(log.EventID, log.ID)
	if log.Digest != nil && len(log.Digest.Members) > 0 {
		member = log.Digest.Members[0].EventID // a digest lists events alone
	}
	var latest *alertGroup
	for _, run := range []string{at.RunID, ""} {
		group, err := s.digests(ctx, at.WorkflowID, run)
		if err != nil {
			continue
		}
		for _, digest := range group.Digests {
			if slices.Contains(digest.Events, member) {
				return &alertGroup{Name: group.Name, DigestID: digest.ID}
			}
		}
		latest = &alertGroup{Name: group.Name, Waiting: group.Waiting, Until: group.Until}
	}
	return latest
}

func (s *saga) digests(ctx context.Context, workflowID, runID string) (alert.GroupLog, error) {
	var log alert.GroupLog
	value, err := s.temporal.QueryWorkflow(ctx, workflowID, runID, workflows.DigestsQuery)
	if err != nil {
		return log, err
	}
	return log, value.Get(&log)
}
