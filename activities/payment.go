package activities

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/payment"
	"dummyorders/internal/telemetry"
)

// Payment moves money through the gateway that a payment began with. Every call carries an idempotency key, so a retry asks
// about the same movement of money and never makes a second one. A call fails with PaymentDeclined if the gateway refuses
// for good; after any other failure it is retried.
type Payment struct {
	Gateways *payment.Registry
	Lasting  Lasting
}

// Authorize holds the amount.
func (a *Payment) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	what := fmt.Sprintf("authorize %s", r.Amount)
	return ask(ctx, a, "authorize", r.Gateway, r.Method, what, func(g payment.Gateway) (payment.Authorization, error) {
		return g.Authorize(ctx, r)
	})
}

// Capture takes the held money.
func (a *Payment) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	what := fmt.Sprintf("capture %s of authorization %s", r.Amount, r.AuthorizationID)
	return ask(ctx, a, "capture", r.Gateway, r.Method, what, func(g payment.Gateway) (payment.Capture, error) {
		return g.Capture(ctx, r)
	})
}

// Charge takes the amount, in one call or two. If it is held and cannot be taken, that is a result: the hold is the caller's to
// release.
func (a *Payment) Charge(ctx context.Context, r payment.ChargeRequest) (payment.Charge, error) {
	return ask(ctx, a, "charge", r.Gateway, r.Method, "charge "+r.Amount.String(), func(g payment.Gateway) (payment.Charge, error) {
		charge, err := chargeOrHold(ctx, g, r)
		if err != nil || charge.Capture.ID != "" {
			return charge, err
		}
		held := charge.Authorization
		taken, err := g.Capture(ctx, payment.CaptureRequest{
			IdempotencyKey: r.CaptureKey, Gateway: held.Gateway, Method: r.Method, AuthorizationID: held.ID, Amount: r.Amount,
		})
		switch {
		case payment.IsDeclined(err):
			return payment.Charge{Authorization: held, Refusal: fmt.Sprintf("capture: %v", err), Decline: payment.ReasonOf(err)}, nil
		case err != nil:
			return payment.Charge{}, fmt.Errorf("capture of authorization %s: %w", held.ID, err)
		}
		return payment.Charge{Authorization: held, Capture: taken}, nil
	})
}

// chargeOrHold makes the first call of a charge, which is the only one if it takes the amount.
func chargeOrHold(ctx context.Context, g payment.Gateway, r payment.ChargeRequest) (payment.Charge, error) {
	if charger, can := g.(payment.Charger); can && r.OneCall {
		return charger.Charge(ctx, r.AuthorizeRequest)
	}
	held, err := g.Authorize(ctx, r.AuthorizeRequest)
	if err != nil {
		return payment.Charge{}, fmt.Errorf("authorize: %w", err)
	}
	return payment.Charge{Authorization: held}, nil
}

// Void releases the held money. It fails with PaymentCaptured once the money was taken.
func (a *Payment) Void(ctx context.Context, r payment.VoidRequest) error {
	_, err := ask(ctx, a, "void", r.Gateway, r.Method, "void authorization "+r.AuthorizationID, func(g payment.Gateway) (struct{}, error) {
		return struct{}{}, g.Void(ctx, r)
	})
	return err
}

// Refund gives back money that was taken.
func (a *Payment) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	what := fmt.Sprintf("refund %s of authorization %s", r.Amount, r.AuthorizationID)
	return ask(ctx, a, "refund", r.Gateway, r.Method, what, func(g payment.Gateway) (payment.Refund, error) {
		return g.Refund(ctx, r)
	})
}

// ask finds the payment's gateway and asks it. Its error begins with what, which says what was asked for; step says it in a word.
func ask[A any](ctx context.Context, a *Payment, step, name, method, what string, question func(payment.Gateway) (A, error)) (A, error) {
	defer a.Lasting.begin(ctx)()
	var none A
	gateway, err := a.Gateways.Chosen(name, method)
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	begun := time.Now()
	answer, err := question(gateway)
	telemetry.GatewayCallDuration.Record(ctx, time.Since(begun), gateway.Name(), step)
	telemetry.GatewayCalls.Inc(ctx, gateway.Name(), step, resultOf(answer, err))
	if err != nil {
		return none, forTemporal(fmt.Errorf("%s: %w", what, err))
	}
	return answer, nil
}

// resultOf says in a word what a gateway answered. That money was taken already is a final answer too.
func resultOf(answer any, err error) string {
	charged, isCharge := answer.(payment.Charge)
	switch {
	case payment.IsDeclined(err) || payment.IsCaptured(err) || isCharge && charged.Refusal != "":
		return "declined"
	case err != nil:
		return "failed"
	default:
		return "ok"
	}
}
