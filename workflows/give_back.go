package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/payment"
)

// Compensations are asked for until they stick, for as long as it takes. One that the gateway refuses for good cannot
// succeed: people are told, and the workflow fails, so that it stands out.

// CompensationFailed is the type of the failure of a workflow that could not give back what it holds or took.
const CompensationFailed = "CompensationFailed"

// giveBack releases what is held, or refunds it where it turns out to be taken. Nobody waits for it but the end of the
// workflow.
func (p *process) giveBack(ctx workflow.Context, held payment.Authorization) {
	p.meanwhile(ctx, "give back", func(ctx workflow.Context) error { return p.release(ctx, held) })
}

// releaseUnknown is for a hold that may or may not exist, because no answer came. Asking again under the same key tells,
// and what is held then is released.
func (p *process) releaseUnknown(ctx workflow.Context) error {
	held, err := p.authorize(paymentOptions(ctx))
	if isType(err, activities.PaymentDeclined) {
		return nil
	}
	if err != nil {
		return err
	}
	p.record.Payment.AuthorizationID = held.ID
	return p.release(ctx, held)
}

func (p *process) release(ctx workflow.Context, held payment.Authorization) error {
	err := p.void(ctx, held)
	if isType(err, activities.PaymentCaptured) {
		err = p.refund(ctx, held)
	}
	if refused, final := errors.AsType[*temporal.ApplicationError](err); final {
		return p.stillHeld(ctx, refused.Message())
	}
	return err
}

func (p *process) void(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = described(paymentOptions(ctx), "release "+t.Payment.Amount.String())
	err := workflow.ExecuteActivity(ctx, pay.Void, payment.VoidRequest{
		IdempotencyKey:  t.ID + "/void",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
	}).Get(ctx, nil)
	if err == nil {
		now := workflow.Now(ctx)
		p.record.Payment.VoidedAt = &now
	}
	return err
}

func (p *process) refund(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = described(paymentOptions(ctx), "give back "+t.Payment.Amount.String())
	var refund payment.Refund
	err := workflow.ExecuteActivity(ctx, pay.Refund, payment.RefundRequest{
		IdempotencyKey:  t.ID + "/refund",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
		Amount:          t.Payment.Amount,
	}).Get(ctx, &refund)
	p.record.Payment.RefundID = refund.ID
	return err
}

func (p *process) stillHeld(ctx workflow.Context, why string) error {
	p.record.Payment.StillHeld = why
	p.save(ctx)
	event := p.event(ctx, alert.CompensationFailed)
	event.Data.Problem = why
	if err := p.publish(ctx, event, untilItSticks); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError("the money could not be given back: "+why, CompensationFailed, nil)
}
