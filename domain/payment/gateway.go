// Package payment moves money in two steps, authorize (hold) and capture (take), or in one, charge. Void releases held money;
// refund gives back money that was taken.
package payment

import (
	"context"
	"fmt"
	"strings"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
)

// Gateway moves the money. Every call carries an idempotency key: called again under the same key, the gateway does nothing
// twice and gives the same answer.
//
// A call fails with one of the errors listed in errors.go. An error of any other type leaves the outcome unknown.
type Gateway interface {
	// Name returns the name by which people know the gateway.
	Name() string
	// Authorize holds the amount.
	Authorize(ctx context.Context, r AuthorizeRequest) (Authorization, error)
	// Capture takes all of the held money. It is declined if none is held.
	Capture(ctx context.Context, r CaptureRequest) (Capture, error)
	// Void releases the held money. Releasing it again is not an error, under any key. Once the money was taken, Void fails
	// with a *CapturedError.
	Void(ctx context.Context, r VoidRequest) error
	// Refund gives back all of the money that was taken. It is declined if none was taken. Giving it back again is not an
	// error, under any key, and gives nothing back twice.
	Refund(ctx context.Context, r RefundRequest) (Refund, error)
}

// Charger is a Gateway that takes an amount in one call.
type Charger interface {
	Gateway
	// Charge takes the amount. If it could only be held, the result has no Capture, and Capture may be called for it.
	//
	// Charge and Authorize share their keys: of two calls under one key only the first moves money, and the other returns what
	// that came to. So a charge without an answer is settled by asking for a hold: either the hold's id is that of the charge,
	// or no charge under the key is made any more.
	Charge(ctx context.Context, r AuthorizeRequest) (Charge, error)
}

// AuthorizeRequest asks to hold Amount on the card, or on what Token stands for. Exactly one of Card and Token is set.
type AuthorizeRequest struct {
	IdempotencyKey string       `json:"idempotencyKey"`
	TransactionID  string       `json:"transactionID"`
	Gateway        string       `json:"gateway"` // chosen before the first attempt: another gateway would not know the key
	Method         string       `json:"method"`
	Card           card.Details `json:"card,omitzero"`
	Token          string       `json:"token,omitempty"`
	Amount         money.Money  `json:"amount"`
	// Settle says that earlier calls under the key gave no answer, possibly for so long that the gateway has forgotten the key.
	Settle bool `json:"settle,omitempty"`
}

// Authorization is a hold, or stands for one where the amount was taken in one call.
type Authorization struct {
	ID      string `json:"id"`
	Gateway string `json:"gateway"`
}

// CaptureRequest asks to take all of the money that an authorization holds.
type CaptureRequest struct {
	IdempotencyKey  string      `json:"idempotencyKey"`
	Gateway         string      `json:"gateway"` // the one that holds, by Authorization
	Method          string      `json:"method"`
	AuthorizationID string      `json:"authorizationID"`
	Amount          money.Money `json:"amount"`
}

// Capture is money taken.
type Capture struct {
	ID string `json:"id"`
}

// ChargeRequest asks to take an amount: in one call, or by a hold and a capture. These have keys of their own, so that a retry
// goes on where the try before it ended.
type ChargeRequest struct {
	AuthorizeRequest

	OneCall    bool   `json:"oneCall,omitempty"` // of a Charger
	CaptureKey string `json:"captureKey"`
}

// Charge is what came of a charge: its authorization, and either what was taken or why nothing can be. In the second case the
// money is still held.
type Charge struct {
	Authorization Authorization `json:"authorization"`
	Capture       Capture       `json:"capture,omitzero"`
	Refusal       string        `json:"refusal,omitempty"` // in the gateway's words
	Decline       DeclineCode   `json:"decline,omitempty"`
}

// VoidRequest asks to release the money that an authorization holds.
type VoidRequest struct {
	IdempotencyKey  string `json:"idempotencyKey"`
	Gateway         string `json:"gateway"` // the one that holds, by Authorization
	Method          string `json:"method"`
	AuthorizationID string `json:"authorizationID"`
}

// RefundRequest asks to give back all of the money that was taken for an authorization.
type RefundRequest struct {
	IdempotencyKey  string      `json:"idempotencyKey"`
	Gateway         string      `json:"gateway"` // the one that holds, by Authorization
	Method          string      `json:"method"`
	AuthorizationID string      `json:"authorizationID"`
	Amount          money.Money `json:"amount"`
}

// Refund is money given back.
type Refund struct {
	ID string `json:"id"`
}

// Registry finds the gateway for a payment method. Each method has one spelling, which the API's reader gives it.
type Registry struct {
	byMethod map[string]Gateway
	fallback Gateway
}

// NewRegistry returns a Registry that sends each method in byMethod to its gateway, and every other method to fallback.
func NewRegistry(fallback Gateway, byMethod map[string]Gateway) *Registry {
	return &Registry{byMethod: byMethod, fallback: fallback}
}

// For returns the gateway for a method, and never nil: a method without a gateway of its own goes to the fallback.
func (r *Registry) For(method string) Gateway {
	if gateway, named := r.byMethod[method]; named {
		return gateway
	}
	return r.fallback
}

// Names reports whether a method has a gateway of its own. A nil Registry names none.
func (r *Registry) Names(method string) bool {
	return r != nil && r.byMethod[method] != nil
}

// Chosen returns the gateway that was chosen for a payment, by its name: the method may go to another gateway by now. If the
// name is empty, it returns the gateway that the method goes to now.
func (r *Registry) Chosen(name, method string) (Gateway, error) {
	if name == "" {
		return r.For(method), nil
	}
	if r.fallback.Name() == name {
		return r.fallback, nil
	}
	for _, gateway := range r.byMethod {
		if gateway.Name() == name {
			return gateway, nil
		}
	}
	return nil, fmt.Errorf("the gateway %s, which this payment began with, is not configured here", name)
}

// Refuse is the gateway for payment methods without a configured gateway. It declines each payment, so that no payment
// counts as paid although no money moved.
type Refuse struct {
	Known []string // methods that have a gateway, for the message
}

// Name implements Gateway.
func (Refuse) Name() string { return "refuse" }

// Authorize declines with UnknownPaymentMethod.
func (r Refuse) Authorize(context.Context, AuthorizeRequest) (Authorization, error) {
	return Authorization{}, r.declined()
}

// Capture declines, because Refuse holds no money.
func (r Refuse) Capture(context.Context, CaptureRequest) (Capture, error) {
	return Capture{}, r.declined()
}

// Void succeeds, because Refuse holds no money.
func (Refuse) Void(context.Context, VoidRequest) error { return nil }

// Refund declines, because Refuse took no money.
func (r Refuse) Refund(context.Context, RefundRequest) (Refund, error) {
	return Refund{}, r.declined()
}

func (r Refuse) declined() error {
	refused := &DeclinedError{Gateway: r.Name(), Code: string(UnknownPaymentMethod), Reason: UnknownPaymentMethod}
	if len(r.Known) > 0 {
		refused.Detail = "known methods: " + strings.Join(r.Known, ", ")
	}
	return refused
}
