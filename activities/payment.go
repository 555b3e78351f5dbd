package activities

import (
	"context"
	"fmt"

	"dummyorders/domain/payment"
)

// Payment moves money through the gateway of each payment method. Every call carries an idempotency key, so a retry
// asks about the same movement of money and never makes a second one.
type Payment struct {
	Gateways *payment.Registry
}

// Authorize holds the amount. It fails with PaymentDeclined when the gateway says no.
func (a *Payment) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	authorization, err := a.Gateways.For(r.Method).Authorize(ctx, r)
	if err != nil {
		return payment.Authorization{}, forTemporal(fmt.Errorf("authorize %s: %w", r.Amount, err))
	}
	return authorization, nil
}

// Capture takes what was held. It fails with PaymentDeclined when the gateway says no.
func (a *Payment) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	capture, err := a.Gateways.For(r.Method).Capture(ctx, r)
	if err != nil {
		return payment.Capture{}, forTemporal(fmt.Errorf("capture %s of authorization %s: %w", r.Amount, r.AuthorizationID, err))
	}
	return capture, nil
}

// Void releases what was held. It fails with PaymentDeclined when the gateway says no, as of a hold that has expired.
func (a *Payment) Void(ctx context.Context, r payment.VoidRequest) error {
	if err := a.Gateways.For(r.Method).Void(ctx, r); err != nil {
		return forTemporal(fmt.Errorf("void authorization %s: %w", r.AuthorizationID, err))
	}
	return nil
}
