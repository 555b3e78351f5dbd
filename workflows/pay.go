package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
)

// Holding and taking are seen through even when the transaction is cancelled meanwhile, since an interrupted call would
// leave it unknown whether money moved; the cancellation counts before and between them.

// unanswered is why a payment failed whose gateway gave no answer before the deadline.
const unanswered = "the payment gateway gave no answer in time"

// hold authorizes the amount. It returns nil when nothing is held for the transaction to go on with: it is settled then.
func (p *process) hold(ctx workflow.Context) (*payment.Authorization, error) {
	p.move(ctx, transaction.PaymentInitiated)
	if err := p.chooseGateway(ctx); err != nil {
		return nil, err
	}
	authorization, err := p.authorize(p.withDeadline(detached(ctx)))
	if err != nil {
		p.unpaid(ctx, err)
		if !isType(err, activities.PaymentDeclined) {
			p.meanwhile(ctx, "release", p.releaseUnknown)
		}
		return nil, nil //nolint:nilnil // nothing held, and no failure of the workflow: a result of the transaction
	}
	p.record.Payment.AuthorizationID = authorization.ID
	if err := ctx.Err(); err != nil {
		p.giveBack(ctx, authorization)
		return nil, p.cancelled(ctx, err)
	}
	return &authorization, nil
}

// chooseGateway keeps the choice in the history: a hold whose answer was lost has to be asked about where it was asked
// for, whatever the settings say by then.
func (p *process) chooseGateway(ctx workflow.Context) error {
	options := workflow.SideEffectOptions{Summary: "choose the payment gateway"}
	chosen := workflow.SideEffectWithOptions(ctx, options, func(workflow.Context) any { return p.Gateways.For(p.transaction.PaymentMethod).Name() })
	if err := chosen.Get(&p.gateway); err != nil {
		return fmt.Errorf("read the choice of the gateway: %w", err)
	}
	p.record.Payment.Gateway = p.gateway
	return nil
}

// take captures what is held, or gives it back. A cancellation counts until the capture has begun: once the money is
// taken, the transaction is complete.
func (p *process) take(ctx workflow.Context, held payment.Authorization) error {
	if err := ctx.Err(); err != nil {
		p.giveBack(ctx, held)
		return p.cancelled(ctx, err)
	}
	capture, err := p.capture(p.withDeadline(detached(ctx)), held)
	if err != nil {
		p.giveBack(ctx, held)
		p.unpaid(ctx, err)
		return nil
	}
	p.record.Payment.CaptureID = capture.ID
	p.move(ctx, transaction.PaymentComplete)
	return nil
}

// whyUnpaid returns why no money was taken, in the gateway's words and by code. What is no decline went on until the
// deadline.
func whyUnpaid(err error) (string, payment.DeclineCode) {
	var declined *temporal.ApplicationError
	switch {
	case temporal.IsCanceledError(err):
		return "cancelled", payment.Cancelled
	case !asType(err, activities.PaymentDeclined, &declined):
		return unanswered, payment.GatewayUnavailable
	}
	var code payment.DeclineCode
	if declined.HasDetails() && declined.Details(&code) != nil {
		code = "" // of a form that is not known here: the gateway's words are there
	}
	return declined.Message(), code
}

func (p *process) authorize(ctx workflow.Context) (authorization payment.Authorization, err error) {
	t := p.transaction
	err = workflow.ExecuteActivity(described(ctx, "hold "+t.Payment.Amount.String()), pay.Authorize, payment.AuthorizeRequest{
		IdempotencyKey: t.ID + "/authorize",
		TransactionID:  t.ID,
		Gateway:        p.gateway,
		Method:         t.PaymentMethod,
		Card:           t.Payment.Card,
		Token:          t.Payment.Token,
		Amount:         t.Payment.Amount,
	}).Get(ctx, &authorization)
	return authorization, err
}

func (p *process) capture(ctx workflow.Context, held payment.Authorization) (capture payment.Capture, err error) {
	t := p.transaction
	err = workflow.ExecuteActivity(described(ctx, "take "+t.Payment.Amount.String()), pay.Capture, payment.CaptureRequest{
		IdempotencyKey:  t.ID + "/capture",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
		Amount:          t.Payment.Amount,
	}).Get(ctx, &capture)
	return capture, err
}

// withDeadline asks a gateway until the payment's deadline.
func (p *process) withDeadline(ctx workflow.Context) workflow.Context {
	return workflow.WithScheduleToCloseTimeout(paymentOptions(ctx), p.PaymentDeadline)
}
