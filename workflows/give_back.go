package workflows

import (
	"errors"
	"time"

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

// alarmAfter is how long a gateway is asked to give money back before people are told that it does not answer.
const alarmAfter = time.Hour

// giveBack releases what is held, or refunds it where it turns out to be taken. Nobody waits for it but the end of the
// workflow.
func (p *process) giveBack(ctx workflow.Context, held payment.Authorization) {
	p.meanwhile(ctx, "give back", func(ctx workflow.Context) error { return p.release(ctx, held) })
}

// releaseUnknown is for a hold that may or may not exist, because no answer came. Asking again under the same key tells,
// and what is held then is released.
func (p *process) releaseUnknown(ctx workflow.Context) error {
	var held payment.Authorization
	err := p.insist(ctx, func(ctx workflow.Context) (err error) {
		held, err = p.authorize(ctx)
		return err
	})
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
	err := p.insist(ctx, func(ctx workflow.Context) error { return p.void(ctx, held) })
	if isType(err, activities.PaymentCaptured) {
		err = p.insist(ctx, func(ctx workflow.Context) error { return p.refund(ctx, held) })
	}
	refused, final := errors.AsType[*temporal.ApplicationError](err)
	if !final {
		return err
	}
	if err := p.stillHeld(ctx, refused.Message()); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError("the money could not be given back: "+refused.Message(), CompensationFailed, nil)
}

// insist asks until there is an answer. When there is none for long, people are told, and it goes on asking.
func (p *process) insist(ctx workflow.Context, ask func(workflow.Context) error) error {
	patient := paymentOptions(ctx)
	err := ask(workflow.WithScheduleToCloseTimeout(patient, alarmAfter))
	if err == nil || isType(err, activities.PaymentDeclined) || isType(err, activities.PaymentCaptured) {
		return err
	}
	why := "the payment gateway has given no answer for " + alarmAfter.String() + ", and is being asked again"
	if err := p.stillHeld(ctx, why); err != nil {
		return err
	}
	err = ask(patient)
	p.record.Payment.StillHeld = "" // it has answered; whoever asked says what that means
	return err
}

func (p *process) void(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = described(ctx, "release "+t.Payment.Amount.String())
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
	ctx = described(ctx, "give back "+t.Payment.Amount.String())
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

// stillHeld tells people why the money was not given back.
func (p *process) stillHeld(ctx workflow.Context, why string) error {
	p.record.Payment.StillHeld = why
	p.save(ctx)
	event := p.event(ctx, alert.CompensationFailed)
	event.Data.Problem = why
	return p.publish(ctx, event, untilItSticks)
}
