// Package stripe moves money through Stripe, https://stripe.com: an authorization is a PaymentIntent with manual
// capture. Card numbers never go there from here; a payment brings the token of a PaymentMethod instead.
package stripe

import (
	"cmp"
	"context"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v84"

	"dummyorders/domain/payment"
)

// name is how people know the gateway.
const name = "stripe"

// Gateway is a Stripe account.
//
// Stripe keeps the answer to an idempotency key for at least 24 hours, failures of its own included: what failed under
// a key goes on failing, https://docs.stripe.com/error-low-level#idempotency. A PaymentIntent can be captured, canceled
// and refunded only once, whatever the key, so there the gateway goes on under a new one. A hold it must not ask for
// twice: there it looks for the PaymentIntent that the first request may have made.
type Gateway struct {
	client *stripe.Client
}

// New takes the account's secret key, and where the API is: https://api.stripe.com, or a stand-in for it.
func New(apiKey, baseURL string) *Gateway {
	return &Gateway{client: newClient(apiKey, baseURL)}
}

// Name is stripe.
func (g *Gateway) Name() string {
	return name
}

// Authorize makes a PaymentIntent and confirms it. It declines with token_required, unsupported_amount or
// authentication_required beside all that Stripe declines with.
func (g *Gateway) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	if r.Token == "" {
		return payment.Authorization{}, declined("token_required", "a card number is never passed on: send payment.token")
	}
	amount, err := stripeAmount(r.Amount)
	if err != nil {
		return payment.Authorization{}, declined("unsupported_amount", err.Error())
	}
	intent, err := g.client.V1PaymentIntents.Create(ctx, holdParams(r, amount))
	if failedBefore(err) || keyUsed(err) {
		intent, err = g.find(ctx, r, err)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return payment.Authorization{}, failure(err)
	}
	return authorization(intent)
}

// Capture takes all of what the PaymentIntent holds.
func (g *Gateway) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	intent, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.PaymentIntent, error) {
		return g.client.V1PaymentIntents.Capture(ctx, r.AuthorizationID, &stripe.PaymentIntentCaptureParams{Params: p})
	})
	if inOtherState(err) {
		intent, err = g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return payment.Capture{}, failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusSucceeded {
		return payment.Capture{ID: chargeOf(intent)}, nil
	}
	if intent.Status == stripe.PaymentIntentStatusCanceled {
		return payment.Capture{}, declined(string(intent.Status), "what was held is released")
	}
	return payment.Capture{}, undecided(intent)
}

// Void cancels the PaymentIntent.
func (g *Gateway) Void(ctx context.Context, r payment.VoidRequest) error {
	intent, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.PaymentIntent, error) {
		return g.client.V1PaymentIntents.Cancel(ctx, r.AuthorizationID, &stripe.PaymentIntentCancelParams{Params: p})
	})
	if inOtherState(err) {
		intent, err = g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusCanceled {
		return nil
	}
	if intent.Status == stripe.PaymentIntentStatusSucceeded {
		return &payment.CapturedError{Gateway: name, AuthorizationID: r.AuthorizationID}
	}
	return undecided(intent)
}

// Refund gives back all of what was captured. It looks first whether anything was: to Stripe, the refund of a hold may
// release it.
func (g *Gateway) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	intent, err := g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	if err != nil {
		return payment.Refund{}, failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusProcessing {
		return payment.Refund{}, undecided(intent)
	}
	if intent.Status != stripe.PaymentIntentStatusSucceeded {
		return payment.Refund{}, declined(string(intent.Status), "nothing was taken")
	}
	return g.refund(ctx, r)
}

func (g *Gateway) refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	refund, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.Refund, error) {
		return g.client.V1Refunds.Create(ctx, &stripe.RefundCreateParams{Params: p, PaymentIntent: &r.AuthorizationID})
	})
	if refundedBefore(err) {
		refund, err = g.firstRefund(ctx, r.AuthorizationID, err)
	}
	if err != nil {
		return payment.Refund{}, failure(err)
	}
	if !stands(refund) {
		return payment.Refund{}, declined(cmp.Or(string(refund.FailureReason), string(refund.Status)), refund.ID)
	}
	return payment.Refund{ID: refund.ID}, nil
}

// newest looks again at a PaymentIntent that was on its way when Stripe answered: under the same key, that answer comes
// again and again.
func (g *Gateway) newest(ctx context.Context, intent *stripe.PaymentIntent, err error) (*stripe.PaymentIntent, error) {
	if err != nil || intent.Status != stripe.PaymentIntentStatusProcessing && intent.Status != stripe.PaymentIntentStatusRequiresConfirmation {
		return intent, err
	}
	return g.client.V1PaymentIntents.Retrieve(ctx, intent.ID, nil)
}

// underKey asks under the key, and under a new one where Stripe only repeats how it failed before. It is for what
// Stripe does only once whatever the key.
func underKey[V any](key string, ask func(stripe.Params) (V, error)) (V, error) {
	answer, err := ask(params(key))
	if failedBefore(err) {
		answer, err = ask(params(uuid.NewString()))
	}
	return answer, err
}
