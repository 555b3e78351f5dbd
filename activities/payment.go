package activities

import (
	"context"
	"fmt"

	"dummyorders/domain/payment"
)

// Payment moves money through the gateway of each payment method. Every call carries an idempotency key, so a retry
// asks about the same movement of money and never makes a second one. A call fails with PaymentDeclined when the
// gateway's no is final; after any other failure it is asked again.
type Payment struct {
	Gateways *payment.Registry
}

// Authorize holds the amount.
func (a *Payment) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	gateway, err := a.Gateways.Chosen(r.Gateway, r.Method)
	var authorization payment.Authorization
	if err == nil {
		authorization, err = gateway.Authorize(ctx, r)
	}
	if err != nil {
		return payment.Authorization{}, forTemporal(fmt.Errorf("authorize %s: %w", r.Amount, err))
	}
	return authorization, nil
}

// Capture takes what was held.
func (a *Payment) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	gateway, err := a.Gateways.Chosen(r.Gateway, r.Method)
	var capture payment.Capture
	if err == nil {
		capture, err = gateway.Capture(ctx, r)
	}
	if err != nil {
		return payment.Capture{}, forTemporal(fmt.Errorf("capture %s of authorization %s: %w", r.Amount, r.AuthorizationID, err))
	}
	return capture, nil
}

// Void releases what was held. It fails with PaymentCaptured once the money was taken.
func (a *Payment) Void(ctx context.Context, r payment.VoidRequest) error {
	gateway, err := a.Gateways.Chosen(r.Gateway, r.Method)
	if err == nil {
		err = gateway.Void(ctx, r)
	}
	if err != nil {
		return forTemporal(fmt.Errorf("void authorization %s: %w", r.AuthorizationID, err))
	}
	return nil
}

// Refund gives back what was taken.
func (a *Payment) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	gateway, err := a.Gateways.Chosen(r.Gateway, r.Method)
	var refund payment.Refund
	if err == nil {
		refund, err = gateway.Refund(ctx, r)
	}
	if err != nil {
		return payment.Refund{}, forTemporal(fmt.Errorf("refund %s of authorization %s: %w", r.Amount, r.AuthorizationID, err))
	}
	return refund, nil
}
