package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/stripe/stripe-go/v84"

	"dummyorders/domain/payment"
)

// maxKey is the longest idempotency key that Stripe takes, https://docs.stripe.com/api/idempotent_requests.
const maxKey = 255

// What a PaymentIntent is found by again; people find it in Stripe's dashboard by the same.
const (
	transactionField = "transactionID"
	keyField         = "idempotencyKey"
)

func params(key string) stripe.Params {
	key = shortened(key)
	return stripe.Params{IdempotencyKey: &key}
}

func shortened(key string) string {
	if len(key) <= maxKey {
		return key
	}
	digest := sha256.Sum256([]byte(key))
	return hex.EncodeToString(digest[:])
}

// holdParams ask for a hold that needs nobody's presence: what would have to send the customer elsewhere fails instead.
func holdParams(r payment.AuthorizeRequest, amount int64) *stripe.PaymentIntentCreateParams {
	return &stripe.PaymentIntentCreateParams{
		Params:        params(r.IdempotencyKey),
		Amount:        new(amount),
		Currency:      new(stripeCurrency(r.Amount.Currency)),
		PaymentMethod: new(r.Token),
		CaptureMethod: new(string(stripe.PaymentIntentCaptureMethodManual)),
		Confirm:       new(true),
		AutomaticPaymentMethods: &stripe.PaymentIntentCreateAutomaticPaymentMethodsParams{
			Enabled:        new(true),
			AllowRedirects: new(string(stripe.PaymentIntentAutomaticPaymentMethodsAllowRedirectsNever)),
		},
		ErrorOnRequiresAction: new(true),
		Metadata:              map[string]string{transactionField: r.TransactionID, keyField: shortened(r.IdempotencyKey)},
	}
}

// authorization is what has become of a new PaymentIntent. One that was found again may have gone on since.
func authorization(intent *stripe.PaymentIntent) (payment.Authorization, error) {
	switch intent.Status {
	case stripe.PaymentIntentStatusRequiresCapture, stripe.PaymentIntentStatusSucceeded, stripe.PaymentIntentStatusCanceled:
		return payment.Authorization{ID: intent.ID, Gateway: name}, nil
	case stripe.PaymentIntentStatusRequiresAction:
		return payment.Authorization{}, declined(string(stripe.ErrorCodeAuthenticationRequired), "")
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		return payment.Authorization{}, failedAttempt(intent)
	case stripe.PaymentIntentStatusProcessing, stripe.PaymentIntentStatusRequiresConfirmation:
		fallthrough
	default:
		return payment.Authorization{}, undecided(intent)
	}
}

// undecided is a PaymentIntent on its way from one state to another.
func undecided(intent *stripe.PaymentIntent) error {
	return unknown(fmt.Errorf("the PaymentIntent %s is %s", intent.ID, intent.Status))
}

func failedAttempt(intent *stripe.PaymentIntent) error {
	if intent.LastPaymentError == nil {
		return declined(string(intent.Status), "")
	}
	return refused(intent.LastPaymentError, payment.GenericDecline, "")
}

// find looks for the PaymentIntent of a request that Stripe failed to answer. A new one can take a minute to be found,
// https://docs.stripe.com/search#data-freshness, and some accounts have no search: that none was found proves nothing,
// and why stays the answer.
func (g *Gateway) find(ctx context.Context, r payment.AuthorizeRequest, why error) (*stripe.PaymentIntent, error) {
	query := fmt.Sprintf("metadata[%q]:%q AND metadata[%q]:%q",
		transactionField, r.TransactionID, keyField, shortened(r.IdempotencyKey))
	search := &stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{Query: query}}
	for intent, err := range g.client.V1PaymentIntents.Search(ctx, search) {
		if err == nil {
			return intent, nil
		}
		break
	}
	return nil, why
}

// chargeOf is the id of the charge that took the money.
func chargeOf(intent *stripe.PaymentIntent) string {
	if intent.LatestCharge != nil && intent.LatestCharge.ID != "" {
		return intent.LatestCharge.ID
	}
	return intent.ID
}

// firstRefund is the one that gave the money back. A refund of all that was taken can be made only once.
func (g *Gateway) firstRefund(ctx context.Context, intentID string, why error) (*stripe.Refund, error) {
	for refund, err := range g.client.V1Refunds.List(ctx, &stripe.RefundListParams{PaymentIntent: &intentID}) {
		if err != nil || stands(refund) {
			return refund, err
		}
	}
	return nil, why
}

// stands says whether a refund gives the money back, now or once the bank has done its part.
func stands(r *stripe.Refund) bool {
	return r.Status != stripe.RefundStatusFailed && r.Status != stripe.RefundStatusCanceled
}
