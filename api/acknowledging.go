package api

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/internal/grpcsent"
	"dummyorders/workflows"
)

// acknowledge returns the acknowledgement that counts, which may be another's that came before. It fails with a
// *closedError where there is nothing to acknowledge.
//
// The log is asked first: who has the button pressed twice leaves no second trace in the history, and a workflow that
// has ended takes no updates. A caller that hangs up changes nothing.
func (s *saga) acknowledge(ctx context.Context, id string, a alert.Acknowledgement) (alert.Acknowledgement, error) {
	if !isAlertID(id) {
		return alert.Acknowledgement{}, errNoAlert
	}
	ctx = context.WithoutCancel(ctx)
	log, err := s.deliveries(ctx, id)
	if err != nil {
		return alert.Acknowledgement{}, err
	}
	if log.Acknowledgement != nil {
		return *log.Acknowledgement, nil
	}
	kept, err := s.sendAcknowledgement(ctx, id, a)
	var refused *temporal.ApplicationError
	if errors.As(err, &refused) && refused.Type() == workflows.AcknowledgementClosed {
		err = &closedError{why: refused.Message()}
	}
	if isNotFound(err) {
		return s.acknowledgedBefore(ctx, id)
	}
	return kept, err
}

// sendAcknowledgement waits for the workflow's answer. Each call is a question of its own: one that was refused may be
// asked again.
func (s *saga) sendAcknowledgement(ctx context.Context, id string, a alert.Acknowledgement) (kept alert.Acknowledgement, err error) {
	ctx, sent := grpcsent.Track(ctx)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	handle, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflows.AlertWorkflowID(id),
		UpdateID:     uuid.NewString(),
		UpdateName:   workflows.AcknowledgeUpdate,
		Args:         []any{a},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &kept)
	}
	var refused *temporal.ApplicationError
	if err == nil || isNotFound(err) || errors.As(err, &refused) {
		return kept, err
	}
	return kept, unasked(err, sent)
}

// acknowledgedBefore is for an alert whose workflow has ended while it was asked.
func (s *saga) acknowledgedBefore(ctx context.Context, id string) (alert.Acknowledgement, error) {
	log, err := s.deliveries(ctx, id)
	if err == nil && log.Acknowledgement != nil {
		return *log.Acknowledgement, nil
	}
	if err == nil {
		err = &closedError{why: "the alert is over"}
	}
	return alert.Acknowledgement{}, err
}
