package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
)

// pay holds the amount, then takes it. Both are seen through even when the transaction is cancelled meanwhile, since
// an interrupted call would leave it unknown whether money moved; the cancellation counts between them. Whatever was
// held and not taken is released.
func (p *process) pay(ctx workflow.Context) error {
	p.move(ctx, transaction.PaymentInitiated)
	authorization, err := p.authorize(detached(ctx))
	if err != nil {
		return p.refused(ctx, err)
	}
	p.record.Payment.AuthorizationID = authorization.ID
	if err := ctx.Err(); err != nil {
		return joinVoid(p.cancelled(ctx, err), p.void(detached(ctx), authorization))
	}
	capture, err := p.capture(detached(ctx), authorization)
	if err != nil {
		return joinVoid(p.refused(ctx, err), p.void(detached(ctx), authorization))
	}
	p.record.Payment.CaptureID = capture.ID
	p.move(ctx, transaction.PaymentComplete)
	return nil
}

// refused settles a payment that the gateway declined. That is a result of the transaction, not a failure of the
// workflow; any other error is one.
func (p *process) refused(ctx workflow.Context, err error) error {
	var reason *temporal.ApplicationError
	if !asType(err, activities.PaymentDeclined, &reason) {
		p.record.Payment.Error = "the payment could not be made"
		p.move(ctx, transaction.PaymentError)
		return err
	}
	p.record.Payment.Error = reason.Message()
	p.move(ctx, transaction.PaymentError)
	return nil
}

func (p *process) authorize(ctx workflow.Context) (authorization payment.Authorization, err error) {
	t := p.transaction
	ctx = paymentOptions(ctx, "hold "+t.Payment.Amount.String())
	err = workflow.ExecuteActivity(ctx, pay.Authorize, payment.AuthorizeRequest{
		IdempotencyKey: t.ID + "/authorize",
		TransactionID:  t.ID,
		Method:         t.PaymentMethod,
		Card:           t.Payment.Card,
		Amount:         t.Payment.Amount,
	}).Get(ctx, &authorization)
	return authorization, err
}

func (p *process) capture(ctx workflow.Context, held payment.Authorization) (capture payment.Capture, err error) {
	t := p.transaction
	ctx = paymentOptions(ctx, "take "+t.Payment.Amount.String())
	err = workflow.ExecuteActivity(ctx, pay.Capture, payment.CaptureRequest{
		IdempotencyKey:  t.ID + "/capture",
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
		Amount:          t.Payment.Amount,
	}).Get(ctx, &capture)
	return capture, err
}

func (p *process) void(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = paymentOptions(ctx, "release "+t.Payment.Amount.String())
	return workflow.ExecuteActivity(ctx, pay.Void, payment.VoidRequest{
		IdempotencyKey:  t.ID + "/void",
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
	}).Get(ctx, nil)
}
